"""What a person reads about a world: message and remedy of each open finding."""

from retentiond.domain.finding import Finding, FindingKind
from tests.world import World


def told(world: World, kind: FindingKind, subject: str = "") -> Finding:
    """Return the one open finding of this kind whose subject holds this text."""
    report = world.cycle.report()
    (found,) = [item for item in report.findings if item.key.kind is kind and subject in item.key.subject]
    return found
