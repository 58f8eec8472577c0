"""Meets the rules with what recorders are themselves set to keep, and hears what they know besides."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from retentiond.domain.drift import Compared, OwnRetention, drift_findings
from retentiond.domain.finding import Finding
from retentiond.domain.observed import Observed, observed_findings
from retentiond.domain.recording import CameraName, StoreName, Stream
from retentiond.domain.rule import DeletionRule
from retentiond.ports import Recorder, StreamStatus
from retentiond.services.rulebook import RuleBook


def check_recorders(
    recorders: Sequence[tuple[StoreName, Recorder]],
    on_disk: Collection[tuple[StoreName, CameraName]],
    book: RuleBook,
    now: datetime,
) -> tuple[Finding, ...]:
    """Return the drift of each recorder, as its configuration was read last, and its oddities."""
    found: list[Finding] = []
    for store, recorder in recorders:
        cameras = sorted(camera for place, camera in on_disk if place == store)
        compared = [item for own in recorder.retentions for item in _compare(store, own, cameras, book)]
        found += drift_findings(store, recorder.kind, compared)
        found += observed_findings(store, recorder.kind, _watched(store, recorder.observed, book), now)
        found += recorder.oddities
    return tuple(found)


def observed_status(store: StoreName, recorder: Recorder, book: RuleBook, now: datetime) -> tuple[StreamStatus, ...]:
    """Return what only the recorder may delete, as the world may see it. What is overdue counts as anything else."""
    return tuple(_status(store, item, rule, now) for item, rule in _watched(store, recorder.observed, book))


def _status(store: StoreName, item: Observed, rule: DeletionRule | None, now: datetime) -> StreamStatus:
    deadline = None if rule is None else item.oldest + rule.deletion_period
    return StreamStatus(
        stream=Stream(store, item.camera, item.category),
        recordings=item.recordings,
        oldest=item.oldest,
        newest=item.newest,
        overdue=0 if rule is None else item.overdue(rule, now),
        period_s=None if rule is None else int(rule.deletion_period.total_seconds()),
        overdue_since=deadline if deadline is not None and deadline < now else None,
    )


def _watched(
    store: StoreName, observed: Sequence[Observed], book: RuleBook
) -> Iterable[tuple[Observed, DeletionRule | None]]:
    """Yield what only a recorder may delete, with the rule that decides about the oldest of it."""
    for item in observed:
        yield item, book.coverage(Stream(store, item.camera, item.category)).rule_for(item.oldest)


def _compare(store: StoreName, own: OwnRetention, cameras: Sequence[CameraName], book: RuleBook) -> Iterable[Compared]:
    """Yield the rules beside a setting; one for all cameras is compared for each that has recordings."""
    for camera in (own.camera,) if own.camera is not None else cameras:
        for term in book.coverage(Stream(store, camera, own.category)).terms[-1:]:
            if term.rule is not None:
                yield Compared(own, camera, term.rule)
