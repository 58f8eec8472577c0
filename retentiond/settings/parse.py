"""retentiond.yml: from text to settings. Pure: nothing is looked up on the disk here."""

import os
import re
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.period import duration_text, parse_deletion_period, parse_duration
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.settings import keys
from retentiond.settings.nodes import Problems, Section, Value, read_nodes
from retentiond.settings.paths import overlap_problems, parse_store_path
from retentiond.settings.values import (
    DEFAULT_STATE,
    AuditSettings,
    HttpSettings,
    OnAuditFailure,
    Settings,
    StoreSettings,
    socket_of,
)

DEFAULT_MARGIN = timedelta(seconds=60)
DEFAULT_LISTEN = "127.0.0.1:9723"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_ORIGIN = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", re.ASCII)
_MONTHS = re.compile(r"([1-9][0-9]{0,2})mo", re.ASCII)
_LISTEN = re.compile(r"(127(?:\.[0-9]{1,3}){3}|localhost|\[::1\]):([0-9]{1,5})", re.ASCII)


def parse_settings(data: bytes, filename: str, *, host_name: str) -> Settings:
    """Return the settings that the text of `filename` states; relative paths in it are beside it.

    Raises:
        ConfigurationError: with every problem, in the order of lines.
    """
    top, problems = read_nodes(data, filename)
    settings = None if top is None else _settings(top.section(keys.TOP), problems, filename, host_name)
    if problems.found or settings is None:
        raise ConfigurationError(problems.texts())
    return settings


def _settings(top: Section, problems: Problems, filename: str, host_name: str) -> Settings | None:
    folder = os.path.dirname(os.path.abspath(filename))
    state = top.read("state", _absolute, DEFAULT_STATE)
    stores = _stores(top, folder)
    for index, what in overlap_problems([(item.name, item.path) for _, item in stores], state):
        stores[index][0].wrong(what)
    policy = _policy(top, {item.name for _, item in stores})
    controller = top.need("controller", "write who answers for the recordings, such as Example Clinic OÜ")
    register = top.need("register", "write where the register of rooms and devices is, such as register.yml")
    audit = _audit(top, state, host_name)
    http = _http(top)
    name = None if controller is None else controller.text()
    register_path = None if register is None else register.text()
    watch = top.get("watch")
    if name is None or register_path is None or problems.found:
        return None
    return Settings(
        controller=name,
        enforcing=top.read("mode", _mode, False),  # noqa: FBT003  observe, the safe one
        policy=policy,
        stores=tuple(item for _, item in stores),
        state=state,
        register=os.path.join(folder, register_path),
        audit=audit,
        http=http,
        scan_interval=top.read("scan_interval", _at_least_a_minute, timedelta(minutes=15)),
        dispute_grace=top.read("dispute_grace", _grace, timedelta(hours=24)),
        watch=True if watch is None else bool(watch.flag()),
        socket=top.read("socket", _absolute, socket_of(state)),
    )


# --- rules ----------------------------------------------------------------------------------------------------


def _policy(top: Section, stores: set[StoreName]) -> Policy:
    margin = top.read("margin", _margin, DEFAULT_MARGIN)
    value = top.need("deletion_rules", "write at least one rule, such as - {categories: [video], deletion_period: 30d}")
    rules = [rule for item in (value.items() if value else []) if (rule := _rule(item, stores)) is not None]
    for rule in rules:
        if value is not None and rule.deletion_period <= margin:
            value.wrong(f"the deletion period of {rule.name} has to be longer than the margin, {duration_text(margin)}")
    return Policy(tuple(rules), margin)


def _rule(item: Value, stores: set[StoreName]) -> DeletionRule | None:
    section = item.section(keys.RULE)
    period = section.need("deletion_period", "write it with its unit, such as 30d; there is no default")
    length = None if period is None else period.parsed(parse_deletion_period)
    chosen = _selected(section, "stores")
    for name in chosen - stores:
        section.values["stores"].wrong(f"{name!r} is no store of this file")
    categories = _categories(section)
    number = int(item.key.rpartition("[")[2].rstrip("]")) + 1
    if length is None:
        return None
    return DeletionRule(
        name=section.read("name", _name, f"rule-{number}"),
        categories=categories,
        deletion_period=length,
        stores=frozenset(StoreName(name) for name in chosen),
        cameras=frozenset(CameraName(name) for name in _selected(section, "cameras")),
        rooms=frozenset(_selected(section, "rooms")),
    )


def _categories(section: Section) -> frozenset[Category]:
    value = section.need("categories", f"write which of {', '.join(Category)} it is about")
    found = set()
    for item in value.items() if value is not None else []:
        category = item.parsed(_category)
        if category is not None:
            found.add(category)
    return frozenset(found)


def _selected(section: Section, key: str) -> set[str]:
    value = section.get(key)
    return set() if value is None else set(value.texts())


# --- stores ---------------------------------------------------------------------------------------------------


