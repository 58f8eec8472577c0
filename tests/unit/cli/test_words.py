"""What is printed is one line each, and what is typed is an instant or an error with a remedy."""

import time
from datetime import UTC, datetime

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.cli.hold import place
from retentiond.cli.incident import decide
from retentiond.cli.render import coloured, say, say_lines
from retentiond.cli.times import typed_instant
from retentiond.domain.errors import UsageError
from retentiond.domain.incident import Verdict
from retentiond.domain.names import visible
from retentiond.domain.recording import Category

HOSTILE = "a\nBREACH forged\x1b[2J\u202e\u2028\x07"


@given(st.text())
def test_whatever_is_said_is_one_printable_line(text: str) -> None:
    assert visible(text).isprintable()
    if text.isprintable():
        assert visible(text) == text


def test_a_message_cannot_forge_a_line_nor_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()


def test_colours_of_ours_pass_and_no_other_escape_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    say(coloured("fine", "good") + "\x1b[5m")
    assert capsys.readouterr().out == "\x1b[32mfine\x1b[0m\\x1b[5m\n"


def test_a_text_of_several_lines_keeps_them(capsys: pytest.CaptureFixture[str]) -> None:
    say_lines("one\ntwo\x1b[2J")
    assert capsys.readouterr().out == "one\ntwo\\x1b[2J\n"


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T14:00:00+02:00", "2026-03-01 12:00+00:00"])
def test_a_time_with_an_offset_is_that_instant(text: str) -> None:
    assert typed_instant("--at", text) == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_time_without_an_offset_is_in_the_zone_in_which_times_are_shown() -> None:
    shown = datetime(2026, 3, 1, 12, tzinfo=UTC).astimezone()
    assert typed_instant("--at", f"{shown:%Y-%m-%d %H:%M}") == shown


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-10-25 03:30", "00:30", "01:30"),
        ("2026-03-29 03:30", "00:30", "01:30"),
        ("2026-10-25 04:00", "02:00", "02:00"),
        ("2026-10-25T03:30+02:00", "01:30", "01:30"),
    ],
    ids=["twice", "never", "once", "with an offset"],
)
def test_a_time_of_the_night_on_which_clocks_change_takes_in_all_that_is_called_so(
    text: str, first: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Tallinn")
    time.tzset()
    told = [typed_instant("--to", text, ends=ends) for ends in (False, True)]
    monkeypatch.undo()
    time.tzset()
    assert [f"{item:%H:%M}" for item in told] == [first, last]


@pytest.mark.parametrize("text", ["", "now", "yesterday", "2026-13-01", "1772366400"])
def test_what_is_no_time_is_an_error_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError, match="write a date, or a time such as"):
        typed_instant("--at", text)


@pytest.mark.parametrize("text", ["0001-01-02T00:00Z", "1899-12-31T23:59:59Z", "3000-01-01T00:00Z", "9999-12-30"])
def test_a_time_near_the_ends_of_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write a time between 1900 and 3000"):
        typed_instant("--at", text)


@pytest.mark.parametrize("text", ["1900-01-01T00:00Z", "2999-12-31T23:59:59Z"])
def test_any_time_in_between_is_one(text: str) -> None:
    assert typed_instant("--at", text) == datetime.fromisoformat(text)


def test_words_to_choose_from_are_those_of_the_record() -> None:
    for command, name, words in ((place, "categories", Category), (decide, "decision", Verdict)):
        (option,) = (item for item in command.params if item.name == name)
        assert isinstance(option.type, click.Choice)
        assert list(option.type.choices) == [word.value for word in words]
