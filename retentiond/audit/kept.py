"""What a trail begins with: nothing, or what is kept of records that are not there any more.

A trail that was pruned begins at `min_index`. `pruned.json` keeps the edge of the tree there, the signed head of that
size, and the state that all records up to the `audit.pruned` record add up to. That record has the digest of the state,
so the state is as good as the trail itself. A trail that was begun anew after damage keeps the state that it took over
in `forked.json`, and its first record, `audit.forked`, vouches for it in the same way.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from retentiond.audit.line import FIRST_PREV, parse_line
from retentiond.audit.segment import Chain, Segment, list_segments, read_lines
from retentiond.audit.state import NOT_A_STATE, digest_of, state_from_fields
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import EventType
from retentiond.durable import replace_file
from retentiond.tlog.errors import TlogError
from retentiond.tlog.subtrees import NOTHING_PRUNED
from retentiond.tlog.tree import Frontier

PRUNED = "retentiond.pruned/1"
FORKED = "retentiond.forked/1"
ADVICE = "keep a copy of the directory as evidence, and restore the file"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Base:
    """Where the records of a trail begin, and what is known of those before.

    Attributes:
        first: the number of the first record that is kept.
        prev: the leaf hash of the record before it, in hex.
        frontier: the edge of the tree before it.
        note: the head of that size as it was signed then; empty if nothing was pruned.
        record: the number of the record that vouches for `state`, None if there is no state.
        state: what the records before number `record` add up to.
    """

    first: int = 0
    prev: str = FIRST_PREV
    frontier: Frontier = NOTHING_PRUNED
    note: str = ""
    record: int | None = None
    state: Mapping[str, Any] | None = None

    def chain(self) -> Chain:
        """Return the chain before the first record that is kept."""
        return Chain(self.first, self.prev, self.frontier)


def read_base(directory: str) -> Base:
    """Return where the trail in `directory` begins.

    Raises:
        AuditDamagedError: what is kept of the records before is damaged.
        StorageError: it cannot be read.
    """
    pruned = _read(os.path.join(directory, "pruned.json"), PRUNED)
    if pruned is not None:
        return pruned
    return _read(os.path.join(directory, "forked.json"), FORKED) or Base()


def write_base(directory: str, base: Base) -> None:
    """Keep what is known of pruned records, durably and as a whole. Raises StorageError."""
    fields = {
        "schema": PRUNED,
        "min_index": base.first,
        "prev": base.prev,
        "frontier": [base64.b64encode(item).decode() for item in base.frontier.to_hashes()],
        "note": base.note,
        "record": base.record,
        "state": base.state,
    }
    replace_file(os.path.join(directory, "pruned.json"), json.dumps(fields).encode() + b"\n", 0o640)


def write_fork(directory: str, state: Mapping[str, Any]) -> None:
    """Keep the state that a trail takes over from a damaged one; its record number 0 vouches for it."""
    fields = {"schema": FORKED, "record": 0, "state": state}
    replace_file(os.path.join(directory, "forked.json"), json.dumps(fields).encode() + b"\n", 0o640)


def kept_segments(log: str) -> list[Segment]:
    """Return the segments that the trail still consists of. A pruning that a crash broke off may have left others."""
    first = read_base(os.path.dirname(log)).first
    return [segment for segment in list_segments(log) if segment.first >= first]


def kept_decisions(log: str) -> Decisions:
    """Return the state that replaying the kept records begins with, as far as the record that vouches for it.

    Raises:
        AuditDamagedError: the record does not vouch for it.
        StorageError: it cannot be read.
    """
    base = read_base(os.path.dirname(log))
    fields = _record_at(log, base.record or 0)
    if base.state is None or base.record is None:
        if fields.get("type") == EventType.AUDIT_FORKED:
            raise AuditDamagedError(f"{log}: forked.json beside it is missing, which record 0 vouches for; {ADVICE}")
        return Decisions()
    vouched = fields.get("state") if fields.get("type") in {EventType.AUDIT_PRUNED, EventType.AUDIT_FORKED} else None
    if vouched != digest_of(base.state):
        raise AuditDamagedError(
            f"{log}: what pruned records add up to is not what record {base.record} vouches for; {ADVICE}"
        )
    try:
        return state_from_fields(base.state)
    except NOT_A_STATE as error:
        raise AuditDamagedError(f"{log}: what pruned records add up to cannot be read ({error!r})") from error


def _record_at(log: str, seq: int) -> Mapping[str, Any]:
    """Return the fields of record `seq`, none if there is no such record. Raises AuditDamagedError, StorageError."""
    line = line_at(log, seq)
    try:
        return {} if line is None else parse_line(line)
    except AuditDamagedError as error:
        raise AuditDamagedError(f"{log}: record {seq}: {error}; see: retentiond audit verify") from error


def line_at(log: str, seq: int) -> bytes | None:
    """Return the line of record `seq`, unchecked; None if the trail has none. Raises StorageError."""
    for segment in reversed(list_segments(log)):
        if segment.first <= seq:
            index = seq - segment.first
            found = list(islice(read_lines(segment.path), index, index + 2))
            return found[0] if len(found) == 2 else None  # the very last item stands after the last LF; it is no line
    return None


def _read(path: str, schema: str) -> Base | None:
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read(_MOST_BYTES))
        if fields["schema"] != schema:
            raise ValueError(f"it is of schema {fields['schema']!r}")
        if not isinstance(fields["state"], dict) or type(fields["record"]) is not int:
            raise ValueError("it holds no state")
        if schema == FORKED:
            return Base(record=fields["record"], state=fields["state"])
        hashes = [base64.b64decode(item, validate=True) for item in fields["frontier"]]
        frontier = Frontier.from_hashes(fields["min_index"], hashes)
        return Base(frontier.size, fields["prev"], frontier, fields["note"], fields["record"], fields["state"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    except (*NOT_A_STATE, TlogError) as error:
        raise AuditDamagedError(f"{path}: is damaged ({error!r}); {ADVICE}") from error
