"""What is written for people and for the record can be read back, and says one thing only."""

from datetime import datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from retentiond.domain import instants
from retentiond.domain.names import from_readable, readable
from retentiond.domain.period import duration_text, parse_duration
from tests.builders import at

# Bytes at random are hardly ever UTF-8, so names are built from pieces that are, are not, and nearly are.
PIECES = st.one_of(
    st.binary(max_size=8),
    st.text(max_size=8).map(str.encode),
    st.sampled_from([b"\\", b"\\x", b"\\x5c", b"\\xff", b"\n", b"\xff", b"a", "\u2028".encode(), "\u202e".encode()]),
)
NAMES = st.lists(PIECES, max_size=6).map(b"".join)


@given(NAMES)
@example(b"\\x0a")
@example(b"\n")
def test_every_name_comes_back_whole(name: bytes) -> None:
    assert from_readable(readable(name)) == name


@given(NAMES, NAMES)
def test_different_names_never_read_alike(one: bytes, other: bytes) -> None:
    assert (readable(one) == readable(other)) is (one == other)


@given(NAMES)
def test_a_readable_name_is_one_printable_line_that_every_encoder_takes(name: bytes) -> None:
    text = readable(name)
    assert text.isprintable()
    assert len(text.splitlines()) <= 1
    assert text.encode("utf-8").decode("utf-8") == text


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20))
def test_any_text_is_read_or_refused_but_never_fails_otherwise(text: str) -> None:
    try:
        name = from_readable(text)
    except ValueError:
        return
    assert isinstance(readable(name), str)


@given(st.integers(min_value=1, max_value=3650 * 86_400))
def test_every_length_in_whole_seconds_is_read_back_from_its_text(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(duration_text(length)) == length


@given(st.text(alphabet="0123456789 .-+_smihndwe\n٣", max_size=8))
def test_a_text_is_a_whole_positive_length_or_a_value_error(text: str) -> None:
    try:
        length = parse_duration(text)
    except ValueError:
        return
    assert length >= timedelta(seconds=1)
    assert text.isascii()
    assert text == text.strip()


LAST = at("9999-12-30")
INSTANTS = st.timedeltas(timedelta(), LAST - instants.EPOCH).map(lambda since: instants.EPOCH + since)
LONGEST_MS = 253_402_214_400_000


@given(st.integers(min_value=-LONGEST_MS // 5, max_value=LONGEST_MS))
def test_milliseconds_come_back_from_instants(milliseconds: int) -> None:
    assert instants.to_ms(instants.from_ms(milliseconds)) == milliseconds


@given(INSTANTS)
def test_instants_come_back_from_text_cut_to_milliseconds(instant: datetime) -> None:
    back = instants.from_text(instants.to_text(instant))
    assert timedelta() <= instant - back < timedelta(milliseconds=1)
    assert back == instants.from_ms(instants.to_ms(instant))
