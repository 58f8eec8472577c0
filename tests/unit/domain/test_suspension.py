"""What a suspension covers (rule 8)."""

from datetime import datetime

import pytest

from retentiond.domain.recording import Category
from tests.builders import NOW, a_recording, a_stream, a_suspension, at


@pytest.mark.parametrize(
    ("start", "covered"),
    [
        ("2026-02-28 23:59:59.999", False),
        ("2026-03-01 00:00", True),
        ("2026-03-01 23:59:59.999", True),
        ("2026-03-02 00:00", False),
    ],
)
def test_it_covers_starts_from_its_begin_up_to_but_not_at_its_end(start: str, covered: bool) -> None:
    assert a_suspension().covers(a_recording(at(start)), NOW) is covered


@pytest.mark.parametrize(
    ("now", "covered"),
    [
        (at("2027-02-28 23:59:59.999999"), True),
        (at("2027-03-01"), False),
        (at("2030-01-01"), False),
    ],
)
def test_it_covers_nothing_from_its_mandatory_end_on(now: datetime, covered: bool) -> None:
    assert a_suspension().covers(a_recording(), now) is covered


def test_it_covers_only_the_cameras_and_categories_it_names() -> None:
    suspension = a_suspension(cameras=["reception"], categories=[Category.VIDEO])
    assert suspension.covers(a_recording(), NOW)
    assert not suspension.covers(a_recording(camera="entrance"), NOW)
    assert not suspension.covers(a_recording(stream=a_stream(category=Category.STILL)), NOW)


def test_without_names_it_covers_every_camera_and_category() -> None:
    everything = a_suspension(cameras=(), categories=())
    assert everything.covers(a_recording(camera="entrance"), NOW)
    assert everything.covers(a_recording(stream=a_stream(category=Category.DERIVED)), NOW)
