"""Where heads of the audit trail are kept elsewhere, as the loop sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from retentiond.domain.finding import Finding


@dataclass(frozen=True, slots=True)
class AnchorStatus:
    """How it stands with heads elsewhere: what a person has to know, and when each kind was last made."""

    findings: tuple[Finding, ...] = ()
    newest: Mapping[str, datetime] = field(default_factory=dict)


class Anchorage(Protocol):
    """Has heads cosigned and stamped, from a thread of its own. Nothing that happens to it stops a deletion."""

    def start(self, tell: Callable[[AnchorStatus], None]) -> None:
        """Begin; `tell` is called from another thread whenever something has changed."""
        ...

    def stop(self) -> None:
        """End soon, whatever is under way."""
        ...
