"""Keeps the trail no longer than it has to be kept: what is old enough is worked out aside, and goes in one step."""

from datetime import datetime

from retentiond.audit.prune import PrunePlan, months_before, plan_pruning
from retentiond.audit.trail import Trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import TryAgainError
from retentiond.domain.event import Record


class TrailPruner:
    """`Pruner` of a trail that records have to be kept in for `keep_months` calendar months (`audit.keep`)."""

    def __init__(self, trail: Trail, directory: str, keep_months: int) -> None:
        self._trail = trail
        self._directory = directory
        self._keep_months = keep_months
        self._plan: PrunePlan | None = None

    def plan(self, now: datetime, decisions: Decisions) -> int:
        self._plan = plan_pruning(self._directory, months_before(now, self._keep_months), decisions)
        return self._plan.records

    def carry_out(self, decisions: Decisions) -> Record:
        plan, self._plan = self._plan, None
        if plan is None:
            raise TryAgainError("nothing was planned to be pruned")
        return self._trail.prune(plan, decisions)
