"""retentiond.yml: from text to settings."""

import os
import re
from datetime import timedelta

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.errors import ConfigurationError
from retentiond.domain.incident import SUSPENDED_FOR
from retentiond.domain.period import duration_text, parse_deletion_period
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.settings import keys, scalars
from retentiond.settings.elsewhere import read_tsa, read_witness
from retentiond.settings.fields import TOP, Section, Value
from retentiond.settings.nodes import read_nodes
from retentiond.settings.parse_sources import read_sources
from retentiond.settings.paths import (
    STATE,
    overlap_problems,
    parse_absolute_path,
    parse_file_path,
    parse_key_path,
    parse_state_path,
    parse_store_path,
)
from retentiond.settings.values import (
    CONTROLLER_TO_WRITE,
    DEFAULT_LISTEN,
    DEFAULT_STATE,
    AuditSettings,
    HttpSettings,
    Settings,
    StoreSettings,
    socket_of,
)

DEFAULT_MARGIN = timedelta(seconds=60)
DEFAULT_SCAN_INTERVAL = timedelta(minutes=15)
DEFAULT_GRACE = timedelta(hours=24)
DEFAULT_KEEP_MONTHS = 24


def parse_settings(data: bytes, filename: str, *, host_name: str) -> Settings:
    """Return the settings that the text of `filename` states; relative paths in it are beside it.

    The disk is asked for links on the way to stores and for time zones, and for nothing else.

    Raises:
        ConfigurationError: with every problem, in the order of lines.
    """
    node, problems = read_nodes(data, filename)
    folder = os.path.dirname(os.path.abspath(filename))
    top = None if node is None else Value(node, TOP, problems).section(keys.TOP)
    settings = None if top is None else _settings(top, folder, host_name)
    if problems.found or settings is None:
        raise ConfigurationError(problems.texts())
    return settings


def _settings(top: Section, folder: str, host_name: str) -> Settings | None:
    """Return the settings; None if something that they need is missing or wrong, after all of it was looked at."""
    enforcing = top.read("mode", scalars.parse_mode, False)  # noqa: FBT003  observe, the safe one
    controller = _controller(top, enforcing=enforcing)
    register = top.need_parsed(
        "register", parse_file_path, "write where the register of rooms and devices is, such as register.yml"
    )
    state = top.read("state", parse_state_path, DEFAULT_STATE)
    socket = top.read("socket", parse_absolute_path, socket_of(state))
    audit = _audit(top, state, host_name)
    stores = _stores(top, folder)
    sources = read_sources(top, folder, {item.name for _, item in stores})
    policy = _policy(top, {item.name for _, item in stores})
    ours = {STATE: state, "the control socket": socket, "the signing key": audit.key}
    if register is not None:
        ours["the register"] = os.path.join(folder, register)
    _keep_apart(stores, {what: path for what, path in ours.items() if not path.startswith(f"{state}/")})
    http = _http(top)
    scan_interval = top.read("scan_interval", scalars.parse_scan_interval, DEFAULT_SCAN_INTERVAL)
    scan_rate = top.read("scan_rate", scalars.parse_scan_rate, None)
    dispute_grace = top.read("dispute_grace", scalars.parse_grace, DEFAULT_GRACE)
    incident_period = top.read("incident_period", scalars.parse_incident_period, SUSPENDED_FOR)
    watch = top.read_flag("watch", default=True)
    if controller is None or register is None:
        return None
    return Settings(
        controller=controller,
        enforcing=enforcing,
        policy=policy,
        stores=tuple(item for _, item in stores),
        state=state,
        register=os.path.join(folder, register),
        audit=audit,
        http=http,
        scan_interval=scan_interval,
        scan_rate=scan_rate,
        dispute_grace=dispute_grace,
        incident_period=incident_period,
        watch=watch,
        socket=socket,
        sources=sources,
    )


def _controller(top: Section, *, enforcing: bool) -> str | None:
    name = top.need_parsed(
        "controller", scalars.parse_text, "write who answers for the recordings, such as Example Clinic OÜ"
    )
    if enforcing and name == CONTROLLER_TO_WRITE:
        top.wrong("controller", "is what `config init` proposed; write who answers, before anything is deleted")
    return name


# --- rules ----------------------------------------------------------------------------------------------------


def _policy(top: Section, stores: set[StoreName]) -> Policy:
    margin = top.read("margin", scalars.parse_margin, DEFAULT_MARGIN)
    value = top.need("deletion_rules", "write at least one rule, such as - {categories: [video], deletion_period: 30d}")
    rules: dict[str, DeletionRule] = {}
    for number, item in enumerate(value.items() if value is not None else [], 1):
        section = item.section(keys.RULE)
        rule = _rule(section, f"rule-{number}", stores)
        if rule is None:
            continue
        if rule.name in rules:
            section.wrong("name", f"the name {rule.name!r} is taken by another rule; name each differently")
        if rule.deletion_period <= margin:
            what = f"the deletion period of {rule.name} has to be longer than the margin, {duration_text(margin)}"
            section.wrong("deletion_period", f"{what}; write a longer one, or a shorter margin")
        rules.setdefault(rule.name, rule)
    return Policy(tuple(rules.values()), margin)


