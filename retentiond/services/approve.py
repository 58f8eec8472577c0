"""Takes a person's consent to one exact plan (ADR 0006)."""

from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.errors import TryAgainError, UsageError
from retentiond.domain.event import approval_given
from retentiond.domain.recording import StoreName
from retentiond.domain.run import APPROVAL_LIFETIME, Plan
from retentiond.ports import Catalogue
from retentiond.services.journal import Journal


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person typed to release a plan."""

    run: str
    count: int
    digest: str
    actor: str


def approve(
    catalogue: Catalogue, journal: Journal, stores: tuple[StoreName, ...], consent: Consent, now: datetime
) -> Plan:
    """Release the plan that `consent` names, on the record, for 24 h.

    Raises:
        UsageError: no plan of that name waits.
        TryAgainError: the plan is another by now: the digest or the count does not match.
    """
    plan = next((plan for store in stores if (plan := catalogue.waiting(store)) and plan.run == consent.run), None)
    if plan is None:
        standing = [item.run for store in stores if (item := catalogue.waiting(store))]
        known = ", ".join(standing) if standing else "none"
        raise UsageError(f"no plan {consent.run!r} waits for approval (waiting: {known}); look again: retentiond plan")
    if plan.digest != consent.digest.lower() or plan.count != consent.count:
        raise TryAgainError(
            f"plan {plan.run!r} is not what you approve: its count or digest differs; look again: retentiond plan"
        )
    if journal.decisions.approval_for(plan.digest, now) is not None:
        raise TryAgainError(f"plan {plan.run!r} is approved already and is being carried out")
    journal.write([approval_given(plan, consent.actor, now + APPROVAL_LIFETIME)])
    return plan
