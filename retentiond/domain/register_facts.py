"""The register as lines, one for each fact: what two registers differ in, and what a load puts on the record.

Texts that are for people only (names, makes, addresses, notes) are no facts: they may hold anything, the name of a
person too, and nothing follows from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from retentiond.domain import instants
from retentiond.domain.papers import About, Papers
from retentiond.domain.register import Device, Register, Relation, Room
from retentiond.domain.validity import ALWAYS, FOREVER, Validity


def facts(register: Register) -> frozenset[str]:
    """Return the facts of a register: equal exactly where two registers decide alike."""
    return frozenset((*_of_rooms(register.rooms), *_of_devices(register.devices), *_of_papers(register.papers)))


def texts(register: Register) -> frozenset[str]:
    """Return what a register says for people only, line by line: for comparing two files, and never for the record."""
    return frozenset((*_texts_of_rooms(register.rooms), *_texts_of_devices(register.devices)))


@dataclass(frozen=True, slots=True)
class FactChanges:
    """What one register says and another does not."""

    gone: tuple[str, ...]
    added: tuple[str, ...]


def compare_facts(before: frozenset[str], after: frozenset[str]) -> FactChanges:
    """Return what is gone and what was added, each in a stable order."""
    return FactChanges(tuple(sorted(before - after)), tuple(sorted(after - before)))


def mentions(fact: str, kind: str, ident: str) -> bool:
    """Tell whether a fact is about, or names, the room or device (`kind`) with this id."""
    words = [word.rstrip(":,") for word in fact.split()]
    return (kind, ident) in pairwise(words)


_PASSES = {Relation.SEES: "sight", Relation.HEARS: "sound"}
_OUT_OF = {Relation.SEES: "view", Relation.HEARS: "hearing"}


def _of_rooms(rooms: Iterable[Room]) -> Iterator[str]:
    for room in rooms:
        head = f"room {room.ident}:"
        yield f"{head} there" if room.gone == FOREVER else f"{head} gone {_at(room.gone)}"
        for entry in room.classifications:
            yield f"{head} class {entry.room_class}, {_span(entry.validity)}"
        for beside in room.neighbours:
            passes = " and ".join(_PASSES[item] for item in sorted(beside.passes)) or "nothing"
            yield f"{head} lets {passes} pass to room {beside.room}, {_span(beside.validity)}"


def _of_devices(devices: Iterable[Device]) -> Iterator[str]:
    for device in devices:
        head = f"device {device.ident}:"
        yield f"{head} {device.kind}, here {_span(device.life)}{', temporary' if device.temporary else ''}"
        for tracks in device.tracks:
            what = " and ".join(word for word, on in (("video", tracks.video), ("audio", tracks.audio)) if on)
            yield f"{head} may record {what or 'nothing'}, {_span(tracks.validity)}"
        for known in device.known_as:
            yield f"{head} known as {known.source}/{known.name}, {_span(known.validity)}"
        for link in device.links:
            how = f"in position {link.preset!r} {link.relation}" if link.preset else str(link.relation)
            yield f"{head} {how} room {link.room}, {_span(link.validity)}"
        for item in device.clearances:
            yield f"{head} out of {_OUT_OF[item.relation]} of room {item.room}, {_span(item.validity)}"


def _of_papers(papers: Papers) -> Iterator[str]:
    yield from (f"demanded: {demand}" for demand in papers.demands)
    for approval in papers.approvals:
        head = f"approval {approval.reference!r}:"
        yield f"{head} {'with' if approval.audio else 'without'} sound, {_span(approval.validity)}"
        yield from _of_about(head, approval.about)
    for sign in papers.signs:
        head = f"sign {sign.ident}:"
        yield f"{head} {'with' if sign.audio else 'without'} sound, {_span(sign.validity)}, review {_at(sign.review)}"
        yield from _of_about(head, About(rooms=sign.rooms))
    for paper in papers.assessments:
        head = f"dpia {paper.reference!r}:"
        yield f"{head} {_span(paper.validity)}, review {_at(paper.review)}"
        yield from _of_about(head, paper.about)


def _texts_of_rooms(rooms: Iterable[Room]) -> Iterator[str]:
    return (f"room {room.ident}: called {room.name!r}" for room in rooms)


def _texts_of_devices(devices: Iterable[Device]) -> Iterator[str]:
    for device in devices:
        head = f"device {device.ident}:"
        yield f"{head} called {device.name!r}"
        if device.make:
            yield f"{head} make {device.make!r}"
        if device.address:
            yield f"{head} address {device.address!r}"


def _of_about(head: str, about: About) -> Iterator[str]:
    yield from (f"{head} about device {ident}" for ident in about.devices)
    yield from (f"{head} about room {ident}" for ident in about.rooms)


def _span(span: Validity) -> str:
    return f"{_at(span.since)} to {_at(span.until)}"


def _at(instant: datetime) -> str:
    if instant in (ALWAYS, FOREVER):
        return "always" if instant == ALWAYS else "open"
    return instants.to_text(instant)
