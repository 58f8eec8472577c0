"""What the daemon and the process that looks into files say to one another: a line of JSON each way."""

import json
from datetime import timedelta
from typing import Any, assert_never

from retentiond.domain import instants
from retentiond.domain.media import Looked, Media, Opaque, OpaqueReason
from retentiond.domain.recording import Place, StoreName, Unit

MAX_LINE = 64 << 10


def request_line(store: StoreName, place: Place, unit: Unit) -> bytes:
    """Return the line that asks for one recording."""
    fields = {"store": store, "directory": place.directory.hex(), "name": place.name.hex(), "unit": unit.value}
    return json.dumps(fields).encode() + b"\n"


def reply_line(looked: Looked) -> bytes:
    """Return the line that answers."""
    fields: dict[str, Any]
    match looked:
        case Opaque(reason):
            fields = {"opaque": reason.value}
        case Media():
            fields = {
                "container": looked.container,
                "video": looked.video,
                "audio": looked.audio,
                "duration_us": None if looked.duration is None else looked.duration // timedelta(microseconds=1),
                "created": None if looked.created is None else instants.to_text(looked.created),
            }
        case _:
            assert_never(looked)
    return json.dumps(fields).encode() + b"\n"


def read_reply(line: bytes) -> Looked:
    """Return what a line answers. Raises ValueError, KeyError or TypeError for one that is none."""
    fields = json.loads(line)
    if "opaque" in fields:
        return Opaque(OpaqueReason(fields["opaque"]))
    length, created = fields["duration_us"], fields["created"]
    return Media(
        container=str(fields["container"]),
        video=fields["video"] is True,
        audio=fields["audio"] is True,
        duration=None if length is None else timedelta(microseconds=int(length)),
        created=None if created is None else instants.from_text(created),
    )
