"""Records of the audit trail that are lost: what was decided in them nobody knows, so nothing is deleted on a guess.

When a trail is damaged or was rolled back, another is begun in its place (`audit.forked`). If all that was decided is
known all the same, everything goes on. If records are lost, one of them may have placed a hold; then the daemon does
everything but deleting until a person has accepted the loss, on the record.
"""

from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import UsageError
from retentiond.domain.event import loss_accepted
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.services.journal import Journal


def lost_findings(decisions: Decisions) -> tuple[Finding, ...]:
    """Return what a person has to know of lost records that nobody has accepted yet."""
    if not decisions.lost:
        return ()
    return (
        finding(
            FindingKind.AUDIT_DAMAGED,
            "lost records",
            f"lost records of the audit trail, and with them what was decided: {decisions.lost}; nothing is deleted",
            "restore the trail that was set aside, or place again the holds that there were, then: "
            "retentiond audit accept-loss",
        ),
    )


def accept_loss(journal: Journal, count: int, actor: str, why: str) -> int:
    """Put on the record that a person accepts the loss of `count` records; return that number.

    Raises:
        UsageError: so many are not lost.
        StorageError: it cannot be put on the record.
    """
    lost = journal.decisions.lost
    if not lost:
        raise UsageError("no records of the audit trail are lost; there is nothing to accept")
    if count != lost:
        raise UsageError(f"the number of lost records is {lost}, not {count}; see: retentiond findings list")
    journal.write([loss_accepted(lost, actor, why)])
    return lost
