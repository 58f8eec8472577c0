"""Looks where else recordings of a store may lie: a deletion does not reach there (rule 6)."""

from collections.abc import Iterator
from datetime import timedelta

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.domain.rule import DeletionRule
from retentiond.domain.span import Span
from retentiond.ports import Catalogue, Store

MOST = 200
"""So many recordings are looked at, the oldest and the newest of each stream."""

_ALL = DeletionRule("all", frozenset(), timedelta())
_TICK = timedelta(milliseconds=1)


def find_copies(store: Store, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Return what shows second copies of a store's recordings. Costs streams, and two files of each."""
    copies = store.copies(tuple(_samples(store.name, catalogue)))
    return (
        *_shared(store.name, copies.shared, copies.looked),
        *_linked(store.name, copies.linked, copies.looked),
        *(_place(store.name, place) for place in copies.places),
    )


def declared_copy(store: StoreName, copy: str) -> Finding:
    """Return the finding for a copy that the configuration declares: known, and still out of reach."""
    return finding(
        FindingKind.SECOND_COPY,
        f"{store} / {copy}",
        f"recordings of store {store!r} are copied, by the configuration: {copy}; what is deleted here stays there",
        "see that the copies end before the deadline as well; once that is so, acknowledge this for a time: retentiond "
        "findings acknowledge",
    )


def _samples(store: StoreName, catalogue: Catalogue) -> Iterator[tuple[Place, Unit]]:
    for stream, count in list(catalogue.streams(store))[: MOST // 2]:
        ends = {catalogue.oldest(stream, None, None), catalogue.newest(stream)} if count else set()
        for start in ends:
            if start is not None:
                for row in catalogue.find([Span(stream, start - _TICK, start, _ALL)], 1):
                    yield row.recording.place, row.recording.unit


def _shared(store: StoreName, shared: int, looked: int) -> Iterator[Finding]:
    if shared:
        yield finding(
            FindingKind.SECOND_COPY,
            f"{store} / shared blocks",
            f"{shared} of {looked} recordings of store {store!r} that were looked at share their blocks with a "
            "snapshot or a copy (reflink): what is deleted here stays there",
            "let snapshots of the store end before the deadline, or take the store out of them: btrfs subvolume list, "
            "snapper list",
        )


def _linked(store: StoreName, linked: int, looked: int) -> Iterator[Finding]:
    if linked:
        yield finding(
            FindingKind.SECOND_COPY,
            f"{store} / other names",
            f"{linked} of {looked} recordings of store {store!r} that were looked at have other names on its disk "
            "(hard links): what is deleted here stays there",
            "find them: find DISK -samefile FILE; then name their directory as a store, or remove them",
        )


def _place(store: StoreName, place: str) -> Finding:
    name, _, what = place.partition(": ")
    return finding(
        FindingKind.SECOND_COPY,
        f"{store} / {name}",
        f"in store {store!r} or above it on its disk there is {name!r}, {what}, and it is not empty: recordings may "
        "live on there after they are deleted here",
        "switch it off for this directory, empty it, or let it forget in time; if no recording comes there, "
        "acknowledge this: retentiond findings acknowledge",
    )
