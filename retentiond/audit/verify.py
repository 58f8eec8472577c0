"""Checking a whole trail, without its writer and without trusting it."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from retentiond.audit.head import Attested, read_head, read_origin
from retentiond.audit.kept import Base, kept_segments, read_base
from retentiond.audit.keys import known_keys
from retentiond.audit.reader import expect_trail
from retentiond.audit.rotation import trusted_keys, unannounced_key
from retentiond.audit.segment import Chain, Segment, read_lines
from retentiond.audit.state import digest_of
from retentiond.domain.errors import AuditDamagedError, StorageError, UsageError
from retentiond.domain.event import EventType
from retentiond.ports import Head
from retentiond.tlog.checkpoint import open_checkpoint, parse_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import parse_vkey
from retentiond.tlog.note import parse_note

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
    """

    size: int
    root: bytes
    signed: bool
    torn_bytes: int
    first: int = 0


def verify_trail(
    directory: str,
    *,
    external: tuple[int, bytes] | None = None,
    pinned: Collection[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Check every line, the chain, the tree, the keys, the head on disk, and a head kept elsewhere.

    A writer may be at work: lines beyond the head on disk are fine, and half a line after them is not damage.
    Without `external`, somebody who holds the key can have written all of it anew, and anybody who can write the files
    can have rolled it back to an older head; docs/audit-format.md says exactly what is detected.

    Args:
        directory: of the trail.
        external: size and root of a head that was kept elsewhere.
        pinned: public keys that were kept elsewhere; the head has to be signed by one of them, or by a key that
            follows from one by rotations on the record. Without any, those in `keys` are believed.
        progress: called with the number of records checked so far.

    Raises:
        AuditDamagedError: names the first bad line.
        UsageError: the head kept elsewhere is of records that were pruned.
        StorageError: there is no trail, or it cannot be read.
    """
    expect_trail(os.path.join(directory, "log"))
    while True:
        began = read_base(directory).first
        try:
            return _verify(directory, external, pinned, progress)
        except (AuditDamagedError, StorageError):
            if read_base(directory).first == began:
                raise  # else the writer has pruned meanwhile what was being read


def _verify(
    directory: str,
    external: tuple[int, bytes] | None,
    pinned: Collection[str],
    progress: Callable[[int], None],
) -> Verified:
    log = os.path.join(directory, "log")
    head = _read_head(directory, pinned)  # before the lines: a writer may add to both, and lines may only be more
    base = _read_base(directory)
    kept = (("on disk", None if head is None else (head.size, head.root)), ("kept elsewhere", external))
    heads = [Attested(f"the head {where}", *known) for where, known in kept if known is not None]
    for known in heads:
        if known.size < base.first:
            raise UsageError(
                f"{known.name} is of {known.size} records, and those before {base.first} were pruned; take a newer one"
            )
    reading = _Reading(base.chain(), heads)
    _compare(reading)
    torn = 0
    for segment in kept_segments(log):
        if reading.former is not None and torn:
            raise AuditDamagedError(
                f"{reading.former.path}: {torn} bytes stand after its last line, and a file follows it"
            )
        if segment.first != reading.chain.seq:
            raise AuditDamagedError(
                f"{segment.path}: begins at record {segment.first}, and {reading.chain.seq} are before it"
            )
        torn = _check_segment(segment, reading, progress)
        reading.former = segment
    _check_end(directory, base, reading)
    chain = reading.chain
    return Verified(chain.seq, chain.root, head is not None and head.signed, torn, base.first)


@dataclass(slots=True)
class _Reading:
    """Where a check of the trail stands, and what it has read about the trail itself."""

    chain: Chain
    heads: list[Attested]
    former: Segment | None = None
    announced: dict[int, str] = field(default_factory=dict)
    vouching: dict[int, dict[str, Any]] = field(default_factory=dict)

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
    for known in reading.heads:
        if known.size == chain.seq and known.root != chain.root:
            raise AuditDamagedError(f"the first {chain.seq} records are not those that {known.name} attests")


def _check_segment(segment: Segment, reading: _Reading, progress: Callable[[int], None]) -> int:
    """Check the lines of a segment; return how many bytes stand after the last one."""
    chain, sizes = reading.chain, {known.size for known in reading.heads}
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
                if chain.seq in sizes:
                    _compare(reading)
            except AuditDamagedError as error:
                where = f"{segment.path}, line {number} (record {segment.first + number - 1})"
                raise AuditDamagedError(f"{where}: {error}") from error
            if chain.seq % PROGRESS_EVERY == 0:
                progress(chain.seq)
        held = line
    return len(held or b"")


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


def _check_end(directory: str, base: Base, reading: _Reading) -> None:
    """Check what only the whole trail tells: the heads, the keys, and that nothing went without a record."""
    for known in reading.heads:
        if known.size > reading.chain.seq:
            raise AuditDamagedError(
                f"{directory}/log: {reading.chain.seq} records are there, and {known.name} attests {known.size}"
            )
    stranger = unannounced_key(known_keys(directory), reading.announced, base.first)
    if stranger is not None:
        raise AuditDamagedError(
            f"{directory}/keys: the key of {stranger.vkey.split('+')[-2]} signs from {stranger.first} records on, and "
            "no record announces it"
        )
    if base.record is None or base.state is None:
        if reading.vouching.get(0, {}).get("type") == EventType.AUDIT_FORKED:
            raise AuditDamagedError(f"{directory}/forked.json: is missing, and record 0 vouches for what is in it")
        return
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
