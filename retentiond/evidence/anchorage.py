"""Takes heads to those who keep them elsewhere, beside the loop that deletes and never in its way.

It reads only what is published on disk, so it needs nothing of the writer. What fails is tried again soon, and is a
finding when it has failed for a while; a contradiction is one at once.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from retentiond.audit.anchors import FORGOTTEN, read_forgotten
from retentiond.domain.errors import AuditDamagedError, RetentiondError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.evidence.witness_client import Witness, cosign
from retentiond.ports import AnchorStatus
from retentiond.tlog.checkpoint import parse_checkpoint

GRACE = timedelta(minutes=5)
"""A network may be away for so long before a person has to know."""

RETRY = timedelta(minutes=1)
DEFECT = finding(
    FindingKind.HEAD_NOT_COSIGNED,
    "retentiond",
    "a defect of ours ended the work on heads that are kept elsewhere; deletion goes on",
    "restart the daemon, and report what its log says",
)
COSIGN_EVERY = timedelta(minutes=5)
_TICK_S = 5.0


class Errand(Protocol):
    """Something that is done now and then with the newest head."""

    @property
    def name(self) -> str:
        """Who it goes to, as in metrics."""
        ...

    @property
    def every(self) -> timedelta:
        """How often it is done, if it goes well."""
        ...

    def run(self, now: datetime) -> datetime | None:
        """Do what there is to do; return when it was done, by the clock of who did it. Raises RetentiondError."""
        ...

    def failed(self, error: RetentiondError) -> Finding:
        """Return what a person has to know of a failure."""
        ...

    def standing(self) -> Sequence[Finding]:
        """Return what a person has to know although it goes well. Raises RetentiondError."""
        ...


class CosignErrand:
    """Has the newest head cosigned by a witness."""

    name = "witness"
    every = COSIGN_EVERY

    def __init__(self, directory: str, witness: Witness) -> None:
        self._directory = directory
        self._witness = witness

    def run(self, now: datetime) -> datetime | None:  # noqa: ARG002  the witness says when
        said = cosign(self._directory, self._witness)
        return None if said is None else datetime.fromtimestamp(said.timestamp, UTC)

    def failed(self, error: RetentiondError) -> Finding:
        name = self._witness.key.name
        if isinstance(error, AuditDamagedError):
            return finding(
                FindingKind.HEAD_CONTRADICTED,
                name,
                str(error),
                "find out who changed the state directory; keep a copy of it; at the next start another trail begins",
            )
        return finding(
            FindingKind.HEAD_NOT_COSIGNED,
            name,
            f"heads of the audit trail are not cosigned elsewhere: {error}",
            "see whether the witness runs, knows the public key of this trail, and can be reached from here",
        )

    def standing(self) -> Sequence[Finding]:
        note = read_forgotten(self._directory)
        if note is None:
            return ()
        size, path = parse_checkpoint(note.text).size, os.path.join(self._directory, FORGOTTEN)
        return (
            finding(
                FindingKind.WITNESS_FORGOT,
                self._witness.key.name,
                f"the witness had cosigned {size} records of the audit trail and did not know that any more: it lost "
                "its state, or an older copy of it was put back. It began anew, and what it attested is kept here",
                f"find out what became of the witness; then move {path} away, and keep it",
            ),
        )


@dataclass(slots=True)
class _Progress:
    """How it stands with one errand."""

    errand: Errand
    due_at: datetime | None = None
    failing_since: datetime | None = None
    failure: RetentiondError | None = None
    newest: datetime | None = None
    standing: tuple[Finding, ...] = ()

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time: until there was something to do, and also if the clock went back."""
        return self.due_at is None or now >= self.due_at or now < self.due_at - max(self.errand.every, RETRY)

    def run(self, now: datetime) -> None:
        """Do it, and note how it went."""
        try:
            self.standing = tuple(self.errand.standing())  # also where it cannot be done
            done = self.errand.run(now)
            self.standing = tuple(self.errand.standing())
        except RetentiondError as error:
            self.failure, self.failing_since = error, self.failing_since or now
            self.due_at = now + RETRY
            return
        self.failure = self.failing_since = None
        self.newest = done or self.newest
        if done is not None:
            self.due_at = now + self.errand.every

    def findings(self, now: datetime, grace: timedelta) -> tuple[Finding, ...]:
        """Return what a person has to know."""
        if self.failure is None or self.failing_since is None:
            return self.standing
        at_once = isinstance(self.failure, AuditDamagedError)
        told = at_once or now - self.failing_since >= grace
        return (self.errand.failed(self.failure), *self.standing) if told else self.standing


class HeadAnchorage:
    """`Anchorage` over errands, one after the other in one thread."""

    def __init__(
        self,
        errands: Sequence[Errand],
        now: Callable[[], datetime],
        *,
        grace: timedelta = GRACE,
        tick_s: float = _TICK_S,
    ) -> None:
        self._progress = [_Progress(errand) for errand in errands]
        self._now = now
        self._grace = grace
        self._tick_s = tick_s
        self._ended = threading.Event()
        self._told = AnchorStatus()

    def start(self, tell: Callable[[AnchorStatus], None]) -> None:
        if self._progress:
            threading.Thread(target=self._work, args=(tell,), name="anchorage", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _work(self, tell: Callable[[AnchorStatus], None]) -> None:
        try:
            while not self._ended.is_set():
                status = self.tick()
                if status != self._told and not self._ended.is_set():
                    self._told = status
                    tell(status)
                self._ended.wait(self._tick_s)
        except Exception:
            tell(
                AnchorStatus((DEFECT,), self._told.newest)
            )  # a thread that is gone must not look like one that is well
            raise

    def tick(self) -> AnchorStatus:
        """Do what is due, and return how it stands."""
        for item in self._progress:
            if item.is_due(self._now()):
                item.run(self._now())
        now = self._now()
        newest = {item.errand.name: item.newest for item in self._progress if item.newest is not None}
        return AnchorStatus(tuple(each for item in self._progress for each in item.findings(now, self._grace)), newest)
