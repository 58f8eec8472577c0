"""Who else knows of devices: what `sources` may say, to the reader and the JSON Schema."""

import os
import re
from collections.abc import Collection

from retentiond.domain.recording import StoreName
from retentiond.settings import keys, scalars
from retentiond.settings.fields import Section
from retentiond.settings.paths import parse_file_path
from retentiond.settings.schema_words import Schema, choice, listed, mapping, set_of, text
from retentiond.settings.values import SourceSettings

ADDRESS_PATTERN = r"(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?"


def parse_address(typed: str) -> str:
    """Return where a device is asked: a host with a port if need be, without user, password or path."""
    match = re.fullmatch(ADDRESS_PATTERN, typed, re.ASCII)
    if match is None or (match[3] is not None and int(match[3][1:]) > 65_535):
        raise ValueError("write a host such as 192.0.2.10 or camera-2:8080, without user, password or path")
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
    value = section.need("addresses", "write where the devices are asked, such as [192.0.2.10, 192.0.2.11]")
    addresses = value.parsed_items(parse_address) if value is not None else []
    credentials = section.read("credentials", parse_file_path, "")
    if name is None or kind is None or not addresses:
        return None
    path = os.path.join(folder, credentials) if credentials else None
    return SourceSettings(StoreName(name), kind, tuple(addresses), path)


def sources_schema() -> Schema:
    """Return the JSON Schema of `sources`."""
    properties = {
        "name": text("A short name, as in known_as of the register.", scalars.NAME_PATTERN),
        "kind": choice("onvif asks the devices themselves.", list(keys.SOURCES)),
        "addresses": set_of("Where the devices are asked.", text("A host, and a port if need be.", ADDRESS_PATTERN)),
        "credentials": text("A file with one line, user:password, that only the daemon and root may read."),
    }
    return listed(
        "Who besides the recorders knows of devices. Default: nobody.",
        mapping(keys.SOURCE, properties, ("name", "kind", "addresses")),
    )
