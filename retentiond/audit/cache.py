"""The fold of the trail, kept beside it so that a start need not read all of it. It is only a cache.

It is believed only where the trail has, at its last record, the very line that the cache was made after.
"""

import json
import os
from contextlib import suppress
from itertools import islice

from retentiond.audit.kept import kept_decisions
from retentiond.audit.line import MAX_BYTES, parse_line
from retentiond.audit.segment import Segment, list_segments, read_lines
from retentiond.audit.state import NOT_A_STATE, state_from_fields, state_to_fields
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file
from retentiond.ports import AuditTrail
from retentiond.tlog.tree import leaf_hash

SCHEMA = "retentiond.decisions/1"


class DecisionFile:
    """`DecisionCache` as one JSON file beside the trail in the directory `log`."""

    def __init__(self, path: str, log: str) -> None:
        self._path = path
        self._log = log

    def load(self, trail: AuditTrail) -> Decisions:
        decisions = self.read() or kept_decisions(self._log)
        decisions.apply_all(trail.records(decisions.seq))
        return decisions

    def save(self, decisions: Decisions) -> None:
        leaf = self._leaf_before(decisions.seq)
        if leaf is None:
            return
        fields = {"schema": SCHEMA, "leaf": leaf, **state_to_fields(decisions)}
        with suppress(StorageError):
            replace_file(self._path, json.dumps(fields).encode(), 0o640)

    def read(self) -> Decisions | None:
        """Return the fold as it was kept, None if the trail does not vouch for it."""
        try:
            with open(self._path, "rb") as file:
                fields = json.loads(file.read())
            # A cache of nothing saves nothing, and no line would vouch for it.
            if fields["schema"] != SCHEMA or fields["leaf"] is None or fields["seq"] < 1:
                return None
            return state_from_fields(fields) if self._leaf_before(fields["seq"]) == fields["leaf"] else None
        except (OSError, *NOT_A_STATE):
            return None

    def _leaf_before(self, seq: int) -> str | None:
        """Return the leaf hash of record `seq` - 1 as the trail has it on disk."""
        with suppress(StorageError, AuditDamagedError):
            for segment in reversed(list_segments(self._log)):
                if segment.first < seq:
                    line = _last_line(segment.path, seq - 1) or _line_at(segment, seq - 1)
                    return None if line is None else leaf_hash(line).hex()
        return None


def _last_line(path: str, seq: int) -> bytes | None:
    """Return the last line of a segment if it is record `seq`: nearly always the one that is asked for."""
    size = 2 * MAX_BYTES
    try:
        with open(path, "rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - size, 0))
            *lines, _ = file.read(size).split(b"\n")
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    return lines[-1] if lines and _is_record(lines[-1], seq) else None


def _line_at(segment: Segment, seq: int) -> bytes | None:
    """Return the line of record `seq` of a segment, None if that has not so many."""
    index = seq - segment.first
    found = list(islice(read_lines(segment.path), index, index + 2))
    # The very last item stands after the last LF; it is no line.
    return found[0] if len(found) == 2 and _is_record(found[0], seq) else None


def _is_record(line: bytes, seq: int) -> bool:
    try:
        return bool(parse_line(line)["seq"] == seq)
    except AuditDamagedError:
        return False
