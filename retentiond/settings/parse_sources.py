"""Who else knows of devices: what `sources` may say, to the reader and the JSON Schema."""

import os
import re
from collections.abc import Collection
from datetime import timedelta
from typing import TypeAlias

from retentiond.domain.recording import StoreName
from retentiond.settings import keys, scalars
from retentiond.settings.fields import Section
from retentiond.settings.paths import parse_file_path
from retentiond.settings.schema_words import Schema, any_of, choice, listed, mapping, set_of, text
from retentiond.settings.values import SourceSettings

ADDRESS_PATTERN = r"(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?"
_BYTE = "([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
INTERFACE_PATTERN = rf"{_BYTE}(\.{_BYTE}){{3}}"
ROLE_PATTERN = r"[a-z0-9_-]{1,100}"
DEFAULT_ROLES = ("camera", "microphone")
DEFAULT_MAX_AGE = timedelta(days=7)
"""Of a calendar that is written on working days, with holidays among them."""


_Calendar: TypeAlias = tuple[str, tuple[str, ...], str, timedelta]
"""File, categories, zone of times that name none, and how old it may be."""

_NO_CALENDAR: _Calendar = ("", (), "", timedelta())


def parse_address(typed: str) -> str:
    """Return where a device is asked: a host with a port if need be, without user, password or path."""
    match = re.fullmatch(ADDRESS_PATTERN, typed, re.ASCII)
    if match is None or (match[3] is not None and int(match[3][1:]) > 65_535):
        raise ValueError("write a host such as 192.0.2.10 or camera-2:8080, without user, password or path")
    return typed


def parse_interface(typed: str) -> str:
    """Return one of this host's IPv4 addresses, from which devices are looked for."""
    if re.fullmatch(INTERFACE_PATTERN, typed, re.ASCII) is None:
        raise ValueError("write an IPv4 address of this host, such as 192.0.2.1")
    return typed


def parse_role(typed: str) -> str:
    """Return the slug of a role in NetBox."""
    if re.fullmatch(ROLE_PATTERN, typed, re.ASCII) is None:
        raise ValueError("write the slug of a role, such as camera: of a-z, 0-9, - and _")
    return typed


def parse_source_kind(typed: str) -> str:
    """Return a kind of source that is known."""
    if typed not in keys.SOURCES:
        raise ValueError(f"write one of {', '.join(keys.SOURCES)}")
    return typed


def read_sources(top: Section, folder: str, stores: Collection[StoreName]) -> tuple[SourceSettings, ...]:
    """Return the sources besides the recorders; what is wrong is noted."""
    value = top.get("sources")
    found: dict[StoreName, SourceSettings] = {}
    for item in value.items(else_="; leave the key out if there is none") if value is not None else []:
        section = item.section(keys.SOURCE)
        source = _read_source(section, folder)
        if source is None:
            continue
        if source.name in stores or source.name in found:
            section.wrong("name", f"the name {source.name!r} is taken by a store or another source; name each apart")
        found.setdefault(source.name, source)
    return tuple(found.values())


def _read_source(section: Section, folder: str) -> SourceSettings | None:
    name = section.need_parsed("name", scalars.parse_name, "write a short one, such as cameras")
    kind = section.need_parsed("kind", parse_source_kind, f"write one of {', '.join(keys.SOURCES)}")
    taken = keys.SOURCE if kind is None else keys.SOURCES[kind]
    for key in section.values.keys() - set(taken):
        section.wrong(key, f"means nothing to a source of kind {kind}; leave it out")
    addresses = _read_addresses(section, needed=kind is not None) if "addresses" in taken else ()
    if kind == "netbox" and len(addresses) > 1:
        section.wrong("addresses", "write one address; another NetBox is another source")
    if kind == "netbox":
        section.need("credentials", "write the path of a file with one line, token:TOKEN, which only the daemon reads")
    credentials = _read_place(section, folder, "credentials") if "credentials" in taken else None
    ca_file = _read_place(section, folder, "ca_file") if "ca_file" in taken else None
    if ca_file is not None and any(address.startswith("http:") for address in addresses):
        section.wrong("ca_file", "means nothing where http:// is written; write https://, or leave it out")
    interface = section.read("interface", parse_interface, "") if "interface" in taken else ""
    roles = _read_roles(section) if "roles" in taken else ()
    calendar = _read_calendar(section, folder, needed=kind is not None) if "file" in taken else _NO_CALENDAR
    if name is None or kind is None:
        return None
    return SourceSettings(StoreName(name), kind, addresses, credentials, interface, roles, *calendar, ca_file)


