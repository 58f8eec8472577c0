"""Checking a whole trail, without its writer and without trusting it."""

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from retentiond.audit.anchors import kept_heads
from retentiond.audit.head import Attested, read_head, read_origin
from retentiond.audit.kept import Base, kept_segments, read_base
from retentiond.audit.keys import known_keys
from retentiond.audit.line import parse_line
from retentiond.audit.reader import expect_trail
from retentiond.audit.rotation import trusted_keys, unannounced_key
from retentiond.audit.segment import Chain, Segment, UnlinkedError, begun_at, load_chain, read_lines
from retentiond.audit.state import digest_of
from retentiond.domain.errors import AuditDamagedError, StorageError, UsageError
from retentiond.domain.event import EventType
from retentiond.ports import Head
from retentiond.tlog.checkpoint import open_checkpoint, parse_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import parse_vkey
from retentiond.tlog.note import parse_note
from retentiond.tlog.tree import leaf_hash

PROGRESS_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class Verified:
    """The whole trail is what its head says.

    Attributes:
        size: the number of records in its life.
        root: the root of the tree over all of them.
        signed: whether the head on disk bears a signature of a known key, or of one that follows from those pinned.
        torn_bytes: stand after the last line; a writer may be at work.
        first: the number of the first record that is kept; those before were pruned, on the record.
        began: the number of the first record that was read.
        heads: those that the records were compared with.
        passed_over: how many heads could not be compared, because they end before the first record that was read.
    """

    size: int
    root: bytes
    signed: bool
    torn_bytes: int
    first: int = 0
    began: int = field(default=0, compare=False)
    heads: tuple[Attested, ...] = field(default=(), compare=False)
    passed_over: int = field(default=0, compare=False)


Progress: TypeAlias = Callable[[int, float], None]
"""Called with the number of records checked so far, and how much of the whole that is, 0 to 1."""


def verify_trail(
    directory: str,
    *,
    external: tuple[int, bytes] | None = None,
    attested: Collection[Attested] = (),
    pinned: Collection[str] = (),
    since: datetime | None = None,
    progress: Progress = lambda _records, _share: None,
) -> Verified:
    """Check every line, the chain, the tree, the keys, the head on disk, and heads kept elsewhere.

    A writer may be at work: lines beyond the head on disk are fine, and half a line after them is not damage.
    Without a head from elsewhere, somebody who holds the key can have written all of it anew, and anybody who can write
    the files can have rolled it back to an older head; docs/audit-format.md says exactly what is detected.

    Args:
        directory: of the trail.
        external: size and root of a head that was kept elsewhere.
        attested: further heads that are known. Those that end before what is read are passed over.
        pinned: public keys that were kept elsewhere; the head has to be signed by one of them, or by a key that
            follows from one by rotations on the record. Without any, those in `keys` are believed.
        since: begin with the segment in which the records of this instant are. What is before follows from the edge
            that is kept of it, because the head on disk attests what comes of both.
        progress: told now and then.

    Raises:
        AuditDamagedError: names the first bad line.
        UsageError: the head kept elsewhere is of records that were pruned or not read.
        StorageError: there is no trail, or it cannot be read.
    """
    expect_trail(os.path.join(directory, "log"))
    check = _Check(external, attested, pinned, since, progress)
    while True:
        began = read_base(directory).first
        try:
            return _verify(directory, check)
        except (AuditDamagedError, StorageError):
            if read_base(directory).first == began:
                raise  # else the writer has pruned meanwhile what was being read


@dataclass(frozen=True, slots=True)
class _Check:
    """What a trail is checked against, and how much of it: the arguments of `verify_trail`."""

    external: tuple[int, bytes] | None
    attested: Collection[Attested]
    pinned: Collection[str]
    since: datetime | None
    progress: Progress


def _verify(directory: str, check: _Check) -> Verified:
    log = os.path.join(directory, "log")
    head = _read_head(directory, check.pinned)  # before the lines: a writer may add to both; lines may only be more
    base = _read_base(directory)
    heads = _heads(directory, head, check)
    segments = kept_segments(log)
    chain, segments = _begin(base, segments, check.since, head)
    reading = _Reading(chain.copy(), _by_size(heads, chain.seq, check, base))
    reading.expect(segments)
    _compare(reading)
    torn = 0
    for segment in segments:
        if reading.former is not None and torn:
            raise AuditDamagedError(
                f"{reading.former.path}: {torn} bytes stand after its last line, and a file follows it"
            )
        if segment.first != reading.chain.seq:
            raise AuditDamagedError(
                f"{segment.path}: begins at record {segment.first}, and {reading.chain.seq} are before it"
            )
        torn = _check_segment(segment, reading, check)
        reading.former = segment
    _check_end(directory, base, chain.seq, reading)
    check.progress(reading.chain.seq, 1.0)
    compared = tuple(known for known in heads if known.size >= chain.seq)
    return Verified(
        size=reading.chain.seq,
        root=reading.chain.root,
        signed=head is not None and head.signed,
        torn_bytes=torn,
        first=base.first,
        began=chain.seq,
        heads=compared,
        passed_over=len(heads) - len(compared),
    )


