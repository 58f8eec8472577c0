"""The JSON Schema of register.yml, for editors; as that of retentiond.yml."""

from retentiond.domain.papers import Demand
from retentiond.settings import keys, room_classes, scalars
from retentiond.settings.schema_words import DRAFT, Schema, any_of, choice, flag, listed, mapping, prose, set_of, text


def register_schema() -> Schema:
    """Return the JSON Schema of register.yml."""
    own = text("Lower-case words joined by -, such as x-ray.", room_classes.KEBAB_PATTERN)
    top = {
        "timezone": text("The zone whose midnight a date means. Default: UTC."),
        "room_classes": set_of("Further classes of this house. They prohibit nothing.", own),
        "rooms": _array("The rooms.", _room()),
        "devices": _array("Cameras and microphones.", _device()),
        "approvals": _array("The Management Board's written consents.", _approval()),
        "signs": _array("What people read before they enter.", _sign()),
        "dpias": _array("Data-protection impact assessments.", _assessment()),
        "demands": set_of(
            "What every device has to have. Default: nothing.", choice("A paper.", [str(item) for item in Demand])
        ),
    }
    return {"$schema": DRAFT, "title": "register.yml", **mapping(keys.REGISTER, top, ())}


def _array(description: str, item: Schema) -> Schema:
    return {"description": description, "type": "array", "items": item}


# --- rooms ----------------------------------------------------------------------------------------------------


def _room() -> Schema:
    since, until = _when("The class holds from then on. Default: always."), _when("The class holds until then.")
    known = [{"const": name, "description": meaning} for name, meaning in room_classes.KNOWN.items()]
    declared = text("One of `room_classes`.", room_classes.KEBAB_PATTERN)
    room_class = any_of("What the room is used for; intimate-care prohibits every device.", *known, declared)
    entry = mapping(keys.ROOM_CLASS, {"class": room_class, "since": since, "until": until}, ("class",))
    properties = {
        "id": text("Never changes.", scalars.IDENT_PATTERN),
        "name": text("How people call it. Default: its id."),
        "class": room_class,
        "since": since,
        "until": until,
        "classes": listed("The room's history, instead of `class`, in the order of time.", entry),
        "neighbours": _neighbours(),
        "gone": _when("From then on there is no such room."),
    }
    return mapping(keys.ROOM, properties, ("id",))


def _neighbours() -> Schema:
    room = text("The id of the room beside.")
    passes = _array("What passes between the two. Default: both.", choice("A sense.", list(scalars.PASSES)))
    entry = mapping(keys.NEIGHBOUR, {"room": room, "passes": passes, **_span("from", "to")}, ("room",))
    return listed("Rooms beside it; one of two says so.", any_of("A room, or a room for a while.", room, entry))


# --- devices --------------------------------------------------------------------------------------------------


def _device() -> Schema:
    properties = {
        "id": text("Never changes, such as a UUID.", scalars.IDENT_PATTERN),
        "name": text("How people call it."),
        "kind": choice("What it is.", ["camera", "microphone"]),
        "make": text("For people."),
        "address": text("Where it is on the network; without a password."),
        "since": _when("It is here from then on. Default: always."),
        "until": _when("It is here until then. Default: still."),
        "temporary": flag("It is allowed until `until` only, and has to be gone then."),
        "tracks": _tracks(),
        "known_as": _known_as(),
        "assignments": _links("The rooms it hangs in, in the order of time."),
        "sees": _links("Rooms it can see besides its own."),
        "hears": _links("Rooms it can hear besides its own."),
        "presets": _presets(),
        "out_of_view": _clearances("Rooms beside its own that it does not see, as somebody has looked."),
        "out_of_hearing": _clearances("Rooms beside its own that it does not hear, as somebody has tried."),
        "approval": _own_approval(),
        "note": prose("For people."),
    }
    return mapping(keys.DEVICE, properties, ("id", "name", "kind", "tracks"))


