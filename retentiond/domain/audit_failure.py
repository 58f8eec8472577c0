"""What is deleted while the audit trail takes no records (design rule 7).

Light to import, without the classes that it only names: settings know the modes, and every command reads settings.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from retentiond.domain.run import DueRecording

JUST_BEFORE = timedelta(seconds=5)
"""A recording whose deadline is no farther away goes now: by the next look it would be overdue."""


class OnAuditFailure(StrEnum):
    """What is done while the trail cannot be written.

    `hold_until_deadline`: what is due waits while its margin lasts, and goes at its deadline, noted on a second device.
    `hold`: nothing goes, whatever becomes overdue. `proceed`: all that is due goes at once, noted in the same way.
    """

    HOLD_UNTIL_DEADLINE = "hold_until_deadline"
    HOLD = "hold"
    PROCEED = "proceed"


def going_without_trail(due: Iterable[DueRecording], mode: OnAuditFailure, now: datetime) -> tuple[DueRecording, ...]:
    """Return what of `due` goes at `now` although the trail cannot be written."""
    match mode:
        case OnAuditFailure.HOLD:
            return ()
        case OnAuditFailure.HOLD_UNTIL_DEADLINE:
            return tuple(item for item in due if item.deadline - now <= JUST_BEFORE)
        case OnAuditFailure.PROCEED:
            return tuple(due)
        case _:
            assert_never(mode)