def _read_place(section: Section, folder: str, key: str) -> str | None:
    path = section.read(key, parse_file_path, "")
    return os.path.join(folder, path) if path else None


def _read_addresses(section: Section, *, needed: bool) -> tuple[str, ...]:
    remedy = "write where it is asked, such as [192.0.2.10, 192.0.2.11]"
    value = section.need("addresses", remedy) if needed else section.get("addresses")
    return tuple(value.parsed_items(parse_address)) if value is not None else ()


def _read_calendar(section: Section, folder: str, *, needed: bool) -> _Calendar:
    if needed:
        section.need("file", "write the path of an iCalendar file of bookings")
        section.need("categories", "write what marks an intimate procedure in it, such as [intimate care]")
        section.need("timezone", "write the zone of times in it that name none, such as Europe/Tallinn")
    categories = section.get("categories")
    return (
        _read_place(section, folder, "file") or "",
        () if categories is None else tuple(categories.parsed_items(str)),
        section.read("timezone", scalars.parse_zone_name, ""),
        section.read("max_age", scalars.parse_max_age, DEFAULT_MAX_AGE),
    )


def _read_roles(section: Section) -> tuple[str, ...]:
    value = section.get("roles")
    return DEFAULT_ROLES if value is None else tuple(value.parsed_items(parse_role))


def sources_schema() -> Schema:
    """Return the JSON Schema of `sources`."""
    return listed(
        "Who besides the recorders knows of devices. Default: nobody.",
        any_of(
            "A source.",
            _kind("onvif", "Asks the devices themselves, each at its address.", ("addresses",)),
            _kind("discovery", "Looks for devices in the network of this host.", ()),
            _kind("netbox", "Reads the inventory of NetBox.", ("addresses", "credentials")),
            _kind("sound", "Lists what this host itself can record sound with.", ()),
            _kind("bookings", "Reads bookings of intimate procedures.", ("file", "categories", "timezone")),
        ),
    )


def _kind(kind: str, description: str, required: tuple[str, ...]) -> Schema:
    where = set_of("Where it is asked.", text("A host, and a port if need be.", ADDRESS_PATTERN))
    known = {
        "name": text("A short name, as in known_as of the register.", scalars.NAME_PATTERN),
        "kind": choice("The kind of source.", [kind]),
        "addresses": {**where, "maxItems": 1} if kind == "netbox" else where,
        "credentials": text("A file with one line, user:password or token:TOKEN, that only the daemon may read."),
        "interface": text("An IPv4 address of this host; devices are looked for from there.", INTERFACE_PATTERN),
        "file": text("An iCalendar file."),
        "categories": set_of("What marks an intimate procedure.", text("A category in the calendar.")),
        "timezone": text("The zone of times in the calendar that name none."),
        "max_age": text("How long ago it may have been written; default 7d.", scalars.DURATION_PATTERN),
        "ca_file": text("The certificates (PEM) under which that of NetBox has to be good. Default: the system's."),
        "roles": set_of("Roles of devices that see or hear.", text("The slug of a role.", ROLE_PATTERN)),
    }
    taken = keys.SOURCES[kind]
    properties = {key: schema for key, schema in known.items() if key in taken}
    return mapping(taken, properties, ("name", "kind", *required), description)
