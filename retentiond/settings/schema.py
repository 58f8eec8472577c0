"""The JSON Schema of retentiond.yml, for editors.

Whatever the reader accepts is valid by the schema; what depends on other keys, the disk or the calendar only the reader
refuses (`retentiond config check`). Patterns are the reader's own.
"""

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.recording import Category
from retentiond.settings import keys, scalars
from retentiond.settings.elsewhere import tsa_schema, witness_schema
from retentiond.settings.parse_sources import sources_schema
from retentiond.settings.schema_words import DRAFT, Schema, any_of, choice, flag, listed, mapping, set_of, text


def settings_schema() -> Schema:
    """Return the JSON Schema of retentiond.yml."""
    top = {
        "controller": text("Who answers for the recordings (GDPR)."),
        "mode": choice("observe does everything but deleting; it is the default.", ["observe", "enforce"]),
        "deletion_rules": listed(
            "Which recordings may be kept for how long. Where several fit, the shortest.", _rule()
        ),
        "margin": _duration("How long before its deadline a recording falls due, 1s to 1h. Default: 60s."),
        "stores": listed("The directory trees that recorders write into; they must not overlap.", _store()),
        "sources": sources_schema(),
        "state": text("Where the daemon keeps its own files. Default: /var/lib/retentiond."),
        "register": text("The register of rooms and devices, beside this file."),
        "audit": _audit(),
        "http": mapping(
            keys.HTTP,
            {"listen": text("A loopback address and port, or none. Default: 127.0.0.1:9723.", scalars.LISTEN_PATTERN)},
            (),
            "Metrics and the status page.",
        ),
        "scan_interval": _duration("How often the whole store is compared, 1min to 7d. Default: 15min."),
        "scan_rate": text(
            "How many names a second a scan lists at most, such as 20000/s, or unlimited. Default: unlimited.",
            scalars.RATE_PATTERN,
        ),
        "dispute_grace": text(
            "How long a recording stays that was past its deadline on arrival, 0s to 7d. Default: 24h.",
            scalars.GRACE_PATTERN,
        ),
        "incident_period": _duration(
            "How long an incident suspends deletion at most without a decision, 72h to 30d. Default: 30d."
        ),
        "watch": flag("Whether the kernel's hints are used to notice new recordings. Default: true."),
        "socket": text("Where commands reach the daemon, absolute."),
    }
    whole = mapping(keys.TOP, top, ("controller", "deletion_rules", "stores", "register"))
    return {"$schema": DRAFT, "title": "retentiond.yml", **whole}


def _rule() -> Schema:
    properties = {
        "name": _name("How the rule is called on the record. Default: rule-1, rule-2, …"),
        "categories": set_of("The kinds of recording.", choice("A data category.", [str(item) for item in Category])),
        "deletion_period": _duration("The longest time from the first frame, with its unit: 1h to 3650d."),
        "stores": set_of("Only these stores.", _name("The name of a store in this file.")),
        "cameras": set_of("Only these cameras.", text("A camera as its recorder names it.")),
        "rooms": set_of("Only recordings made in these rooms.", text("The id of a room in the register.")),
    }
    return mapping(keys.RULE, properties, ("categories", "deletion_period"))


def _store() -> Schema:
    layout = text("How files are named, such as {camera}/%Y-%m-%d/%H-%M-%S.mp4.")
    properties = {
        "name": _name("A short name: a-z, 0-9, -."),
        "path": text("The directory tree that the recorder writes into, absolute, without links."),
        "recorder": choice("The NVR software; template reads the files of any by a layout.", list(keys.RECORDERS)),
        "timezone": text("The zone in which the recorder names its files. Default: UTC."),
        "layout": any_of("How files are named, for recorder: template.", layout, set_of("Several layouts.", layout)),
        "recorder_config": text("The recorder's own configuration, such as /etc/motion/motion.conf."),
        "copies": set_of(
            "Copies of its recordings that are known to be made elsewhere, each in words for people.",
            text("What copies, where to, and how long it is kept: nightly to backup1, kept 14 days."),
        ),
        "winding_down": flag("True while the store is given up: then more than half may fall due. Default: false."),
    }
    return mapping(keys.STORE, properties, ("name", "path", "recorder"))


def _audit() -> Schema:
    properties = {
        "origin": text("The name of this audit trail in its heads. Default: the host's.", scalars.ORIGIN_PATTERN),
        "keep": text("How long records are kept, in months. Default: 24mo.", scalars.MONTHS_PATTERN),
        "on_failure": choice(
            "What is done while the trail cannot be written. Default: hold_until_deadline.",
            [str(item) for item in OnAuditFailure],
        ),
        "key": text("The signing key. Default: audit.key in the state directory."),
        "witness": witness_schema(),
        "tsa": tsa_schema(),
    }
    return mapping(keys.AUDIT, properties, (), "The audit trail.")


def _name(description: str) -> Schema:
    return text(description, scalars.NAME_PATTERN)


def _duration(description: str) -> Schema:
    return text(description, scalars.DURATION_PATTERN)
