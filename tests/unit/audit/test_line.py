"""One record as one line: its exact bytes, and what is no such line."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from retentiond.audit.line import MAX_BYTES, Envelope, canonical, format_line, parse_line, record_of
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, EventType, Record
from tests.builders import an_event, at

SALT = "QpsgdTzK51rrwmUfyn-uIQ"
ENVELOPE = Envelope(seq=7, at=at("2026-03-01 02:00:04.123"), run="01J9Z6K3V5Q8", prev="e4" * 32, salt=SALT)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
integers = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
keys = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
contents = st.dictionaries(keys.map(lambda key: f"x_{key}"), values, max_size=6)


def line_of(**fields: Any) -> bytes:
    return format_line(an_event(EventType.HEARTBEAT, **fields), ENVELOPE)[0]


def changed(**fields: Any) -> bytes:
    """Return a canonical line whose fields differ from a valid one; None takes a field away."""
    whole = {**json.loads(line_of()), **fields}
    return rfc8785.dumps({key: value for key, value in whole.items() if value is not None})


def test_a_line_has_these_bytes() -> None:
    event = an_event(EventType.RECORDING_DELETED, outcome="success", rec={"camera": "cam-017", "bytes": 42})
    assert format_line(event, ENVELOPE)[0] == (
        b'{"outcome":"success","prev":"' + b"e4" * 32 + b'","rec":{"bytes":42,"camera":"cam-017"},'
        b'"run":"01J9Z6K3V5Q8","salt":"QpsgdTzK51rrwmUfyn-uIQ","seq":7,"ts":"2026-03-01T02:00:04.123Z",'
        b'"type":"recording.deleted","v":1}'
    )


@given(contents)
def test_lines_are_what_the_rfc_8785_package_writes(fields: dict[str, Any]) -> None:
    line, _ = format_line(Event(EventType.HEARTBEAT, fields), ENVELOPE)
    assert rfc8785.dumps(json.loads(line)) == line
    assert canonical(fields) == rfc8785.dumps(fields)


@given(contents)
def test_a_line_reads_back_as_the_record_that_it_was_made_of(fields: dict[str, Any]) -> None:
    line, record = format_line(Event(EventType.HEARTBEAT, fields), ENVELOPE)
    assert record == record_of(parse_line(line)) == Record(7, ENVELOPE.at, "heartbeat", fields)


def test_a_record_shares_nothing_with_the_event_and_is_made_of_plain_values() -> None:
    streams = [{"camera": "a"}]
    event = an_event(EventType.HEARTBEAT, what=EventType.AUDIT_GAP, number=HTTPStatus.OK, flag=True, streams=streams)
    _, record = format_line(event, ENVELOPE)
    streams[0]["camera"] = "changed meanwhile"
    assert dict(record.fields) == {"what": "audit.gap", "number": 200, "flag": True, "streams": [{"camera": "a"}]}
    assert [type(value) for value in record.fields.values()] == [str, int, bool, list]


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_and_never_raise_anything_else(data: bytes) -> None:
    with pytest.raises(AuditDamagedError):
        parse_line(data)


@given(st.data())
def test_a_line_with_one_bit_flipped_is_refused_or_is_another_line(data: st.DataObject) -> None:
    line = line_of(text="ö\u2028", number=12, rec={"camera": "a", "list": [1, None, True]})
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    flipped = bytearray(line)
    flipped[bit // 8] ^= 1 << bit % 8
    try:
        fields = parse_line(bytes(flipped))
    except AuditDamagedError:
        return
    assert fields != parse_line(line)
    assert hashlib.sha256(b"\0" + flipped).digest() != hashlib.sha256(b"\0" + line).digest()


def test_times_are_utc_to_the_millisecond() -> None:
    tallinn = datetime(2026, 3, 1, 2, 0, 4, 999_999, tzinfo=timezone(timedelta(hours=2)))
    line, _ = format_line(an_event(EventType.HEARTBEAT), Envelope(0, tallinn, "r", "0" * 64, SALT))
    assert parse_line(line)["ts"] == "2026-03-01T00:00:04.999Z"
    assert record_of(parse_line(line)).at == datetime(2026, 3, 1, 0, 0, 4, 999_000, tzinfo=UTC)


def test_the_longest_line_fits_and_one_byte_more_does_not() -> None:
    room = MAX_BYTES - len(line_of(text=""))
    longest = line_of(text="x" * room)
    assert len(longest) == MAX_BYTES
    assert parse_line(longest)
    with pytest.raises(StorageError, match="65001 bytes"):
        line_of(text="x" * (room + 1))
    with pytest.raises(AuditDamagedError, match="at most"):
        parse_line(changed(text="x" * (room + 1)))


def test_the_largest_numbers_fit_and_the_next_do_not() -> None:
    largest = (1 << 53) - 1
    assert parse_line(line_of(low=-largest, high=largest))["high"] == largest
    for number in (largest + 1, -largest - 1):
        with pytest.raises(StorageError, match=r"2\^53"):
            line_of(number=number)
        forged = line_of(number=1).replace(b'"number":1', b'"number":%d' % number)
        with pytest.raises(AuditDamagedError, match=r"2\^53"):
            parse_line(forged)


def test_nesting_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    with pytest.raises(StorageError, match="nested deeper"):
        line_of(deep=deep)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b"\0" * 4096,
        b"\xef\xbb\xbf" + line_of(),
        b" " + line_of(),
        line_of() + b" ",
        line_of() + b"\r",
        line_of().replace(b'"seq":7', b'"seq": 7'),
        line_of().replace(b'"seq":7', b'"seq":7.0'),
        line_of().replace(b'"seq":7', b'"seq":7e0'),
        line_of().replace(b'"seq":7', b'"seq":07'),
        line_of().replace(b'"seq":7', b'"seq":7,"seq":7'),
        line_of().replace(b'"v":1', b'"v":true'),
        line_of(a="\u00f6").replace("\u00f6".encode(), b"\\u00f6"),
        line_of(a="x").replace(b'"x"', b'"\\u0078"'),
        line_of(a="x").replace(b'"x"', b'"\xff"'),
        line_of(a="x").replace(b'"x"', b'"\\ud800"'),
        line_of(a="x").replace(b'"a"', b'"A"'),
        line_of(a="x").replace(b'"a"', b'""'),
        line_of(a=0).replace(b":0", b":-0"),
        line_of(a=1).replace(b'"a":1', b'"a":NaN'),
        line_of(a=1).replace(b'"a":1', b'"a":-Infinity'),
        line_of(a=1).replace(b'"a":1', b'"a":' + b"9" * 5000),
        line_of(a=1).replace(b'"a":1', b'"a":' + b"[" * 3000 + b"]" * 3000),
        line_of(z=1).replace(b'"v":1,"z":1', b'"z":1,"v":1'),
        line_of().decode().encode("utf-16"),
    ],
    ids=lambda line: repr(line[:40]),
)
def test_what_is_not_canonical_to_the_byte_is_damage(line: bytes) -> None:
    with pytest.raises(AuditDamagedError):
        parse_line(line)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *[({key: None}, f"lacks the field '{key}'") for key in ("v", "seq", "ts", "type", "run", "prev", "salt")],
        ({"prev": None, "other": 1}, "lacks the field 'prev'"),
        ({"v": 2}, "version 2"),
        ({"v": True}, "version True"),
        ({"seq": -1}, "its number -1"),
        ({"seq": "7"}, "its number '7'"),
        ({"seq": True}, "its number True"),
        ({"ts": "2026-03-01T02:00:04Z"}, "'ts'"),
        ({"ts": "2026-03-01T02:00:04.123+00:00"}, "'ts'"),
        ({"ts": "2026-13-01T02:00:04.123Z"}, "its time"),
        ({"ts": 5}, "'ts'"),
        ({"type": ""}, "'type'"),
        ({"type": 5}, "'type'"),
        ({"run": []}, "'run'"),
        ({"prev": "E4" * 32}, "'prev'"),
        ({"prev": "e4" * 31}, "'prev'"),
        ({"salt": "short"}, "'salt'"),
        ({"salt": SALT + "=="}, "'salt'"),
        ({"salt": SALT[:-1] + "R"}, "'salt'"),
    ],
    ids=str,
)
def test_a_record_without_a_proper_envelope_is_damage(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(AuditDamagedError, match=message):
        parse_line(changed(**fields))


def test_a_type_that_a_later_version_adds_is_read() -> None:
    assert record_of(parse_line(changed(type="camera.moved"))).type == "camera.moved"
