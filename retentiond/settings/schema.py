"""The JSON Schema of both files, for editors.

Whatever the reader accepts is valid by the schema; what depends on other keys, the disk or the calendar only the reader
refuses (`retentiond config check`). Patterns are the reader's own.
"""

from typing import Any

from retentiond.domain.recording import Category
from retentiond.settings import keys, room_classes, scalars
from retentiond.settings.fields import MAX_PROSE, MAX_TEXT
from retentiond.settings.values import OnAuditFailure

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

_Schema = dict[str, Any]


def _text(description: str, pattern: str | None = None) -> _Schema:
    """Return one line of text; `pattern` is for the whole of it."""
    schema: _Schema = {"description": description, "type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return schema if pattern is None else {**schema, "pattern": f"^{pattern}$"}


def _prose(description: str) -> _Schema:
    return {**_text(description), "maxLength": MAX_PROSE}


def _flag(description: str) -> _Schema:
    return {"description": description, "type": "boolean"}


def _choice(description: str, words: list[str]) -> _Schema:
    return {"description": description, "enum": words}


def _list(description: str, item: _Schema) -> _Schema:
    return {"description": description, "type": "array", "items": item, "minItems": 1}


def _set(description: str, item: _Schema) -> _Schema:
    return {**_list(description, item), "uniqueItems": True}


def _any(description: str, *choices: _Schema) -> _Schema:
    return {"description": description, "anyOf": list(choices)}


def _mapping(
    known: tuple[str, ...], properties: dict[str, _Schema], required: tuple[str, ...], description: str = ""
) -> _Schema:
    """Return a closed mapping. The keys have to be those that the reader knows, so that neither can drift."""
    if set(known) != set(properties):
        raise AssertionError(f"schema and reader differ: {set(known) ^ set(properties)}")
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}
    return {"description": description, **schema} if description else schema


# --- retentiond.yml -------------------------------------------------------------------------------------------


def settings_schema() -> _Schema:
    """Return the JSON Schema of retentiond.yml."""
    top = {
        "controller": _text("Who answers for the recordings (GDPR)."),
        "mode": _choice("observe does everything but deleting; it is the default.", ["observe", "enforce"]),
        "deletion_rules": _list("Which recordings may be kept for how long. Where several fit, the shortest.", _rule()),
        "margin": _duration("How long before its deadline a recording falls due, 1s to 1h. Default: 60s."),
        "stores": _list("The directory trees that recorders write into; they must not overlap.", _store()),
        "state": _text("Where the daemon keeps its own files. Default: /var/lib/retentiond."),
        "register": _text("The register of rooms and devices, beside this file."),
        "audit": _audit(),
        "http": _mapping(
            keys.HTTP,
            {"listen": _text("A loopback address and port, or none. Default: 127.0.0.1:9723.", scalars.LISTEN_PATTERN)},
            (),
            "Metrics and the status page.",
        ),
        "scan_interval": _duration("How often the whole store is compared, 1min to 7d. Default: 15min."),
        "dispute_grace": _text(
            "How long a recording stays that was past its deadline on arrival, 0s to 7d. Default: 24h.",
            scalars.GRACE_PATTERN,
        ),
        "watch": _flag("Whether the kernel's hints are used to notice new recordings. Default: true."),
        "socket": _text("Where commands reach the daemon, absolute."),
    }
    whole = _mapping(keys.TOP, top, ("controller", "deletion_rules", "stores", "register"))
    return {"$schema": _DRAFT, "title": "retentiond.yml", **whole}


def _rule() -> _Schema:
    properties = {
        "name": _name("How the rule is called on the record. Default: rule-1, rule-2, …"),
        "categories": _set("The kinds of recording.", _choice("A data category.", [str(item) for item in Category])),
        "deletion_period": _duration("The longest time from the first frame, with its unit: 1h to 3650d."),
        "stores": _set("Only these stores.", _name("The name of a store in this file.")),
        "cameras": _set("Only these cameras.", _text("A camera as its recorder names it.")),
        "rooms": _set("Only recordings made in these rooms.", _text("The id of a room in the register.")),
    }
    return _mapping(keys.RULE, properties, ("categories", "deletion_period"))


def _store() -> _Schema:
    layout = _text("How files are named, such as {camera}/%Y-%m-%d/%H-%M-%S.mp4.")
    properties = {
        "name": _name("A short name: a-z, 0-9, -."),
        "path": _text("The directory tree that the recorder writes into, absolute, without links."),
        "recorder": _choice("The NVR software; template reads the files of any by a layout.", list(keys.RECORDERS)),
        "timezone": _text("The zone in which the recorder names its files. Default: UTC."),
        "layout": _any("How files are named, for recorder: template.", layout, _set("Several layouts.", layout)),
        "recorder_config": _text("The recorder's own configuration, such as /etc/motion/motion.conf."),
        "winding_down": _flag("True while the store is given up: then more than half may fall due. Default: false."),
    }
    return _mapping(keys.STORE, properties, ("name", "path", "recorder"))


