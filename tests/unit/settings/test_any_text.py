"""Whatever stands in a file, reading it gives values or a ConfigurationError, and nothing else.

Each problem is one line that a terminal shows as it is, and says where.
"""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register
from retentiond.settings.problems import MOST_SHOWN
from retentiond.settings.render import render
from tests.unit.settings.texts import FULL_REGISTER, FULL_SETTINGS, settings_of

words = st.sampled_from(
    [
        "a",
        "no",
        "30",
        "030",
        "30d",
        "1:30",
        "~",
        "[",
        "]",
        "{",
        "}",
        "*x",
        "&x",
        "!t",
        "|",
        ">",
        '"',
        "'",
        "<<",
        "\\",
        "#",
        "%",
        "---",
        "/srv/x",
        "rooms",
        "devices",
        "stores",
        "id",
        "class",
        "since",
        "2026-01-01",
        ": ",
        "- ",
        "\n",
        "  ",
        "\t",
        "\x00",
        "\u2028",
        "\u00a0",
        "\r",
        '"\\0"',
        '"\\uD800"',
        '"\\UFFFFFFFF"',
        "? ",
        "- [[[[[[[[[[[[[[[[[[",
    ]
)


def read(data: bytes) -> None:
    try:
        parse_settings(data, "f.yml", host_name="h")
    except ConfigurationError as error:
        check_problems(error.problems)
    try:
        parse_register(data, "f.yml")
    except ConfigurationError as error:
        check_problems(error.problems)


def check_problems(problems: tuple[str, ...]) -> None:
    assert 1 <= len(problems) <= MOST_SHOWN + 1
    for problem in problems:
        assert problem.isprintable(), problem
        assert re.match(r"f\.yml:[1-9][0-9]*: ", problem), problem
        assert len(problem) < 5_000


@settings(deadline=None, database=None, max_examples=150)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text.encode(errors="replace"))


@settings(deadline=None, database=None, max_examples=150)
@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read(data)


@settings(deadline=None, database=None, max_examples=150)
@given(st.lists(words, max_size=40).map("".join))
def test_any_heap_of_yaml_is_read_or_refused(text: str) -> None:
    read(text.encode())


@settings(deadline=None, database=None, max_examples=400)
@given(st.sampled_from([FULL_SETTINGS, FULL_REGISTER]), st.data())
def test_a_good_file_with_a_part_exchanged_is_read_or_refused(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 12)))
        filling = data.draw(st.one_of(words, st.text(max_size=8)))
        text = f"{text[:begin]}{filling}{text[end:]}"
    read(text.encode(errors="replace"))


@settings(deadline=None, database=None, max_examples=150)
@given(st.sampled_from([FULL_SETTINGS, FULL_REGISTER]), st.data())
def test_a_good_file_with_its_lines_in_disorder_is_read_or_refused(text: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.sampled_from(text.splitlines()), max_size=30))
    read("\n".join(lines).encode())


@settings(deadline=None, database=None, max_examples=150)
@given(
    st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.sampled_from(["on", "030", "main", "1e3"])
)
def test_what_is_shown_reads_back_whatever_the_names_are(controller: str, camera: str, store: str) -> None:
    text = FULL_SETTINGS.replace("Example Clinic OÜ", quoted(controller)).replace("[entrance]", f"[{quoted(camera)}]")
    text = text.replace("[main]", f"[{quoted(store)}]").replace("name: main", f"name: {quoted(store)}")
    try:
        shown = settings_of(text)
    except ConfigurationError:
        return
    assert settings_of(render(shown)) == shown


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'
