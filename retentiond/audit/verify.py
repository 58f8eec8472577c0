"""Checking a whole trail, without its writer and without trusting it."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from retentiond.audit.head import read_head
from retentiond.audit.segment import Chain, Segment, begin_chain, list_segments, read_lines, root_of
from retentiond.domain.errors import AuditDamagedError
from retentiond.ports import Head

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

    Without `external`, somebody who holds the key can have written all of it anew, and anybody who can write the files
    can have rolled it back to an older head; docs/audit-format.md says exactly what is detected.

    Raises:
        AuditDamagedError: names the first bad line.
    """
    head = read_head(directory)  # before the lines: a writer may add to both, and lines may only be more
    wanted = {}
    if head is not None:
        wanted[head.size] = head.root
    chain, torn = begin_chain(), 0
    checks = _Checks(wanted, external)
    checks.passed(chain)
    segments = list_segments(os.path.join(directory, "log"))
    for segment in segments:
        if segment.first != chain.seq:
            raise AuditDamagedError(f"{segment.path}: begins at record {segment.first}, and {chain.seq} are before it")
        torn = _check_segment(segment, chain, checks, progress)
        if torn and segment is not segments[-1]:
            raise AuditDamagedError(
                f"{segment.path}: {torn} bytes stand after its last line, and it is not the last file"
            )
    checks.finish(chain.seq, head)
    return Verified(chain.seq, root_of(chain), head is not None and head.signed, torn)


class _Checks:
    """Compares the tree with every head that is known, as it grows past them."""

    def __init__(self, wanted: dict[int, bytes], external: tuple[int, bytes] | None) -> None:
        self._wanted = wanted
        self._external = external

    def passed(self, chain: Chain) -> None:
        """Compare at this size."""
        if chain.seq in self._wanted and self._wanted[chain.seq] != root_of(chain):
            raise AuditDamagedError(f"the first {chain.seq} records are not those that the head on disk attests")
        if self._external is not None and self._external[0] == chain.seq and self._external[1] != root_of(chain):
            raise AuditDamagedError(f"the first {chain.seq} records are not those of the head kept elsewhere")

    def finish(self, size: int, head: Head | None) -> None:
        """Complain about heads that the trail never reaches."""
        if head is not None and head.size > size:
            raise AuditDamagedError(f"{size} records are there, and the head on disk attests {head.size}")
        if self._external is not None and self._external[0] > size:
            raise AuditDamagedError(
                f"{size} records are there, and the head kept elsewhere attests {self._external[0]}"
            )


def _check_segment(segment: Segment, chain: Chain, checks: _Checks, progress: Callable[[int], None]) -> int:
    """Check the lines of a segment; return how many bytes stand after the last one."""
    held: bytes | None = None
    for number, line in enumerate(read_lines(segment.path)):
        if held is not None:
            try:
                fields = chain.follow(held)
                _check_segment_line(fields, chain, segment, number)
            except AuditDamagedError as error:
                raise AuditDamagedError(f"{segment.path}, line {number}: {error}") from error
            checks.passed(chain)
            if chain.seq % PROGRESS_EVERY == 0:
                progress(chain.seq)
        held = line
    return len(held or b"")


def _check_segment_line(fields: dict[str, object], chain: Chain, segment: Segment, number: int) -> None:
    """The first line of every segment but the first says so and states where it begins."""
    if number == 1 and segment.first and (fields["type"] != "audit.segment" or fields.get("size") != segment.first):
        raise AuditDamagedError(f"a file that begins at record {segment.first} has to begin with its audit.segment")
    if chain.seq <= segment.first:
        raise AuditDamagedError("its number is below the file's first")
