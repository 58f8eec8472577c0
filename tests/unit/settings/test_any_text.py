"""Whatever stands in a file, reading it gives values or a ConfigurationError, and nothing else."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register
from tests.unit.settings.texts import REGISTER, SETTINGS

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
    ]
)


def read(data: bytes) -> None:
    with suppress(ConfigurationError):
        parse_settings(data, "f.yml", host_name="h")
    with suppress(ConfigurationError):
        parse_register(data, "r.yml")


@settings(deadline=None, database=None, max_examples=150)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text.encode())


@settings(deadline=None, database=None, max_examples=150)
@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read(data)


@settings(deadline=None, database=None, max_examples=150)
@given(st.lists(words, max_size=40).map("".join))
def test_any_heap_of_yaml_is_read_or_refused(text: str) -> None:
    read(text.encode())


@settings(deadline=None, database=None, max_examples=250)
@given(st.sampled_from([SETTINGS, REGISTER]), st.data())
def test_a_good_file_with_a_part_exchanged_is_read_or_refused(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 12)))
    filling = data.draw(st.one_of(words, st.text(max_size=8)))
    read(f"{text[:begin]}{filling}{text[end:]}".encode())
