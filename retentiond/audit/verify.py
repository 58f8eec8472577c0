"""Checking a whole trail, without its writer and without trusting it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retentiond.audit.head import read_head
from retentiond.audit.segment import Chain, Segment, begin_chain, list_segments, read_lines
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import EventType

PROGRESS_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class Verified:
    """The whole trail is what its head says. `torn_bytes` stand after the last line; a writer may be at work."""

    size: int
    root: bytes
    signed: bool
    torn_bytes: int


def verify_trail(
    directory: str, *, external: tuple[int, bytes] | None = None, progress: Callable[[int], None] = lambda _: None
) -> Verified:
    """Check every line, the chain, the tree, the head on disk, and a head kept elsewhere.

    A writer may be at work: lines beyond the head on disk are fine, and half a line after them is not damage.
    Without `external`, somebody who holds the key can have written all of it anew, and anybody who can write the files
    can have rolled it back to an older head; docs/audit-format.md says exactly what is detected.

    Raises:
        AuditDamagedError: names the first bad line.
        StorageError: there is no trail, or it cannot be read.
    """
    log = os.path.join(directory, "log")
    if not os.path.isdir(log):
        raise StorageError(f"{directory}: there is no audit trail; the daemon makes one at its first start")
    head = read_head(directory)  # before the lines: a writer may add to both, and lines may only be more
    kept = (("on disk", None if head is None else (head.size, head.root)), ("kept elsewhere", external))
    heads = [_Attested(f"the head {where}", *known) for where, known in kept if known is not None]
    chain, torn = begin_chain(), 0
    _compare(chain, heads)
    former: Segment | None = None
    for segment in list_segments(log):
        if former is not None and torn:
            raise AuditDamagedError(f"{former.path}: {torn} bytes stand after its last line, and a file follows it")
        if segment.first != chain.seq:
            raise AuditDamagedError(f"{segment.path}: begins at record {segment.first}, and {chain.seq} are before it")
        torn = _check_segment(_Reading(segment, former, chain, heads), progress)
        former = segment
    for known in heads:
        if known.size > chain.seq:
            raise AuditDamagedError(f"{log}: {chain.seq} records are there, and {known.name} attests {known.size}")
    return Verified(chain.seq, chain.root, head is not None and head.signed, torn)


@dataclass(frozen=True, slots=True)
class _Attested:
    """A size and a root that somebody vouches for."""

    name: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class _Reading:
    """A segment that is being read, the one before it, and where the trail stands."""

    segment: Segment
    former: Segment | None
    chain: Chain
    heads: list[_Attested]


def _compare(chain: Chain, heads: list[_Attested]) -> None:
    """Compare the tree with the heads of this size."""
    for known in heads:
        if known.size == chain.seq and known.root != chain.root:
            raise AuditDamagedError(f"the first {chain.seq} records are not those that {known.name} attests")


def _check_segment(reading: _Reading, progress: Callable[[int], None]) -> int:
    """Check the lines of a segment; return how many bytes stand after the last one."""
    segment, chain = reading.segment, reading.chain
    attested = {known.size for known in reading.heads}
    held: bytes | None = None
    for number, line in enumerate(read_lines(segment.path)):
        if held is not None:
            try:
                before = chain.root if number == 1 else b""
                fields = chain.follow(held)
                if number == 1 and segment.first:
                    _check_first_line(reading, before, fields)
                if chain.seq in attested:
                    _compare(chain, reading.heads)
            except AuditDamagedError as error:
                where = f"{segment.path}, line {number} (record {segment.first + number - 1})"
                raise AuditDamagedError(f"{where}: {error}") from error
            if chain.seq % PROGRESS_EVERY == 0:
                progress(chain.seq)
        held = line
    return len(held or b"")


def _check_first_line(reading: _Reading, root: bytes, fields: dict[str, Any] | None) -> None:
    """Every segment but the first begins with what all before it came to."""
    stated = {key: (fields or {}).get(key) for key in ("type", "previous", "size", "root")}
    found = {
        "type": EventType.AUDIT_SEGMENT.value,
        "previous": reading.former.name if reading.former else "",
        "size": reading.segment.first,
        "root": root.hex(),
    }
    wrong = next((key for key in found if stated[key] != found[key]), None)
    if wrong is not None:
        raise AuditDamagedError(f"as the first of its file it has to state the {wrong} {found[wrong]!r}")
