"""What a single text has to look like: names, lengths of time, zones, addresses. Each raises ValueError with a remedy.

The patterns are those of the JSON Schema too.
"""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retentiond.domain import instants
from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.incident import NOTIFY_WITHIN, SUSPENDED_FOR
from retentiond.domain.papers import Demand
from retentiond.domain.period import parse_duration
from retentiond.domain.recording import Category
from retentiond.domain.register import DeviceKind, Relation
from retentiond.settings import keys
from retentiond.settings.values import DEFAULT_LISTEN

NAME_PATTERN = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
IDENT_PATTERN = "[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
DURATION_PATTERN = "[1-9][0-9]{0,8}(s|min|h|d|w)"
GRACE_PATTERN = f"(0s|{DURATION_PATTERN})"
MONTHS_PATTERN = "[1-9][0-9]{0,2}mo"
RATE_PATTERN = "(unlimited|[1-9][0-9]{0,8}/s)"
ORIGIN_PATTERN = "[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
LISTEN_PATTERN = rf"(none|(127(\.{_OCTET}){{3}}|localhost|\[::1\]):(0|[1-9][0-9]{{0,4}}))"
DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
WHEN_PATTERN = rf"{DATE_PATTERN}(T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}}))?"
PASSES = {"sight": Relation.SEES, "sound": Relation.HEARS}
_ZONES_THAT_ARE_NONE = frozenset({"localtime", "posixrules", "Factory"})
_ZONES_OF_ANOTHER_TIME = ("right/", "posix/")


def parse_text(text: str) -> str:
    """Return a text for people, who have to see it."""
    if not text.strip():
        raise ValueError("holds nothing but spaces; write a text")
    return text


def is_name(text: str) -> bool:
    """Tell whether a store or rule can have this name."""
    return re.fullmatch(NAME_PATTERN, text, re.ASCII) is not None


def parse_name(text: str) -> str:
    """Return the name of a store or rule."""
    if not is_name(text):
        raise ValueError(f"{text!r}: write 1 to 63 of a-z, 0-9 and -, such as main")
    return text


def parse_ident(text: str) -> str:
    """Return the id of a room or device."""
    if not re.fullmatch(IDENT_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r}: write 1 to 128 letters, digits, and . _ : -")
    return text


def parse_recorder(text: str) -> str:
    """Return a recorder that this version reads."""
    if text not in keys.RECORDERS:
        raise ValueError(
            f"{text!r} is no recorder that this version reads; write one of {', '.join(keys.RECORDERS)} "
            "(template reads the files of any other by a layout)"
        )
    return text


def parse_category(text: str) -> Category:
    """Return a data category."""
    try:
        return Category(text)
    except ValueError:
        raise ValueError(f"{text!r} is no data category; write one of {', '.join(Category)}") from None


def parse_kind(text: str) -> DeviceKind:
    """Return the kind of a device."""
    try:
        return DeviceKind(text)
    except ValueError:
        raise ValueError(f"{text!r}: write camera or microphone") from None


def parse_passes(text: str) -> Relation:
    """Return what passes from one room to the next."""
    if text not in PASSES:
        raise ValueError(f"{text!r}: write sight, sound, or both")
    return PASSES[text]


def parse_demand(text: str) -> Demand:
    """Return what the controller wants every device to have."""
    try:
        return Demand(text)
    except ValueError:
        raise ValueError(f"{text!r}: write approval, sign or dpia") from None


def parse_mode(text: str) -> bool:
    """Tell whether the daemon deletes."""
    if text not in ("observe", "enforce"):
        raise ValueError(f"{text!r}: write observe (everything but deleting) or enforce")
    return text == "enforce"


def parse_zone(text: str) -> ZoneInfo:
    """Return a time zone by its own name, in UTC without leap seconds."""
    what = f"{text!r} is no time zone; write one such as Europe/Tallinn or UTC"
    if text in _ZONES_THAT_ARE_NONE or text.startswith(_ZONES_OF_ANOTHER_TIME):
        raise ValueError(what)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(what) from None


def parse_zone_name(text: str) -> str:
    """Return the name of a time zone that is there."""
    return parse_zone(text).key


# --- lengths and points of time -------------------------------------------------------------------------------


SLOWEST_SCAN, FASTEST_SCAN = 100, 10_000_000
"""Bounds of `scan_rate`, in names a second; a million recordings take three hours at the slower one."""


