"""What the suites for the catalogue share."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from retentiond.domain import instants, names
from retentiond.domain.recording import Recording, StoreName, Stream
from retentiond.domain.span import BEGINNING, Span
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import Arrived, Catalogue, DirectoryStamp, Listing
from tests.builders import NOW, STORE, a_rule, a_stream, at

MS = timedelta(milliseconds=1)
OTHER = StoreName("archive")
FIRST = at("2026-03-01 02:00")


def a_listing(directory: bytes = b"reception/2026-03-01", *, stamp: DirectoryStamp | None = None) -> Listing:
    return Listing(directory, stamp or DirectoryStamp(7, 1, 2), ())


def arrive(
    catalogue: Catalogue,
    *items: Recording,
    doubt: Doubt | None = None,
    arrival: Arrival = Arrival.ORDINARY,
) -> tuple[Recording, ...]:
    """Let recordings arrive, each in a listing of its directory."""
    for directory in dict.fromkeys(item.place.directory for item in items):
        arrived = [Arrived(item, NOW, doubt, arrival) for item in items if item.place.directory == directory]
        catalogue.update(items[0].stream.store, a_listing(directory), arrived, (), ())
    return items


def a_span(after: datetime, until: datetime, stream: Stream | None = None) -> Span:
    return Span(stream or a_stream(), after, until, a_rule())


def everything(stream: Stream | None = None) -> Span:
    return a_span(BEGINNING, at("2100-01-01"), stream)


def found(catalogue: Catalogue, *spans: Span, limit: int | None = None) -> list[Recording]:
    return [row.recording for row in catalogue.find(spans or (everything(),), limit)]


def compared(catalogue: Catalogue, directory: bytes, *seen: Recording) -> tuple[set[bytes], set[Recording]]:
    """Return the paths that are unknown and the recordings that have vanished."""
    result = catalogue.compare(STORE, a_listing(directory), told(seen))
    unknown = {names.join(directory, name) for found in result.unknown.values() for name in found}
    return unknown, set(result.vanished)


def told(items: Iterable[Recording]) -> dict[Stream, dict[bytes, int | None]]:
    """Return recordings as a listing shows them, with names that tell their starts."""
    seen: dict[Stream, dict[bytes, int | None]] = {}
    for item in items:
        seen.setdefault(item.stream, {})[item.place.name] = instants.to_ms(item.start)
    return seen


def paths(items: Sequence[Recording]) -> set[bytes]:
    return {item.place.path for item in items}
