"""Segments: append-only files named by the index of their first line, and the growing edge of the tree before each."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retentiond.audit.line import FIRST_PREV, parse_line
from retentiond.audit.shape import Shapes
from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file
from retentiond.tlog.errors import TlogError
from retentiond.tlog.tree import Frontier, leaf_hash

_NAME = re.compile(r"([0-9]{20})\.jsonl", re.ASCII)
_READ_BYTES = 1 << 20
_HELD_LEAVES = 4096


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the trail. `first` is the index of its first line."""

    directory: str
    first: int

    @property
    def name(self) -> str:
        """What it is called in its directory."""
        return f"{self.first:020d}.jsonl"

    @property
    def path(self) -> str:
        """Where its lines lie."""
        return os.path.join(self.directory, self.name)

    @property
    def frontier_path(self) -> str:
        """Where the edge of the tree before its first line is kept; derived, and never trusted unchecked."""
        return os.path.join(self.directory, f"{self.first:020d}.frontier")


def list_segments(directory: str) -> list[Segment]:
    """Return the segments of a trail, in order. Raises StorageError if the directory cannot be read."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{directory}: the audit trail cannot be read ({error.strerror})") from error
    firsts = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
    return [Segment(directory, first) for first in firsts]


def read_lines(path: str, offset: int = 0) -> Iterator[bytes]:
    """Yield the lines of a file from a byte offset on, each without LF.

    The last item is always what stands after the last LF: empty, being written right now, or torn.
    """
    rest = b""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            while block := file.read(_READ_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                yield from lines
    except OSError as error:
        raise StorageError(f"{path}: the audit trail cannot be read ({error.strerror})") from error
    yield rest


def whole_lines(path: str) -> Iterator[bytes]:
    """Yield the lines of a file that have their LF, each without it. Raises StorageError."""
    held: bytes | None = None
    for line in read_lines(path):
        if held is not None:
            yield held
        held = line


def begun_at(segment: Segment) -> datetime:
    """Return when a segment was begun: its first record, which is there before the file is.

    Raises:
        AuditDamagedError: its first line is no record.
        StorageError: it cannot be read.
    """
    at: datetime = instants.from_text(parse_line(next(read_lines(segment.path)))["ts"])
    return at


class UnlinkedError(AuditDamagedError):
    """A line is a record by itself, and not one that follows from the line before."""


@dataclass(slots=True)
class Chain:
    """Where a reading of the trail stands: the next index, the leaf hash before it, and the tree so far."""

    seq: int
    prev: str
    before: Frontier
    leaves: list[bytes] = field(default_factory=list)
    shapes: Shapes = field(default_factory=Shapes)

    def follow(self, line: bytes) -> dict[str, Any] | None:
        """Take in the next line. Returns its fields if it had to be parsed, as those of PARSED_ALWAYS always are.

        Raises:
            UnlinkedError: it does not follow from the line before; one of the two was altered.
            AuditDamagedError: it is no record, or not the next one.
        """
        fields = None
        known = self.shapes.recognise(line)
        if known is None:
            fields = parse_line(line)
            self.shapes.learn(fields)
            known = fields["seq"], fields["prev"]
        seq, prev = known
        if seq != self.seq:
            raise AuditDamagedError(f"its number is {seq}, and {self.seq} comes next")
        if prev != self.prev:
            raise UnlinkedError(
                "it does not follow from the line before: `prev` is not the hash of that; one of both was altered"
            )
        self.add(line)
        return fields

    def add(self, line: bytes) -> None:
        """Take in the next line, which is known to follow."""
        leaf = leaf_hash(line)
        self.seq += 1
        self.prev = leaf.hex()
        self.leaves.append(leaf)
        if len(self.leaves) >= _HELD_LEAVES:
            self._grow()

    @property
    def frontier(self) -> Frontier:
        """The edge of the tree so far."""
        self._grow()
        return self.before

    @property
    def root(self) -> bytes:
        """The root of the tree so far."""
        return self.frontier.root

    def copy(self) -> "Chain":
        """Return a chain that goes on from here by itself."""
        return Chain(self.seq, self.prev, self.frontier, shapes=self.shapes)

    def _grow(self) -> None:
        # Leaves are taken into the tree many at a time; one by one costs several times as much.
        if self.leaves:
            self.before = self.before.extend(self.leaves)
            self.leaves.clear()


def begin_chain() -> Chain:
    """Return the chain before the first line of a trail."""
    return Chain(0, FIRST_PREV, Frontier())


def save_frontier(segment: Segment, chain: Chain) -> None:
    """Keep the edge of the tree before a segment, so that a start reads only the last one. Raises StorageError."""
    lines = [chain.prev, *(item.hex() for item in chain.frontier.to_hashes())]
    replace_file(segment.frontier_path, ("\n".join(lines) + "\n").encode(), 0o640)


def load_chain(segment: Segment) -> Chain | None:
    """Return the chain before `segment` from its kept edge, None if that is missing or is not the edge.

    It is the edge if its root is the one that the segment's own first line, `audit.segment`, states.
    """
    if segment.first == 0:
        return begin_chain()
    try:
        with open(segment.frontier_path, encoding="ascii") as file:
            prev, *hashes = file.read(16_384).splitlines()
        frontier = Frontier.from_hashes(segment.first, [bytes.fromhex(item) for item in hashes])
        fields = parse_line(next(read_lines(segment.path)))
    except (OSError, ValueError, TlogError, AuditDamagedError, StorageError):
        return None
    stated = fields.get("root"), fields["seq"], fields["prev"]
    return Chain(segment.first, prev, frontier) if stated == (frontier.root.hex(), segment.first, prev) else None
