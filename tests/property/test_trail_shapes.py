"""Recognising a line by its shape is a short way to what parsing it says, never another way."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.audit.line import Envelope, canonical, format_line, parse_line
from retentiond.audit.shape import Shapes
from retentiond.domain.errors import AuditDamagedError
from retentiond.domain.event import Event, EventType
from tests.builders import NOW

ENVELOPE = Envelope(seq=7, at=NOW, run="01J9Z6K3V5Q8", prev="e4" * 32, salt="QpsgdTzK51rrwmUfyn-uIQ")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"type":"heartbeat"', "\\", '"', "\x7f", "\x1f", "\b\f\n\r\t", "\u2028", "2026-03-01"]
)
integers = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
keys = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
contents = st.dictionaries(keys.map(lambda key: f"x_{key}") | st.sampled_from(["u", "z", "a"]), values, max_size=5)
TOKENS = [b" ", b"\n", b"\t", b",", b":", b'"', b"\\", b"\\u0041", b"\\u001F", b"\\u000a", b"\\/", b"\\u0000", b"\x00"]
TOKENS += [b"0", b"-0", b"-", b"1e5", b"1.5", b"9007199254740991", b"9007199254740992", b"0" * 5, b"1" * 20, b"NaN"]
TOKENS += [b"{", b"}", b"[", b"]", b"{}", b"[]", b"null", b"true", b"\xff", b"\xc3", b"\xc3\xb6", b"\xed\xa0\x80", b"A"]


def line_of(fields: dict[str, Any]) -> bytes:
    return format_line(Event(EventType.HEARTBEAT, fields), ENVELOPE)[0]


def agree(shapes: Shapes, line: bytes) -> bool:
    """Check that what is recognised is what parsing finds; tell whether it was recognised."""
    known = shapes.recognise(line)
    if known is None:
        return False
    fields = parse_line(line)
    assert known == (fields["seq"], fields["prev"])
    return True


@given(contents)
def test_a_line_that_was_learned_is_recognised(fields: dict[str, Any]) -> None:
    shapes, line = Shapes(), line_of(fields)
    assert shapes.recognise(line) is None
    shapes.learn(parse_line(line))
    numbers = json.loads(line, parse_int=str)
    long = any(len(item) > 15 and item.lstrip("-").isdigit() for item in _texts(numbers))
    hidden = b'"type":"' in canonical({key: fields[key] for key in fields if key > "type"})  # misleads the look-up
    assert agree(shapes, line) or long or hidden


def _texts(value: object) -> list[str]:
    match value:
        case dict():
            return [text for item in value.values() for text in _texts(item)]
        case list():
            return [text for item in value for text in _texts(item)]
        case str():
            return [value]
        case _:
            return []


@settings(max_examples=200)
@given(contents, contents, st.data())
def test_whatever_is_recognised_would_have_been_parsed(
    fields: dict[str, Any], others: dict[str, Any], data: st.DataObject
) -> None:
    shapes = Shapes()
    lines = [line_of(fields), line_of(others), line_of({**fields, **others})]
    for line in lines:
        shapes.learn(parse_line(line))
    changed = data.draw(st.sampled_from(lines))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(changed)))
        end = min(len(changed), begin + data.draw(st.integers(0, 3)))
        put = data.draw(st.sampled_from([*TOKENS, b""]) | st.binary(max_size=2) | st.just(changed[begin:end]))
        changed = changed[:begin] + put + changed[end:]
    agree(shapes, changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":01'),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":1 '),
        (b'"n":12', b'"n":-0'),
        (b'"n":12', b'"n":012'),
        (b'"n":12', b'"n":1e1'),
        (b'"n":12', b'"n":1.0'),
        (b'"n":12', b'"n":9007199254740992'),
        (b'"n":12', b'"n":"\\u0041"'),
        (b'"n":12', b'"n":"\\u001F"'),
        (b'"n":12', b'"n":"\\u000a"'),
        (b'"n":12', b'"n":"\\/"'),
        (b'"n":12', b'"n":"\x01"'),
        (b'"n":12', b'"n":"\xed\xa0\x80"'),
        (b'"n":12', b'"n":12,"n":12'),
        (b'"n":12', b'"n":12,"m":1'),
        (b'"seq":7', b'"seq":-7'),
        (b'"seq":7', b'"seq":07'),
        (b'"seq":7', b'"seq":"7"'),
        (b"2026-03-31T", b"2026-02-31T"),
        (b"2026-03-31T", b"0000-03-31T"),
        (b"T12:00:00.000Z", b"T24:00:00.000Z"),
        (b"T12:00:00.000Z", b"T12:00:60.000Z"),
        (b"T12:00:00.000Z", b"T12:00:00.000z"),
        (b'"run":"01J9Z6K3V5Q8"', b'"run":""'),
        (b"uIQ", b"uIR"),
        (b"e4e4", b"E4e4"),
        (b"heartbeat", b"heartbeat\xff"),
    ],
)
def test_what_is_no_line_is_not_recognised(old: bytes, new: bytes) -> None:
    shapes, line = Shapes(), line_of({"n": 12, "text": "ö"})
    shapes.learn(parse_line(line))
    assert agree(shapes, line)
    assert old in line
    changed = line.replace(old, new)
    with pytest.raises(AuditDamagedError):
        parse_line(changed)
    assert not agree(shapes, changed)


def test_any_other_value_of_the_same_shape_is_recognised() -> None:
    shapes = Shapes()
    shapes.learn(parse_line(line_of({"a": None, "list": [{"b": 1}, 2], "rec": {"c": "x"}})))
    for fields in (
        {"a": 'now a text: "\\\n\x01 ö \U0001f600', "list": [], "rec": {"c": False}},
        {"a": -1, "list": [2, 2, {"b": "x"}, {"b": None}], "rec": {"c": 0}},
    ):
        assert agree(shapes, line_of(fields))
    assert not agree(shapes, line_of({"a": 1, "list": [], "rec": {}}))


def test_what_matters_to_a_check_itself_is_always_parsed() -> None:
    shapes = Shapes()
    for kind in (EventType.AUDIT_SEGMENT, EventType.AUDIT_PRUNED, EventType.AUDIT_FORKED, EventType.KEY_ROTATED):
        line, _ = format_line(Event(kind, {"a": 1}), ENVELOPE)
        shapes.learn(parse_line(line))
        assert shapes.recognise(line) is None


def test_no_line_takes_long_to_find_not_recognised() -> None:
    """`[]` fits two of the shapes in this list. Tried in every combination, that would be 2^200 ways."""
    shapes = Shapes()
    line = line_of({"list": [{"a": []}, {"a": [1]}, *[{"a": []}] * 200]})
    shapes.learn(parse_line(line))
    assert agree(shapes, line)
    assert not agree(shapes, line.replace(b'"v":1', b'"v":2'))


def test_the_number_of_shapes_is_bounded() -> None:
    shapes = Shapes()
    lines = [line_of({f"k{number}": [[]] * 30}) for number in range(2000)]
    for line in lines:
        shapes.learn(parse_line(line))
    assert agree(shapes, lines[100])
    assert not agree(shapes, lines[-1])


@pytest.mark.parametrize(
    "text", [b"[,1]", b"[1,]", b"[1,,1]", b"[1 ,1]", b"[[],,[]]", b"[[,1]]", b"[1[]]", b"[[]1]", b"[,]"]
)
def test_a_list_with_a_comma_too_many_or_too_few_is_not_recognised(text: bytes) -> None:
    shapes, line = Shapes(), line_of({"list": [1, [], [1]]})
    shapes.learn(parse_line(line))
    assert agree(shapes, line.replace(b"[1,[],[1]]", b"[[1],1,[]]"))
    assert not agree(shapes, line.replace(b"[1,[],[1]]", text))
