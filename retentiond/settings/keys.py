"""The keys of both files: what is known, for checking and for the JSON Schema."""

RECORDERS = ("frigate", "motion", "template")
"""The recorders of this version. Any other is read with `template` and a layout of its files."""

TOP = (
    "controller",
    "mode",
    "deletion_rules",
    "margin",
    "stores",
    "state",
    "register",
    "audit",
    "http",
    "scan_interval",
    "dispute_grace",
    "watch",
    "socket",
)
RULE = ("name", "categories", "deletion_period", "stores", "cameras", "rooms")
STORE = ("name", "path", "recorder", "timezone", "layout", "recorder_config", "winding_down")
AUDIT = ("origin", "keep", "on_failure", "key")
HTTP = ("listen",)

REGISTER = ("timezone", "room_classes", "rooms", "devices")
ROOM = ("id", "name", "class", "since", "until", "classes")
ROOM_CLASS = ("class", "since", "until")
DEVICE = (
    "id",
    "name",
    "kind",
    "make",
    "address",
    "tracks",
    "known_as",
    "assignments",
    "sees",
    "hears",
    "approval",
    "note",
)
TRACKS = ("video", "audio")
LINK = ("room", "from", "to")
APPROVAL = ("reference", "date", "audio", "note")