def _heads(directory: str, head: Head | None, check: _Check) -> list[Attested]:
    """Return all heads that are known: on disk, with what others say of them, and kept elsewhere."""
    found = [] if head is None else [Attested("the head on disk", head.size, head.root)]
    found += kept_heads(directory)
    if check.external is not None:
        found.append(Attested("the head kept elsewhere", *check.external))
    return [*found, *check.attested]


def _by_size(heads: Sequence[Attested], begin: int, check: _Check, base: Base) -> dict[int, list[Attested]]:
    by_size: dict[int, list[Attested]] = {}
    for known in heads:
        by_size.setdefault(known.size, []).append(known)
    if check.external is not None and check.external[0] < begin:
        before = "pruned; take a newer one" if begin == base.first else "not read; leave --since out"
        raise UsageError(
            f"the head kept elsewhere is of {check.external[0]} records, and those before {begin} were {before}"
        )
    return by_size


def _begin(
    base: Base, segments: list[Segment], since: datetime | None, head: Head | None
) -> tuple[Chain, list[Segment]]:
    """Return where reading begins: at the last segment that begins by `since`, if its edge is kept and attested."""
    if since is not None and head is not None:
        for number in reversed(range(len(segments))):
            segment = segments[number]
            if base.first < segment.first <= head.size and begun_at(segment) <= since:
                chain = load_chain(segment)
                if chain is not None:
                    return chain, segments[number:]
    return base.chain(), segments


@dataclass(slots=True)
class _Reading:
    """Where a check of the trail stands, and what it has read about the trail itself."""

    chain: Chain
    heads: dict[int, list[Attested]]
    former: Segment | None = None
    good: Attested | None = None
    done_bytes: int = 0
    all_bytes: int = 1
    announced: dict[int, str] = field(default_factory=dict)
    vouching: dict[int, dict[str, Any]] = field(default_factory=dict)

    def expect(self, segments: Sequence[Segment]) -> None:
        """Look how much there is to read."""
        with suppress(OSError):  # one that cannot be read is said when its turn comes
            self.all_bytes = max(sum(os.path.getsize(segment.path) for segment in segments), 1)

    def note(self, fields: dict[str, Any]) -> None:
        """Take note of a record that is about the trail itself."""
        match fields["type"]:
            case EventType.KEY_ROTATED:
                self.announced[fields["seq"]] = str(fields.get("new"))
            case EventType.AUDIT_PRUNED | EventType.AUDIT_FORKED:
                self.vouching[fields["seq"]] = fields
            case _:
                pass


def _read_head(directory: str, pinned: Collection[str]) -> Head | None:
    if not pinned:
        return read_head(directory)
    try:
        keys = trusted_keys(directory, read_origin(directory) or "", pinned)
    except TlogError as error:
        raise UsageError(f"{error}; write a public key as it was printed: <origin>+<8 hex digits>+<base64>") from error
    head = read_head(directory, keys)
    if head is None or not head.signed:
        raise AuditDamagedError(f"{directory}: the head is not signed; with the key that you know, it has to be")
    return head


def _read_base(directory: str) -> Base:
    """Return where the trail begins, and check the head that was signed for it when it was pruned."""
    base = read_base(directory)
    if not base.note:
        return base
    try:
        known = [parse_vkey(key.vkey) for key in known_keys(directory)]
        if "\n\n" not in base.note:
            checkpoint = parse_checkpoint(base.note)
        else:
            note = parse_note(base.note.encode())
            checkpoint = open_checkpoint(note, parse_checkpoint(note.text).origin, known)
    except TlogError as error:
        raise AuditDamagedError(f"{directory}/pruned.json: the head in it does not verify ({error})") from error
    if checkpoint.head != base.frontier.head:
        raise AuditDamagedError(f"{directory}/pruned.json: the head in it is not that of the edge beside it")
    return base


