"""When a head is stamped: once a day, and when a segment of the trail has ended (ADR 0021)."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta

from retentiond.audit.anchors import Anchor, anchored_sizes, keep_anchor, read_anchor, read_cosigned
from retentiond.audit.head import open_signed, read_small
from retentiond.audit.kept import kept_segments
from retentiond.domain.errors import AuditDamagedError, RetentiondError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.evidence.timestamp import Authority, Stamp, ask_stamp, open_stamp, read_roots
from retentiond.tlog.errors import TlogError
from retentiond.tlog.note import format_signatures, parse_note

STAMP_EVERY = timedelta(hours=24)
_LOOK_EVERY = timedelta(minutes=1)


class StampErrand:
    """`Errand` that has heads stamped by an authority (RFC 3161)."""

    name = "tsa"
    every = _LOOK_EVERY

    def __init__(self, directory: str, authority: Authority) -> None:
        self._directory = directory
        self._authority = authority
        self._newest: Stamp | None = None

    def run(self, now: datetime) -> datetime | None:
        """Have the newest signed head stamped if it is time; return when the last one was stamped, None if none was.

        Raises:
            RetentiondError: as `ask_stamp`; AuditDamagedError if the head on disk does not verify.
        """
        self._newest = self._newest or self._last()
        data = read_small(os.path.join(self._directory, "checkpoint"))
        if data is not None and b"\n\n" in data:
            try:
                size = open_signed(self._directory, parse_note(data)).size
            except TlogError as error:
                raise AuditDamagedError(f"{self._directory}/checkpoint: the head does not verify ({error})") from error
            if size and self._is_due(size, now):
                stamp, said = ask_stamp(self._authority, data, size)
                keep_anchor(self._directory, Anchor(data, stamp, self._cosignatures(data)))
                self._newest = said
        return None if self._newest is None else self._newest.at

    def failed(self, error: RetentiondError) -> Finding:
        """Return what a person has to know of a failure."""
        return finding(
            FindingKind.HEAD_NOT_STAMPED,
            self._authority.url,
            f"heads of the audit trail are not stamped: {error}",
            "see whether the authority of audit.tsa can be reached from here, and whether its certificates are those "
            "in audit.tsa.roots; deletion goes on",
        )

    def standing(self) -> Sequence[Finding]:
        return ()

    def _is_due(self, size: int, now: datetime) -> bool:
        last = self._newest
        if last is None:
            return True
        if size <= last.size:
            return False
        # A clock that is wrong by days, here or there, makes a stamp too many and never keeps one from being made.
        segments = kept_segments(os.path.join(self._directory, "log"))
        return abs(now - last.at) >= STAMP_EVERY or (bool(segments) and last.size < segments[-1].first)

    def _last(self) -> Stamp | None:
        """Return the newest stamp that is kept and verifies; one that does not counts for nothing here."""
        for size in reversed(anchored_sizes(self._directory)):
            anchor = read_anchor(self._directory, size)
            if anchor.stamp:
                try:
                    return open_stamp(anchor.stamp, anchor.note, size, read_roots(self._authority.roots))
                except AuditDamagedError:
                    continue
        return None

    def _cosignatures(self, note: bytes) -> str:
        """Return the lines of witnesses for the very head, if one has cosigned it by now."""
        cosigned, own = read_cosigned(self._directory), parse_note(note)
        if cosigned is None or cosigned.text != own.text:
            return ""
        return format_signatures([line for line in cosigned.signatures if line not in own.signatures])