def _tracks() -> Schema:
    what = {"video": flag("Default: false."), "audio": flag("Default: false.")}
    always = mapping(keys.TRACKS, what, (), "Always.")
    entry = mapping(keys.TRACKS_ENTRY, {**what, **_span("from", "to")}, ())
    return any_of("What it may record.", always, listed("Its history, in the order of time.", entry))


def _known_as() -> Schema:
    camera = text("A camera as the recorder names it.")
    entry = mapping(keys.KNOWN_NAME, {"name": camera, **_span("from", "to")}, ("name",), "A name for a while.")
    name = any_of("A name, or a name for a while.", camera, entry)
    return {
        "description": "Its name in the recorder of each store, and in other sources.",
        "type": "object",
        "propertyNames": {"pattern": f"^{scalars.NAME_PATTERN}$"},
        "additionalProperties": any_of("One name or several.", camera, entry, listed("Several names.", name)),
    }


def _links(description: str) -> Schema:
    room = text("The id of a room.")
    link = {"room": room, **_span("from", "to")}
    return listed(description, any_of("A room, or a room for a while.", room, mapping(keys.LINK, link, ("room",))))


def _presets() -> Schema:
    rooms = _array("The rooms that it sees in this position.", text("The id of a room."))
    properties = {"name": text("How the position is called."), "sees": rooms, **_span("from", "to")}
    return listed("The positions of a camera that moves.", mapping(keys.PRESET, properties, ("name", "sees")))


def _clearances(description: str) -> Schema:
    properties = {
        "room": text("The id of a room."),
        "checked": _when("When somebody looked. It counts no more once the device was moved."),
        "review": _when("When somebody has to look again. Default: 366 days later."),
    }
    return listed(description, mapping(keys.CLEARANCE, properties, ("room", "checked")))


# --- papers ---------------------------------------------------------------------------------------------------


def _decision() -> dict[str, Schema]:
    return {
        "reference": text("The number of the decision."),
        "signatory": text("Who signed it: the office, and no person's name."),
        "date": text("The day of the decision; it holds from then on.", scalars.DATE_PATTERN),
        "audio": flag("Whether it allows sound. Default: false."),
        "from": _when("Default: the day of the decision."),
        "to": _when("Default: until it is withdrawn."),
        "note": prose("For people."),
    }


def _own_approval() -> Schema:
    own = mapping(keys.OWN_APPROVAL, _decision(), ("reference",))
    return any_of(
        "The written consent: the reference of one of `approvals`, or its own.", _decision()["reference"], own
    )


def _approval() -> Schema:
    return mapping(keys.APPROVAL, {**_decision(), **_scope()}, ("reference",))


def _scope() -> dict[str, Schema]:
    return {
        "devices": listed("The devices that it is about.", text("The id of a device.")),
        "rooms": listed("The rooms whose devices it is about.", text("The id of a room.")),
    }


def _sign() -> Schema:
    properties = {
        "id": text("Never changes.", scalars.IDENT_PATTERN),
        "rooms": _scope()["rooms"],
        "audio": flag("Whether it says that sound is recorded. Default: false."),
        **_span("from", "to"),
        "review": _when("When somebody has to look at it again. Default: never."),
        "note": prose("For people."),
    }
    return mapping(keys.SIGN, properties, ("id", "rooms"))


def _assessment() -> Schema:
    properties = {
        "reference": text("Its number."),
        "date": text("Its day; it holds from then on.", scalars.DATE_PATTERN),
        **_scope(),
        **_span("from", "to"),
        "review": _when("When it has to be looked at again. Default: never."),
        "note": prose("For people."),
    }
    return mapping(keys.DPIA, properties, ("reference",))


# --- dates ----------------------------------------------------------------------------------------------------


def _span(begin: str, end: str) -> dict[str, Schema]:
    return {begin: _when("Default: always."), end: _when("Default: still.")}


def _when(description: str) -> Schema:
    return text(
        f"{description} A date, midnight in the register's zone, or a time with an offset.", scalars.WHEN_PATTERN
    )
