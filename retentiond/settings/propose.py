"""Two files for review, from what was seen in a directory; they load as they are, and delete nothing."""

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from retentiond.settings.parse import default_origin, parse_settings
from retentiond.settings.parse_register import parse_register
from retentiond.settings.values import CONTROLLER_TO_WRITE

_SPACE = r"\x20"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a look at a directory found: so many of the names that were looked at match. `host` is this host's name."""

    recorder: str
    layout: str | None
    cameras: tuple[str, ...]
    recorder_config: str | None
    timezone: str
    host: str
    looked_at: int
    matched: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """The texts of both files, and in a sentence what they rest on."""

    summary: str
    found: Recognised
    settings: str
    register: str


def propose(store: str, found: Recognised) -> Proposal:
    """Return both files for the store at the path `store`: every camera that was found, and none in a room.

    Raises:
        ConfigurationError: they would not load, because of a time zone or path that was asked for.
    """
    summary = (
        f"{store} looks like recorder {found.recorder}"
        + (f" with layout {found.layout}" if found.layout else "")
        + f": {found.matched:,} of {found.looked_at:,} names match; cameras: {', '.join(found.cameras) or 'none yet'}"
    )
    proposal = Proposal(summary, found, _settings(store, found), _register(found.cameras, found.timezone))
    parse_settings(proposal.settings.encode(), "retentiond.yml", host_name="localhost")
    parse_register(proposal.register.encode(), "register.yml")
    return proposal


def _settings(store: str, found: Recognised) -> str:
    lines = [
        "# Proposed by `retentiond config init`. Review every line, then: retentiond config check, retentiond plan",
        f"controller: {CONTROLLER_TO_WRITE}",
        "mode: observe   # everything but deleting; set enforce when `retentiond plan` looks right",
        "deletion_rules:",
        "  # Write the periods that you have promised; there is no default.",
        "  - {categories: [video, audio], deletion_period: 30d}",
        "  - {categories: [still, derived], deletion_period: 30d}",
        "margin: 60s",
        "stores:",
        "  - name: main",
        f"    path: {_quoted(store)}",
        f"    recorder: {found.recorder}",
        f"    timezone: {_quoted(found.timezone)}   # the zone in which the recorder names its files",
    ]
    if found.layout is not None:
        lines.append(f"    layout: {_quoted(found.layout)}")
    if found.recorder_config is not None:
        lines.append(f"    recorder_config: {_quoted(os.path.abspath(found.recorder_config))}")
    lines += [
        "register: register.yml",
        f"audit: {{origin: {_quoted(default_origin(found.host))}}}   # the name of this record, for good",
        "",
    ]
    return "\n".join(lines)


def _register(cameras: Sequence[str], timezone: str) -> str:
    lines = [
        "# Proposed by `retentiond config init`. Name every room, with its class, and where each device hangs.",
        f"timezone: {_quoted(timezone)}",
        "rooms: []",
        "#  - {id: reception, name: Reception, class: public}",
        "#  - {id: procedure-1, name: Procedure room 1, class: intimate-care}   # no device may be there",
    ]
    if not cameras:
        return "\n".join([*lines, "devices: []", ""])
    lines.append("devices:")
    for camera in cameras:
        lines += [
            f"  - id: {_quoted(str(uuid.uuid4()))}",
            f"    name: {_quoted(camera if camera.strip() else camera.replace(' ', _SPACE))}",
            "    kind: camera",
            "    tracks: {video: true, audio: false}   # what it may record",
            f"    known_as: {{main: {_quoted(camera)}}}",
            "    # assignments: [{room: reception, from: 2026-01-01}]",
        ]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Return a YAML scalar in double quotes; JSON strings are YAML."""
    return json.dumps(text, ensure_ascii=False)
