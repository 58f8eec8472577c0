"""Recordings that nobody but their recorder may delete: they are looked at, and told when they are overdue."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain import instants
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.period import duration_text
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.rule import DeletionRule


@dataclass(frozen=True, slots=True)
class Observed:
    """What a recorder has of one camera, by its own books.

    Attributes:
        oldest: when the oldest recording begins, and `newest` the newest.
        remedy: how the recorder is made to delete what is too old.
        recordings: how many there are, as far as its books tell without being counted.
        starts: when the oldest ones begin, in order; not all of them where there are many.
    """

    camera: CameraName
    category: Category
    oldest: datetime
    remedy: str
    newest: datetime | None = None
    recordings: int = 0
    starts: tuple[datetime, ...] = ()

    def overdue(self, rule: DeletionRule, now: datetime) -> int:
        """Count those of `starts` that are past their deadline."""
        return bisect_left(self.starts, now - rule.deletion_period)


def observed_findings(
    store: StoreName, recorder: str, watched: Iterable[tuple[Observed, DeletionRule | None]], now: datetime
) -> Iterator[Finding]:
    """Yield what is past its deadline, and what no rule covers. `watched` has the rule for the oldest of each."""
    for item, rule in watched:
        subject = f"{store} / {item.camera} / {item.category}"
        if rule is None:
            yield finding(
                FindingKind.UNCOVERED,
                subject,
                f"no deletion rule covers what {recorder} has of camera {item.camera!r} ({item.category})",
                "add a rule to `deletion_rules` that selects it",
            )
        elif item.oldest + rule.deletion_period < now:
            yield finding(
                FindingKind.OVERDUE,
                subject,
                f"camera {item.camera!r} ({item.category}) has recordings past the deadline, which nobody but "
                f"{recorder} may delete: the oldest begins {instants.to_text(item.oldest)}, and rule {rule.name!r} "
                f"ends it after {duration_text(rule.deletion_period)}",
                item.remedy,
            )
