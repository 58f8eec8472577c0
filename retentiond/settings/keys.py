"""The keys of both files: what is known, for checking and for the JSON Schema."""

RECORDERS = (
    *("dahua", "frigate", "hikvision", "mediamtx", "moonfire", "motion", "motioneye", "reolink", "shinobi"),
    *("template", "viseron", "zoneminder"),
)
"""The recorders of this version. Any other is read with `template` and a layout of its files."""

TOP = (
    "controller",
    "mode",
    "deletion_rules",
    "margin",
    "stores",
    "sources",
    "state",
    "register",
    "audit",
    "http",
    "scan_interval",
    "scan_rate",
    "dispute_grace",
    "incident_period",
    "watch",
    "socket",
)
RULE = ("name", "categories", "deletion_period", "stores", "cameras", "rooms")
STORE = ("name", "path", "recorder", "timezone", "layout", "recorder_config", "winding_down", "copies")
SOURCES = {
    "onvif": ("name", "kind", "addresses", "credentials"),
    "discovery": ("name", "kind", "interface"),
    "netbox": ("name", "kind", "addresses", "credentials", "roles", "ca_file"),
    "sound": ("name", "kind"),
    "bookings": ("name", "kind", "file", "categories", "timezone", "max_age"),
}
"""Who besides the recorders is asked about devices, and what may be said of each."""

SOURCE = (
    *("name", "kind", "addresses", "credentials", "interface", "roles", "ca_file"),
    *("file", "categories", "timezone", "max_age"),
)
AUDIT = ("origin", "keep", "on_failure", "key", "witness", "tsa")
WITNESS = ("url", "vkey")
TSA = ("url", "roots")
HTTP = ("listen",)

REGISTER = ("timezone", "room_classes", "rooms", "devices", "approvals", "signs", "dpias", "demands")
ROOM = ("id", "name", "class", "since", "until", "classes", "neighbours", "gone")
ROOM_CLASS = ("class", "since", "until")
NEIGHBOUR = ("room", "passes", "from", "to")
DEVICE = (
    "id",
    "name",
    "kind",
    "make",
    "address",
    "since",
    "until",
    "temporary",
    "tracks",
    "known_as",
    "assignments",
    "sees",
    "hears",
    "presets",
    "out_of_view",
    "out_of_hearing",
    "approval",
    "note",
)
TRACKS = ("video", "audio")
TRACKS_ENTRY = (*TRACKS, "from", "to")
KNOWN_NAME = ("name", "from", "to")
LINK = ("room", "from", "to")
PRESET = ("name", "sees", "from", "to")
CLEARANCE = ("room", "checked", "review")
OWN_APPROVAL = ("reference", "signatory", "date", "audio", "from", "to", "note")
APPROVAL = (*OWN_APPROVAL, "devices", "rooms")
SIGN = ("id", "rooms", "audio", "from", "to", "review", "note")
DPIA = ("reference", "date", "devices", "rooms", "from", "to", "review", "note")
