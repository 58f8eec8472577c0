"""Names from the disk as people see them (acceptance case 38)."""

import pytest

from retentiond.domain.names import from_readable, join, readable

HOSTILE = [
    b"new\nline",
    b"carriage\rreturn",
    b"\x1b[2K",
    b"bell\x07",
    b"nul\x00",
    b"del\x7f",
    "rtl\u202egpj.exe".encode(),
    "isolate\u2066".encode(),
    "next-line\x85".encode(),
    "line\u2028separator".encode(),
    "paragraph\u2029separator".encode(),
    "no-break\u00a0space".encode(),
    "zero\u200bwidth".encode(),
    b"\xff\xfe",
    b"\xed\xb3\xbf",  # a surrogate, as CESU would write it
    b"cut\xc3",
    b"overlong\xc0\xaf",
    b"back\\slash",
    b"\\x41",
    b"-rf",
    b"%s",
    b"{0.__class__}",
    b"=cmd|",
    b"x" * 255,
    b"\x00" * 255,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_printable_line_and_comes_back_whole(name: bytes) -> None:
    text = readable(name)
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    assert from_readable(text) == name


@pytest.mark.parametrize("text", ["reception", "kaamera-öö", "カメラ", "a b", "-rf", "é"])
def test_printable_utf8_stays_as_it_is(text: str) -> None:
    assert readable(text.encode()) == text


def test_a_name_that_looks_like_an_escape_never_reads_like_the_byte_it_names() -> None:
    assert readable(b"\\xff") != readable(b"\xff")
    assert readable(b"\\xff") == r"\x5cxff"
    assert readable(b"\xff") == r"\xff"


def test_two_normal_forms_of_one_letter_stay_two_names() -> None:
    assert readable("é".encode()) != readable("e\u0301".encode())


def test_the_empty_name_is_the_empty_text() -> None:
    assert readable(b"") == ""
    assert from_readable("") == b""


@pytest.mark.parametrize("text", ["\\", "\\x", "\\x4", "\\n", "\\u0041", "a\\", "\\xzz", "\\X41", "\\x-1"])
def test_a_backslash_that_begins_no_escape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_readable(text)


@pytest.mark.parametrize("text", ["\\x+f", "\\x f", "\\xf ", "\\x٤١", "\\x1\n"])
def test_an_escape_is_two_hexadecimal_digits_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_readable(text)


def test_a_path_is_joined_by_one_slash_and_the_store_itself_is_empty() -> None:
    assert join(b"a/b", b"c") == b"a/b/c"
    assert join(b"", b"c") == b"c"
