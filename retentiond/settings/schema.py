"""The JSON Schema of both files, for editors. The checks of the daemon say more than a schema can."""

from typing import Any

from retentiond.domain.recording import Category
from retentiond.settings import keys
from retentiond.settings.values import OnAuditFailure

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DURATION = {"type": "string", "pattern": "^[1-9][0-9]{0,8}(s|min|h|d|w)$"}
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "boolean"}
_WHEN = {"type": "string", "description": "A date, midnight in the register's zone, or a time with an offset."}


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}


def _mapping(known: tuple[str, ...], properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    """Return a closed mapping. The keys have to be those that the reader knows, so that neither can drift."""
    if set(known) != set(properties):
        raise AssertionError(f"schema and reader differ: {set(known) ^ set(properties)}")
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of retentiond.yml."""
    rule = _mapping(
        keys.RULE,
        {
            "name": _described(_TEXT, "How the rule is called on the record. Default: rule-1, rule-2, …"),
            "categories": {"type": "array", "items": {"enum": [str(item) for item in Category]}, "minItems": 1},
            "deletion_period": _described(_DURATION, "The longest time from the first frame, with its unit."),
            "stores": _described(_NAMES, "Only these stores."),
            "cameras": _described(_NAMES, "Only these cameras, as their recorder names them."),
            "rooms": _described(_NAMES, "Only recordings made in these rooms of the register."),
        },
        ("categories", "deletion_period"),
    )
    store = _mapping(
        keys.STORE,
        {
            "name": _described(_TEXT, "A short name: a-z, 0-9, -."),
            "path": _described(_TEXT, "The directory tree that the recorder writes into, absolute."),
            "recorder": {"enum": list(keys.RECORDERS), "description": "The NVR software."},
            "timezone": _described(_TEXT, "The zone in which the recorder names its files. Default: UTC."),
            "layout": {"anyOf": [_TEXT, _NAMES], "description": "How files are named, for recorder: template."},
            "recorder_config": _described(_TEXT, "The recorder's own configuration, such as /etc/motion/motion.conf."),
            "winding_down": _described(_FLAG, "True while the store is given up: then more than half may fall due."),
        },
        ("name", "path", "recorder"),
    )
    audit = _mapping(
        keys.AUDIT,
        {
            "origin": _described(_TEXT, "The name of this audit trail in its heads."),
            "keep": {"type": "string", "pattern": "^[1-9][0-9]{0,2}mo$", "description": "How long records are kept."},
            "on_failure": {"enum": [str(item) for item in OnAuditFailure]},
            "key": _described(_TEXT, "The signing key. Default: audit.key in the state directory."),
        },
        (),
    )
    http = _mapping(keys.HTTP, {"listen": _described(_TEXT, "A loopback address and port, or none.")}, ())
    top = {
        "controller": _described(_TEXT, "Who answers for the recordings (GDPR)."),
        "mode": {"enum": ["observe", "enforce"], "description": "observe does everything but deleting. Default."},
        "deletion_rules": {"type": "array", "items": rule, "minItems": 1},
        "margin": _described(_DURATION, "How long before its deadline a recording falls due. Default: 60s."),
        "stores": {"type": "array", "items": store, "minItems": 1},
        "state": _described(_TEXT, "Where the daemon keeps its own files. Default: /var/lib/retentiond."),
        "register": _described(_TEXT, "The register of rooms and devices, beside this file."),
        "audit": audit,
        "http": http,
        "scan_interval": _described(_DURATION, "How often the whole store is compared. Default: 15min."),
        "dispute_grace": {"type": "string", "description": "How long a disputed recording stays. Default: 24h."},
        "watch": _described(_FLAG, "Whether inotify hints are used. Default: true."),
        "socket": _described(_TEXT, "Where the control socket lies."),
    }
    whole = _mapping(keys.TOP, top, ("controller", "deletion_rules", "stores", "register"))
    return {"$schema": _DRAFT, "title": "retentiond.yml", **whole}


def register_schema() -> dict[str, Any]:
    """Return the JSON Schema of register.yml."""
    entry = _mapping(keys.ROOM_CLASS, {"class": _TEXT, "since": _WHEN, "until": _WHEN}, ("class",))
    room = _mapping(
        keys.ROOM,
        {
            "id": _described(_TEXT, "Never changes."),
            "name": _TEXT,
            "class": _described(_TEXT, "What the room is used for; intimate-care prohibits every device."),
            "since": _WHEN,
            "until": _WHEN,
            "classes": {"type": "array", "items": entry, "minItems": 1},
        },
        ("id",),
    )
    link = {"anyOf": [_TEXT, _mapping(keys.LINK, {"room": _TEXT, "from": _WHEN, "to": _WHEN}, ("room",))]}
    links = {"type": "array", "items": link, "minItems": 1}
    device = _mapping(
        keys.DEVICE,
        {
            "id": _described(_TEXT, "Never changes, such as a UUID."),
            "name": _TEXT,
            "kind": {"enum": ["camera", "microphone"]},
            "make": _TEXT,
            "address": _TEXT,
            "tracks": _mapping(keys.TRACKS, {"video": _FLAG, "audio": _FLAG}, ()),
            "known_as": {"type": "object", "description": "Its name in the recorder of each store."},
            "assignments": _described(links, "The rooms it hangs in, over time."),
            "sees": _described(links, "Rooms it can see besides its own."),
            "hears": _described(links, "Rooms it can hear besides its own."),
            "approval": {"description": "The written consent that it needs; kept for people."},
            "note": _TEXT,
        },
        ("id", "name", "kind", "tracks"),
    )
    rooms, devices = {"type": "array", "items": room}, {"type": "array", "items": device}
    top = {"timezone": _TEXT, "rooms": rooms, "devices": devices}
    return {"$schema": _DRAFT, "title": "register.yml", **_mapping(keys.REGISTER, top, ())}