def _audit() -> _Schema:
    properties = {
        "origin": _text("The name of this audit trail in its heads. Default: the host's.", scalars.ORIGIN_PATTERN),
        "keep": _text("How long records are kept, in months. Default: 24mo.", scalars.MONTHS_PATTERN),
        "on_failure": _choice(
            "What is done while the trail cannot be written. Default: hold_until_deadline.",
            [str(item) for item in OnAuditFailure],
        ),
        "key": _text("The signing key. Default: audit.key in the state directory."),
    }
    return _mapping(keys.AUDIT, properties, (), "The audit trail.")


def _name(description: str) -> _Schema:
    return _text(description, scalars.NAME_PATTERN)


def _duration(description: str) -> _Schema:
    return _text(description, scalars.DURATION_PATTERN)


# --- register.yml ---------------------------------------------------------------------------------------------


def register_schema() -> _Schema:
    """Return the JSON Schema of register.yml."""
    rooms = {"description": "The rooms.", "type": "array", "items": _room()}
    devices = {"description": "Cameras and microphones.", "type": "array", "items": _device()}
    own = _text("Lower-case words joined by -, such as x-ray.", room_classes.KEBAB_PATTERN)
    top = {
        "timezone": _text("The zone whose midnight a date means. Default: UTC."),
        "room_classes": _set("Further classes of this house. They prohibit nothing.", own),
        "rooms": rooms,
        "devices": devices,
    }
    return {"$schema": _DRAFT, "title": "register.yml", **_mapping(keys.REGISTER, top, ())}


def _room() -> _Schema:
    since, until = _when("The class holds from then on. Default: always."), _when("The class holds until then.")
    known = [{"const": name, "description": meaning} for name, meaning in room_classes.KNOWN.items()]
    declared = _text("One of `room_classes`.", room_classes.KEBAB_PATTERN)
    room_class = _any("What the room is used for; intimate-care prohibits every device.", *known, declared)
    entry = _mapping(keys.ROOM_CLASS, {"class": room_class, "since": since, "until": until}, ("class",))
    properties = {
        "id": _text("Never changes.", scalars.IDENT_PATTERN),
        "name": _text("How people call it. Default: its id."),
        "class": room_class,
        "since": since,
        "until": until,
        "classes": _list("The room's history, instead of `class`, in the order of time.", entry),
    }
    return _mapping(keys.ROOM, properties, ("id",))


def _device() -> _Schema:
    camera = _text("A camera as the recorder names it.")
    known_as = {
        "description": "Its name in the recorder of each store.",
        "type": "object",
        "propertyNames": {"pattern": f"^{scalars.NAME_PATTERN}$"},
        "additionalProperties": _any("One name or several.", camera, _set("Several names.", camera)),
    }
    tracks = {"video": _flag("Default: false."), "audio": _flag("Default: false.")}
    properties = {
        "id": _text("Never changes, such as a UUID.", scalars.IDENT_PATTERN),
        "name": _text("How people call it."),
        "kind": _choice("What it is.", ["camera", "microphone"]),
        "make": _text("For people."),
        "address": _text("For people; without a password."),
        "tracks": _mapping(keys.TRACKS, tracks, (), "What it may record."),
        "known_as": known_as,
        "assignments": _links("The rooms it hangs in, in the order of time."),
        "sees": _links("Rooms it can see besides its own."),
        "hears": _links("Rooms it can hear besides its own."),
        "approval": _approval(),
        "note": _prose("For people."),
    }
    return _mapping(keys.DEVICE, properties, ("id", "name", "kind", "tracks"))


def _links(description: str) -> _Schema:
    room = _text("The id of a room.")
    link = {"room": room, "from": _when("Default: always."), "to": _when("Default: still.")}
    return _list(description, _any("A room, or a room for a while.", room, _mapping(keys.LINK, link, ("room",))))


def _approval() -> _Schema:
    reference = _text("The number of the decision.")
    properties = {
        "reference": reference,
        "date": _text("The day of the decision.", scalars.DATE_PATTERN),
        "audio": _flag("Whether it allows sound."),
        "note": _prose("For people."),
    }
    papers = _mapping(keys.APPROVAL, properties, ("reference",))
    return _any("The written consent that the device needs; kept for people.", reference, papers)


def _when(description: str) -> _Schema:
    return _text(
        f"{description} A date, midnight in the register's zone, or a time with an offset.", scalars.WHEN_PATTERN
    )
