"""Opening a trail again: reads the last segment, mends a torn tail, and refuses to mend damage."""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from retentiond.audit.head import read_head
from retentiond.audit.line import parse_line
from retentiond.audit.segment import Chain, Segment, begin_chain, list_segments, load_chain, read_lines, root_of
from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file, sync_directory


@dataclass(frozen=True, slots=True)
class Torn:
    """What a crash left of a batch that was never durable; kept in `torn/`."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the writer goes on. `month` is that of the newest line."""

    segment: Segment
    chain: Chain
    torn: Torn | None
    month: tuple[int, int]


def open_last_segment(directory: str, log: str) -> Opened:
    """Read the end of the trail and mend it where that is allowed.

    A broken end above the newest head is torn: it was never durable and nothing was done on it. It is kept aside and
    cut off. Below the head it is damage, which is evidence and stays.

    Raises:
        AuditDamagedError: a line below the newest head is damaged, or lines are missing.
        StorageError: the files cannot be read or written.
    """
    head = read_head(directory)
    attested = 0 if head is None else head.size
    segments = list_segments(log)
    if not segments:
        if attested:
            raise AuditDamagedError(f"{log}: {attested} records are attested and none are there; restore them")
        return Opened(Segment(log, 0), begin_chain(), None, (0, 0))
    segment = segments[-1]
    chain = load_chain(segment) or _chain_from_lines(segments[:-1])
    good, broken = _follow(segment, chain)
    if chain.seq < attested:
        raise AuditDamagedError(
            f"{segment.path}: record {chain.seq} is damaged or missing, and {attested} records are attested; "
            "nothing is mended here: keep the files, restore a copy, and see: retentiond audit verify"
        )
    if head is not None and head.size == chain.seq and head.root != root_of(chain):
        raise AuditDamagedError(f"{segment.path}: the records are not those that the head attests; see: audit verify")
    torn = _cut_off(directory, segment, good, broken) if broken else None
    return Opened(segment, chain, torn, _month_of(segment, chain))


def _chain_from_lines(segments: list[Segment]) -> Chain:
    """Read all former segments, because the edge kept beside the last one is missing or wrong."""
    chain = begin_chain()
    for segment in segments:
        _, broken = _follow(segment, chain)
        if broken:
            raise AuditDamagedError(f"{segment.path}: record {chain.seq} is damaged; see: retentiond audit verify")
    return chain


def _follow(segment: Segment, chain: Chain) -> tuple[int, bytes]:
    """Follow the lines of a segment as far as they are good; return where that ends and what stands after it."""
    good = 0
    waiting: bytes | None = None
    for line in read_lines(segment.path):  # the last item stands after the last LF, so one is always held back
        if waiting is not None:
            try:
                chain.follow(waiting)
            except AuditDamagedError:
                return good, _rest(segment.path, good)
            good += len(waiting) + 1
        waiting = line
    return good, waiting or b""


def _rest(path: str, offset: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read()
    except OSError as error:
        raise StorageError(f"{path}: the audit trail cannot be read ({error.strerror})") from error


def _cut_off(directory: str, segment: Segment, good: int, broken: bytes) -> Torn:
    """Keep the torn end aside, then cut it off."""
    torn = os.path.join(directory, "torn")
    name = f"{segment.first:020d}-{good}"
    try:
        os.makedirs(torn, mode=0o750, exist_ok=True)
        replace_file(os.path.join(torn, name), broken, 0o640)
        descriptor = os.open(segment.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, good)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(torn)
    except OSError as error:
        raise StorageError(f"{segment.path}: a torn end cannot be cut off ({error.strerror})") from error
    return Torn(len(broken), hashlib.sha256(broken).hexdigest())


def _month_of(segment: Segment, chain: Chain) -> tuple[int, int]:
    """Return the month in which the segment was begun, that of its first line."""
    if chain.seq == segment.first:
        return (0, 0)
    at: datetime = instants.from_text(parse_line(next(read_lines(segment.path)))["ts"])
    utc = at.astimezone(UTC)
    return utc.year, utc.month
