"""What goes while the trail takes nothing."""

from datetime import timedelta

import pytest

from retentiond.domain.audit_failure import JUST_BEFORE, OnAuditFailure, going_without_trail
from tests.builders import a_due

TICK = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("mode", "before", "goes"),
    [
        (OnAuditFailure.HOLD, -timedelta(days=400), False),
        (OnAuditFailure.HOLD_UNTIL_DEADLINE, JUST_BEFORE + TICK, False),
        (OnAuditFailure.HOLD_UNTIL_DEADLINE, JUST_BEFORE, True),
        (OnAuditFailure.HOLD_UNTIL_DEADLINE, -timedelta(days=400), True),
        (OnAuditFailure.PROCEED, timedelta(days=1), True),
    ],
)
def test_what_goes_is_what_the_mode_says(mode: OnAuditFailure, before: timedelta, goes: bool) -> None:
    due = a_due()
    assert (going_without_trail([due], mode, due.deadline - before) == (due,)) is goes