def _stores(top: Section, folder: str) -> list[tuple[Value, StoreSettings]]:
    value = top.need("stores", "write at least one, such as - {name: main, path: /srv/recordings, recorder: motion}")
    stores: list[tuple[Value, StoreSettings]] = []
    for item in value.items() if value is not None else []:
        store = _store(item, folder)
        if store is None:
            continue
        if any(store.name == other.name for _, other in stores):
            item.wrong(f"the name {store.name!r} is taken by another store; name each differently")
        stores.append((item, store))
    return stores


def _store(item: Value, folder: str) -> StoreSettings | None:
    section = item.section(keys.STORE)
    name = section.need("name", "write a short one, such as main")
    path = section.need("path", "write the directory that the recorder writes into")
    recorder = section.need("recorder", f"write one of {', '.join(keys.RECORDERS)}")
    parsed_name = None if name is None else name.parsed(_name)
    parsed_path = None if path is None else path.parsed(parse_store_path)
    kind = None if recorder is None else recorder.parsed(_recorder)
    layouts = _layouts(section)
    if kind == "template" and not layouts:
        section.need("layout", 'write how files are named, such as "{camera}/%Y-%m-%d/%H-%M-%S.mp4"')
    own = section.get("recorder_config")
    own_path = None if own is None else own.text()
    winding_down = section.get("winding_down")
    down = False if winding_down is None else bool(winding_down.flag())
    zone = section.read("timezone", _zone, "UTC")
    if parsed_name is None or parsed_path is None or kind is None:
        return None
    config = None if own_path is None else os.path.join(folder, own_path)
    return StoreSettings(StoreName(parsed_name), parsed_path, kind, zone, layouts, config, down)


def _layouts(section: Section) -> tuple[str, ...]:
    value = section.get("layout")
    if value is None:
        return ()
    if value.is_list():
        return tuple(value.texts())
    text = value.text()
    return () if text is None else (text,)


# --- the rest -------------------------------------------------------------------------------------------------


def _audit(top: Section, state: str, host_name: str) -> AuditSettings:
    value = top.get("audit")
    default = AuditSettings(f"{host_name}/retentiond", 24, OnAuditFailure.HOLD_UNTIL_DEADLINE, f"{state}/audit.key")
    if value is None:
        return default
    section = value.section(keys.AUDIT)
    return AuditSettings(
        origin=section.read("origin", _origin, default.origin),
        keep_months=section.read("keep", _months, default.keep_months),
        on_failure=section.read("on_failure", _on_failure, default.on_failure),
        key=section.read("key", _absolute, default.key),
    )


def _http(top: Section) -> HttpSettings:
    value = top.get("http")
    if value is None:
        return HttpSettings(DEFAULT_LISTEN)
    return HttpSettings(value.section(keys.HTTP).read("listen", _listen, DEFAULT_LISTEN) or None)


def _mode(text: str) -> bool:
    if text not in ("observe", "enforce"):
        raise ValueError(f"{text!r}: write observe (everything but deleting) or enforce")
    return text == "enforce"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r}: write 1 to 63 of a-z, 0-9 and -")
    return text


def _recorder(text: str) -> str:
    if text not in keys.RECORDERS:
        raise ValueError(f"{text!r}: write one of {', '.join(keys.RECORDERS)}")
    return text


def _category(text: str) -> Category:
    try:
        return Category(text)
    except ValueError:
        raise ValueError(f"{text!r}: write one of {', '.join(Category)}") from None


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone; write one such as Europe/Tallinn or UTC") from None
    return text


def _margin(text: str) -> timedelta:
    margin = parse_duration(text)
    if not timedelta(seconds=1) <= margin <= timedelta(hours=1):
        raise ValueError(f"{text!r} is out of range: the margin is 1s to 1h")
    return margin


def _at_least_a_minute(text: str) -> timedelta:
    length = parse_duration(text)
    if not timedelta(minutes=1) <= length <= timedelta(days=7):
        raise ValueError(f"{text!r} is out of range: 1min to 7d")
    return length


def _grace(text: str) -> timedelta:
    if text == "0s":
        return timedelta()
    grace = parse_duration(text)
    if grace > timedelta(days=7):
        raise ValueError(f"{text!r} is out of range: 0s to 7d")
    return grace


def _absolute(text: str) -> str:
    if not text.startswith("/") or text != os.path.normpath(text) or "\n" in text or "\0" in text:
        raise ValueError(f"{text!r}: write an absolute path, without // or ..")
    return text


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text) or len(text) > 200:
        raise ValueError(f"{text!r}: write a host name and a path, such as nvr1.clinic.example/retentiond")
    return text


def _months(text: str) -> int:
    match = _MONTHS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r}: write a number of months, such as 24mo")
    return int(match[1])


def _on_failure(text: str) -> OnAuditFailure:
    try:
        return OnAuditFailure(text)
    except ValueError:
        raise ValueError(f"{text!r}: write one of {', '.join(OnAuditFailure)}") from None


def _listen(text: str) -> str:
    if text == "none":
        return ""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match[2]) > 65_535:
        raise ValueError(
            f"{text!r}: write a loopback address and a port, such as {DEFAULT_LISTEN}, or none; other addresses need "
            "TLS and users, which this release does not have"
        )
    return text