def _compare(reading: _Reading) -> None:
    """Compare the tree with the heads of this size."""
    chain = reading.chain
    for known in reading.heads.get(chain.seq, ()):
        if known.root != chain.root:
            good = reading.good
            until = "" if good is None else f"; the first {good.size} are, by {good.name}"
            raise AuditDamagedError(f"the first {chain.seq} records are not those that {known.name} attests{until}")
        reading.good = known


def _check_segment(segment: Segment, reading: _Reading, check: _Check) -> int:
    """Check the lines of a segment; return how many bytes stand after the last one."""
    chain, heads = reading.chain, reading.heads
    held: bytes | None = None
    for number, line in enumerate(read_lines(segment.path)):
        if held is not None:
            try:
                before = chain.root if number == 1 else b""
                fields = chain.follow(held)
                if fields is not None:
                    reading.note(fields)
                if number == 1 and segment.first:
                    _check_first_line(segment, reading.former, before, fields or {})
                if chain.seq in heads:
                    _compare(reading)
            except AuditDamagedError as error:
                place = _Place(segment, number, reading.former)
                raise place.blame(error, held, line) from error
            reading.done_bytes += len(held) + 1
            if chain.seq % PROGRESS_EVERY == 0:
                check.progress(chain.seq, min(reading.done_bytes / reading.all_bytes, 1.0))
        held = line
    return len(held or b"")


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of a segment, counted from 1, and the segment before."""

    segment: Segment
    number: int
    former: Segment | None

    def blame(self, error: AuditDamagedError, line: bytes, following: bytes) -> AuditDamagedError:
        """Return the error with the first bad line in it.

        It is the line before, if this one does not follow from that and the next follows from this one: then this one
        is as it was written.
        """
        if isinstance(error, UnlinkedError) and self.segment.first + self.number > 1 and _follows(following, line):
            return AuditDamagedError(f"{self._before()}: it was altered; the lines after it have another hash of it")
        return AuditDamagedError(
            f"{self.segment.path}, line {self.number} (record {self.segment.first + self.number - 1}): {error}"
        )

    def _before(self) -> str:
        record = self.segment.first + self.number - 2
        if self.number > 1:
            return f"{self.segment.path}, line {self.number - 1} (record {record})"
        return f"{self.segment.path if self.former is None else self.former.path}, the line of record {record}"


def _follows(line: bytes, before: bytes) -> bool:
    try:
        return bool(parse_line(line)["prev"] == leaf_hash(before).hex())
    except AuditDamagedError:
        return False


def _check_first_line(segment: Segment, former: Segment | None, root: bytes, fields: dict[str, Any]) -> None:
    """Every segment but the first begins with what all before it came to; the name of a pruned one is not known."""
    stated = {key: fields.get(key) for key in ("type", "previous", "size", "root")}
    found = {
        "type": EventType.AUDIT_SEGMENT.value,
        "previous": former.name if former else stated["previous"],
        "size": segment.first,
        "root": root.hex(),
    }
    wrong = next((key for key in found if stated[key] != found[key]), None)
    if wrong is not None:
        raise AuditDamagedError(f"as the first of its file it has to state the {wrong} {found[wrong]!r}")


def _check_end(directory: str, base: Base, began: int, reading: _Reading) -> None:
    """Check what only the whole trail tells: the heads, the keys, and that nothing went without a record."""
    largest = max(reading.heads, default=0)
    if largest > reading.chain.seq:
        raise AuditDamagedError(
            f"{directory}/log: {reading.chain.seq} records are there, and {reading.heads[largest][0].name} attests "
            f"{largest}"
        )
    stranger = unannounced_key(known_keys(directory), reading.announced, began)
    if stranger is not None:
        raise AuditDamagedError(
            f"{directory}/keys: the key of {stranger.vkey.split('+')[-2]} signs from {stranger.first} records on, and "
            "no record announces it"
        )
    if base.record is None or base.state is None:
        if not began and reading.vouching.get(0, {}).get("type") == EventType.AUDIT_FORKED:
            raise AuditDamagedError(f"{directory}/forked.json: is missing, and record 0 vouches for what is in it")
        return
    if base.record < began:
        return  # the record that vouches for it was not read
    vouched = reading.vouching.get(base.record, {})
    stated = {key: vouched.get(key) for key in ("min_index", "root", "state")}
    found: dict[str, Any] = {"state": digest_of(base.state)}
    if base.first:
        found |= {"min_index": base.first, "root": base.frontier.root.hex()}
    wrong = next((key for key in found if stated[key] != found[key]), None)
    if wrong is not None:
        raise AuditDamagedError(
            f"{directory}: begins at record {base.first}, and record {base.record} does not vouch for the {wrong} of "
            "what was before"
        )