def _rule(section: Section, default_name: str, stores: set[StoreName]) -> DeletionRule | None:
    name = section.read("name", scalars.parse_name, default_name)
    period = section.need_parsed(
        "deletion_period", parse_deletion_period, "write it with its unit, such as 30d; there is no default"
    )
    categories = section.need("categories", "write which kinds of recording it is about, such as [video, audio]")
    chosen = categories.parsed_items(scalars.parse_category) if categories is not None else []
    selected = {key: _selected(section, key) for key in ("stores", "cameras", "rooms")}
    for unknown in sorted(selected["stores"] - stores):
        section.wrong("stores", f"{unknown!r} is no store of this file; write one of {', '.join(sorted(stores))}")
    if period is None:
        return None
    return DeletionRule(
        name=name,
        categories=frozenset(chosen),
        deletion_period=period,
        stores=frozenset(StoreName(item) for item in selected["stores"]),
        cameras=frozenset(CameraName(item) for item in selected["cameras"]),
        rooms=selected["rooms"],
    )


def _selected(section: Section, key: str) -> frozenset[str]:
    value = section.get(key)
    if value is None:
        return frozenset()
    return frozenset(value.parsed_items(str, else_="; leave the key out to mean everything"))


# --- stores ---------------------------------------------------------------------------------------------------


def _stores(top: Section, folder: str) -> list[tuple[Value, StoreSettings]]:
    value = top.need("stores", "write at least one, such as - {name: main, path: /srv/recordings, recorder: motion}")
    stores: list[tuple[Value, StoreSettings]] = []
    names: set[StoreName] = set()
    for item in value.items() if value is not None else []:
        store = _store(item.section(keys.STORE), folder)
        if store is None:
            continue
        if store.name in names:
            item.wrong(f"the name {store.name!r} is taken by another store; name each differently")
        names.add(store.name)
        stores.append((item, store))
    return stores


def _store(section: Section, folder: str) -> StoreSettings | None:
    name = section.need_parsed("name", scalars.parse_name, "write a short one, such as main")
    path = section.need_parsed("path", parse_store_path, "write the directory that the recorder writes into")
    recorder = section.need_parsed("recorder", scalars.parse_recorder, f"write one of {', '.join(keys.RECORDERS)}")
    zone = section.read("timezone", scalars.parse_zone_name, "UTC")
    layouts = _layouts(section)
    copies = _copies(section)
    config = section.read("recorder_config", parse_file_path, "")
    winding_down = section.read_flag("winding_down", default=False)
    if recorder == "template":
        section.need("layout", 'write how files are named, such as "{camera}/%Y-%m-%d/%H-%M-%S.mp4"')
    if name is None or path is None or recorder is None:
        return None
    config_path = os.path.join(folder, config) if config else None
    line = (section.get("layout") or section.owner).node.line
    return StoreSettings(StoreName(name), path, recorder, zone, layouts, config_path, winding_down, copies, line)


def _copies(section: Section) -> tuple[str, ...]:
    value = section.get("copies")
    return () if value is None else tuple(value.parsed_items(str, else_="; leave the key out if there are none"))


def _layouts(section: Section) -> tuple[str, ...]:
    value = section.get("layout")
    if value is None:
        return ()
    if value.is_list:
        return tuple(value.parsed_items(str))
    text = value.text()
    return () if text is None else (text,)


def _keep_apart(stores: list[tuple[Value, StoreSettings]], ours: dict[str, str]) -> None:
    for index, what in overlap_problems([(item.name, item.path) for _, item in stores], ours):
        stores[index][0].wrong(what)


# --- the rest -------------------------------------------------------------------------------------------------


def default_origin(host_name: str) -> str:
    """Return what the record of a host is called where nobody has said otherwise."""
    return (re.sub(r"[^A-Za-z0-9._-]+", "-", host_name) or "localhost") + "/retentiond"


def _audit(top: Section, state: str, host_name: str) -> AuditSettings:
    default = AuditSettings(
        default_origin(host_name), DEFAULT_KEEP_MONTHS, OnAuditFailure.HOLD_UNTIL_DEADLINE, f"{state}/audit.key"
    )
    value = top.get("audit")
    if value is None:
        return default
    section = value.section(keys.AUDIT)
    return AuditSettings(
        origin=section.read("origin", scalars.parse_origin, default.origin),
        keep_months=section.read("keep", scalars.parse_months, default.keep_months),
        on_failure=section.read("on_failure", scalars.parse_on_failure, default.on_failure),
        key=section.read("key", parse_key_path, default.key),
        witness=read_witness(section),
        tsa=read_tsa(section),
    )


def _http(top: Section) -> HttpSettings:
    value = top.get("http")
    if value is None:
        return HttpSettings(DEFAULT_LISTEN)
    return HttpSettings(value.section(keys.HTTP).read("listen", scalars.parse_listen, DEFAULT_LISTEN) or None)
