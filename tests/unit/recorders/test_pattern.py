"""A layout that would recognise more than its author meant is refused, with the remedy."""

import pytest

from retentiond.recorders.pattern import (
    Camera,
    Extension,
    Literal,
    TimeField,
    carries_time,
    parse_pattern,
)


def test_a_layout_is_taken_apart_by_directory() -> None:
    assert parse_pattern("{camera}/%Y/%m%d.{ext}") == (
        (Camera(),),
        (TimeField("Y"),),
        (TimeField("m"), TimeField("d"), Literal(b"."), Extension()),
    )


def test_short_forms_mean_what_they_stand_for() -> None:
    assert parse_pattern("%F_%T.mp4") == parse_pattern("%Y-%m-%d_%H:%M:%S.mp4")
    assert parse_pattern("%F_%R.mp4") == parse_pattern("%Y-%m-%d_%H:%M.mp4")


def test_a_doubled_percent_sign_and_a_star_among_text_stand_for_themselves() -> None:
    assert parse_pattern("100%%*%s.mp4")[0][0] == Literal(b"100%*")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "write one such as"),
        ("*", "write {any}"),
        ("{camera}/*/%s.mp4", "write {any}"),
        ("{any}", "add the time"),
        ("{camera}", "add the time"),
        ("{camera}/{any}", "add the time"),
        ("recordings/{camera}/{any}", "add the time"),
        ("%Y-%m-%d/{any}", "add the time"),
        ("{camera}/{any}.{ext}", "add the time"),
        ("/srv/{camera}/%s.mp4", "relative to the path of the store"),
        ("{camera}//%s.mp4", "remove it"),
        ("../%s.mp4", "remove it"),
        ("{camera}/./%s.mp4", "remove it"),
        ("{room}/%s.mp4", "use {camera}"),
        ("{camera/%s.mp4", "is not known"),
        ("%b/%s.mp4", "use %Y"),
        ("%s.mp4%", "is not known"),
        ("{camera}{number}-%s.mp4", "write text between"),
        ("{number}%Y%m%d{number}.mp4", "write text between"),
        ("{any}-%s-{any}.mp4", "once is enough"),
        ("%Y-%m-%d.{ext}.{ext}", "one extension"),
        ("%Y-%m-%d/%M-%S.mp4", "%M without %H"),
        ("%Y-%m-%d/%H-%S.mp4", "%S without %M"),
        ("%Y-%m-%d/%H-%M-%f.mp4", "%f without %S"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="layout") as refusal:
        parse_pattern(text)
    assert remedy in str(refusal.value)


@pytest.mark.parametrize("text", ["{camera}/{any}.mp4", "{camera}/{number}", "%Y-%m-%d/{any}.{ext}", "clips/{any}.wav"])
def test_a_layout_that_says_something_of_the_name_is_taken(text: str) -> None:
    parse_pattern(text)


@pytest.mark.parametrize(
    ("text", "carries"),
    [
        ("%s.mp4", True),
        ("%Y/%j.mp4", True),
        ("%y%m%d.mp4", True),
        ("%Y-%m/{number}.mp4", False),
        ("%d-%H%M%S.mp4", False),
        ("%H-%M-%S.mp4", False),
        ("{any}.mp4", False),
    ],
)
def test_less_than_a_day_is_no_time(text: str, *, carries: bool) -> None:
    assert carries_time(parse_pattern(text)) is carries
