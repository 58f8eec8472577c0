"""What a recorder is set to keep, beside the rule that decides about the same recordings."""

from datetime import timedelta

import pytest

from retentiond.domain.drift import Compared, OwnRetention, drift_findings
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.recording import CameraName, Category
from tests.builders import STORE, a_rule

DAY = timedelta(days=1)
LONGER, SHORTER = FindingKind.RECORDER_KEEPS_LONGER, FindingKind.RECORDER_KEEPS_SHORTER


def compared(
    kept: timedelta | None,
    *,
    camera: str = "yard",
    category: Category = Category.VIDEO,
    setting: str = "retain.days",
    period: str = "30d",
    deleted_by_us: bool = True,
) -> Compared:
    own = OwnRetention(CameraName(camera), category, kept, setting, "write `days: {days}`", deleted_by_us)
    return Compared(own, CameraName(camera), a_rule("general", period=period))


def found(*items: Compared) -> tuple[Finding, ...]:
    return drift_findings(STORE, "frigate", items)


def the_finding(*items: Compared) -> Finding:
    (item,) = found(*items)
    return item


@pytest.mark.parametrize(
    ("kept", "kind"),
    [
        (None, LONGER),
        (31 * DAY, LONGER),
        (30 * DAY + timedelta(microseconds=1), LONGER),
        (30 * DAY, None),
        (30 * DAY - timedelta(microseconds=1), SHORTER),
        (timedelta(), SHORTER),
    ],
)
def test_what_is_kept_longer_or_shorter_than_the_rule_says_is_a_finding(
    kept: timedelta | None, kind: FindingKind | None
) -> None:
    assert [item.key.kind for item in found(compared(kept))] == ([] if kind is None else [kind])


def test_a_recorder_that_keeps_more_is_told_in_full() -> None:
    item = the_finding(compared(60 * DAY))
    assert item.key.subject == "main / retain.days / general"
    assert item.message == (
        "frigate keeps video recordings of camera 'yard' for 60d (retain.days), and rule 'general' for 30d: "
        "retentiond deletes them then, and the recorder still believes that it has them"
    )
    assert item.remedy == "write `days: 30`"


def test_what_only_the_recorder_may_delete_is_deleted_by_nobody() -> None:
    message = the_finding(compared(None, deleted_by_us=False)).message
    assert "keeps video recordings of camera 'yard' without end (retain.days)" in message
    assert message.endswith(": nobody deletes them then, since only the recorder itself may")


def test_what_a_recorder_deletes_early_is_on_no_record() -> None:
    assert the_finding(compared(7 * DAY)).message.endswith(" for 30d: what it deletes by itself is on no record")
    ours = the_finding(compared(7 * DAY, deleted_by_us=False)).message
    assert ours.endswith(" for 30d: what it deletes by itself is on no record")


def test_days_that_are_no_whole_number_are_written_as_they_are() -> None:
    assert the_finding(compared(None, period="36h")).remedy == "write `days: 1.5`"


def test_a_length_below_a_second_is_said_in_words() -> None:
    assert " for less than a second (" in the_finding(compared(timedelta(milliseconds=999))).message
    assert " for 1s (" in the_finding(compared(timedelta(seconds=1))).message
    assert " for 2s (" in the_finding(compared(timedelta(seconds=2))).message


def test_cameras_and_categories_of_one_setting_are_one_finding() -> None:
    item = the_finding(
        compared(None, camera="yard"),
        compared(None, camera="gate"),
        compared(None, camera="gate", category=Category.STILL),
    )
    assert "keeps video and still recordings of cameras 'gate', 'yard' without end" in item.message


def test_what_differs_in_setting_rule_or_direction_is_told_apart() -> None:
    others = (
        compared(60 * DAY),
        compared(60 * DAY, setting="keep"),
        compared(7 * DAY),
        Compared(compared(60 * DAY).own, CameraName("yard"), a_rule("other")),
    )
    assert [(item.key.kind, item.key.subject) for item in found(*others)] == [
        (LONGER, "main / retain.days / general"),
        (LONGER, "main / keep / general"),
        (SHORTER, "main / retain.days / general"),
        (LONGER, "main / retain.days / other"),
    ]


def test_five_cameras_are_named_and_the_others_counted() -> None:
    cameras = [compared(None, camera=f"c{number}") for number in range(1, 8)]
    assert "of cameras 'c1', 'c2', 'c3', 'c4', 'c5' without" in the_finding(*cameras[:5]).message
    assert "of cameras 'c1', 'c2', 'c3', 'c4', 'c5' and 1 more without" in the_finding(*cameras[:6]).message
    assert "of cameras 'c1', 'c2', 'c3', 'c4', 'c5' and 2 more without" in the_finding(*cameras).message


def test_unless_told_otherwise_this_program_deletes_it() -> None:
    assert OwnRetention(None, Category.VIDEO, None, "keep", "change").deleted_by_us is True