def parse_margin(text: str) -> timedelta:
    """Return how long before its deadline a recording falls due."""
    return _within(text, parse_duration(text), timedelta(seconds=1), timedelta(hours=1), "the margin is 1s to 1h")


def parse_scan_interval(text: str) -> timedelta:
    """Return how often a store is compared."""
    return _within(text, parse_duration(text), timedelta(minutes=1), timedelta(days=7), "write 1min to 7d")


def parse_scan_rate(text: str) -> int | None:
    """Return how many names a second a scan lists at most; None for no bound."""
    if text == "unlimited":
        return None
    number, slash, unit = text.partition("/")
    if not (number.isascii() and number.isdigit() and (slash, unit) == ("/", "s")) or number.startswith("0"):
        raise ValueError("write names a second, such as 20000/s, or unlimited")
    if not SLOWEST_SCAN <= int(number) <= FASTEST_SCAN:
        raise ValueError(f"write {SLOWEST_SCAN}/s to {FASTEST_SCAN}/s, or unlimited")
    return int(number)


def parse_grace(text: str) -> timedelta:
    """Return how long a disputed recording stays; 0s is possible here."""
    length = timedelta() if text == "0s" else parse_duration(text)
    return _within(text, length, timedelta(), timedelta(days=7), "write 0s to 7d")


def parse_incident_period(text: str) -> timedelta:
    """Return how long an incident suspends deletion at most: no shorter than article 33 GDPR leaves to decide."""
    return _within(text, parse_duration(text), NOTIFY_WITHIN, SUSPENDED_FOR, "write 72h to 30d")


def parse_max_age(text: str) -> timedelta:
    """Return how old a calendar may be: no longer than what is looked at of the time to come."""
    return _within(text, parse_duration(text), timedelta(hours=1), timedelta(days=31), "write 1h to 31d")


def _within(text: str, length: timedelta, least: timedelta, most: timedelta, rule: str) -> timedelta:
    if not least <= length <= most:
        raise ValueError(f"{text!r} is out of range: {rule}")
    return length


def parse_months(text: str) -> int:
    """Return a number of months."""
    if not re.fullmatch(MONTHS_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r}: write a number of months, such as 24mo")
    return int(text.removesuffix("mo"))


def parse_day(text: str) -> date:
    """Return a day."""
    try:
        if re.fullmatch(DATE_PATTERN, text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no day; write one such as 2026-01-31")


def parse_when(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant of a date, midnight in `zone`, or of a time with an offset."""
    try:
        if re.fullmatch(DATE_PATTERN, text, re.ASCII):
            return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(ZoneInfo("UTC"))
        if re.fullmatch(WHEN_PATTERN, text, re.ASCII):
            return instants.from_text(text)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no date; write one such as 2026-01-31, or a time 2026-01-31T08:00:00+02:00")


# --- the trail and the endpoint -------------------------------------------------------------------------------


def parse_origin(text: str) -> str:
    """Return the name of an audit trail."""
    if len(text) > 200 or not re.fullmatch(ORIGIN_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r}: write a host name and a path, such as nvr1.clinic.example/retentiond")
    return text


def parse_on_failure(text: str) -> OnAuditFailure:
    """Return what is done while the trail cannot be written."""
    try:
        return OnAuditFailure(text)
    except ValueError:
        raise ValueError(f"{text!r}: write one of {', '.join(OnAuditFailure)}") from None


def parse_listen(text: str) -> str:
    """Return a loopback address and port; the empty text for none."""
    if not re.fullmatch(LISTEN_PATTERN, text, re.ASCII) or (text != "none" and int(text.rpartition(":")[2]) > 65_535):
        raise ValueError(
            f"{text!r}: write a loopback address and a port, such as {DEFAULT_LISTEN}, or none; other addresses need "
            "TLS and users, which this version does not have"
        )
    return "" if text == "none" else text


def parse_address(text: str) -> str:
    """Return a device's address, which must not hold a password: people read this file."""
    if re.search(r"^[^/?#]*[^/?#\s]@[^/?#\s]", text.partition("://")[2] or text):
        raise ValueError("holds a user or password before @; write the address without")
    if re.search("passw|pwd", text, re.IGNORECASE):
        raise ValueError("seems to hold a password; write the address without")
    return text
