"""Opening a trail again: reads the last segment, mends a torn tail, and refuses to mend damage."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from retentiond.audit.head import Attested, read_head
from retentiond.audit.kept import Base, kept_segments, read_base
from retentiond.audit.line import parse_line
from retentiond.audit.segment import Chain, Segment, begin_chain, load_chain, read_lines, save_frontier
from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file, sync_directory
from retentiond.ports import Head


@dataclass(frozen=True, slots=True)
class Torn:
    """What a crash left of a batch that was never durable; kept in `torn/`."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the writer goes on.

    Attributes:
        segment: the last one. It holds no line if the trail is new, or if all of it was torn.
        former: the name of the segment before it, empty if there is none.
        chain: after its last line.
        size_bytes: where its last line ends.
        month: the year and month of its first line, None if it holds none.
        torn: what was cut off there and is not on the record yet.
        head: the newest head on disk, None if there was none.
    """

    segment: Segment
    former: str
    chain: Chain
    size_bytes: int
    month: tuple[int, int] | None
    torn: tuple[Torn, ...]
    head: Head | None


def open_last_segment(directory: str, log: str, now: datetime, attested: Sequence[Attested] = ()) -> Opened:
    """Read the end of the trail and mend it where that is allowed.

    A broken end above the newest head is torn: it was never durable and nothing was done on it. It is kept aside and
    cut off. Below the head it is damage, which is evidence and stays. The newest head is the largest of the one on
    disk and those that are `attested` elsewhere, such as by a witness.

    Raises:
        AuditDamagedError: a line below the newest head is damaged, or lines are missing.
        StorageError: the files cannot be read or written.
    """
    head = read_head(directory)
    heads = [*attested, *([] if head is None else [Attested("the head on disk", head.size, head.root)])]
    base, segments = read_base(directory), kept_segments(log)
    if not segments:
        largest = max(heads, key=lambda known: known.size, default=None)
        if base.first or (largest is not None and largest.size):
            size = max(base.first, largest.size if largest is not None else 0)
            raise AuditDamagedError(f"{log}: {size} records are attested and none are there; {_ADVICE}")
        return Opened(Segment(log, 0), "", begin_chain(), 0, None, (), head)
    segment = segments[-1]
    chain = load_chain(segment) or _rebuild_chain(segments, base)
    end = _follow(segment, chain, heads)
    _refuse_damage(segment, chain, end, heads)
    if end.broken:
        _cut_off(directory, segment, end, now)
    return Opened(
        segment=segment,
        former=segments[-2].name if len(segments) > 1 else "",
        chain=chain,
        size_bytes=end.size_bytes,
        month=_month_of(segment) if end.size_bytes else None,
        torn=_unrecorded(directory, segment, end.size_bytes),
        head=head,
    )


_ADVICE = (
    "nothing is mended here. Stop the daemon, keep a copy of the directory as evidence, restore the file, "
    "and run: retentiond audit verify"
)


@dataclass(slots=True)
class _End:
    """How far the lines of a segment are good, what stands after that, and why it is not good."""

    size_bytes: int = 0
    broken: bytes = b""
    why: str = "the file ends there"


def _follow(segment: Segment, chain: Chain, heads: Sequence[Attested]) -> _End:
    """Follow the lines of a segment as far as they are good."""
    end = _End()
    held: bytes | None = None
    sizes = {known.size for known in heads}
    _compare(segment, chain, heads)
    for line in read_lines(segment.path):  # the last item stands after the last LF, so one is always held back
        if held is not None:
            try:
                chain.follow(held)
            except AuditDamagedError as error:
                end.why, end.broken = str(error), _rest(segment.path, end.size_bytes)
                return end
            end.size_bytes += len(held) + 1
            if chain.seq in sizes:
                _compare(segment, chain, heads)
        held = line
    if held:
        end.why, end.broken = "it has no end", held
    return end


def _compare(segment: Segment, chain: Chain, heads: Sequence[Attested]) -> None:
    for known in heads:
        if known.size == chain.seq and known.root != chain.root:
            raise AuditDamagedError(
                f"{segment.path}: the first {chain.seq} records are not those that {known.name} attests; {_ADVICE}"
            )


def _refuse_damage(segment: Segment, chain: Chain, end: _End, heads: Sequence[Attested]) -> None:
    where = f"{segment.path}, line {chain.seq - segment.first + 1} (record {chain.seq})"
    largest = max(heads, key=lambda known: known.size, default=None)
    if largest is not None and chain.seq < largest.size:
        raise AuditDamagedError(
            f"{where}: {end.why}, and {largest.size} records are attested by {largest.name}; {_ADVICE}"
        )
    if largest is None and chain.seq and end.broken:
        # The first head is kept before anything is done, so only its loss leads here.
        raise AuditDamagedError(f"{where}: {end.why}, and no head says how many records were durable; {_ADVICE}")


def _rebuild_chain(segments: list[Segment], base: Base) -> Chain:
    """Read all former segments, because the edge kept beside the last one is missing or wrong, and keep it again."""
    *former, last = segments
    chain = follow_segments(former, base.chain())
    if chain.seq != last.first:
        raise AuditDamagedError(f"{last.path}: begins at record {last.first}, and {chain.seq} are before it; {_ADVICE}")
    with suppress(StorageError):
        save_frontier(last, chain)  # a full disk has no room for it; then the next start reads all again
    return chain


def follow_segments(segments: Sequence[Segment], chain: Chain) -> Chain:
    """Read whole segments from `chain` on, and return the chain after them.

    Raises:
        AuditDamagedError: a line is damaged; it says which.
        StorageError: the files cannot be read.
    """
    for segment in segments:
        if segment.first != chain.seq:
            break
        end = _follow(segment, chain, ())
        if end.broken:
            line = chain.seq - segment.first + 1
            raise AuditDamagedError(f"{segment.path}, line {line} (record {chain.seq}): {end.why}; {_ADVICE}")
    return chain


def _rest(path: str, offset: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read()
    except OSError as error:
        raise StorageError(f"{path}: the audit trail cannot be read ({error.strerror})") from error


def _cut_off(directory: str, segment: Segment, end: _End, now: datetime) -> None:
    """Keep the torn end aside, then cut it off."""
    torn = os.path.join(directory, "torn")
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        os.makedirs(torn, mode=0o750, exist_ok=True)
        sync_directory(directory)
        replace_file(os.path.join(torn, f"{_torn_prefix(segment, end.size_bytes)}{stamp}"), end.broken, 0o640)
        descriptor = os.open(segment.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, end.size_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"{segment.path}: a torn end cannot be cut off ({error.strerror})") from error


def _unrecorded(directory: str, segment: Segment, size_bytes: int) -> tuple[Torn, ...]:
    """Return what was cut off where the file ends now.

    No line was written after it was cut off, so none says so; also not if a crash came between the cut and the record.
    """
    torn = os.path.join(directory, "torn")
    try:
        names = sorted(os.listdir(torn))
        found = []
        for name in names:
            if name.startswith(_torn_prefix(segment, size_bytes)) and ".new-" not in name:
                with open(os.path.join(torn, name), "rb") as file:
                    data = file.read()
                found.append(Torn(len(data), hashlib.sha256(data).hexdigest()))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StorageError(f"{torn}: cannot be read ({error.strerror})") from error
    return tuple(dict.fromkeys(found))


def _torn_prefix(segment: Segment, size_bytes: int) -> str:
    return f"{segment.first:020d}-{size_bytes}-"


def _month_of(segment: Segment) -> tuple[int, int]:
    """Return the month in which the segment was begun, that of its first line."""
    at: datetime = instants.from_text(parse_line(next(read_lines(segment.path)))["ts"])
    return at.year, at.month
