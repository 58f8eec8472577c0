"""What goes on the record when a register is loaded: its digest, and every fact that changed since the last one."""

import json
from collections.abc import Iterator, Sequence

from retentiond.domain.event import INTENT_BYTES, Event, EventType
from retentiond.domain.register import Register
from retentiond.domain.register_facts import compare_facts, facts


def register_loaded(register: Register, digest: str, before: frozenset[str]) -> list[Event]:
    """Return the `register.loaded` events, in order; `before` are the facts on record.

    As many as the line limit asks for. The register is in force with the last of them, and what a crash leaves of the
    others is made good at the next start, since the facts on record are then those.
    """
    changes = compare_facts(before, facts(register))
    told = [("removed", fact) for fact in changes.gone] + [("added", fact) for fact in changes.added]
    parts = list(_parts(told)) or [[]]
    counts = {"rooms": len(register.rooms), "devices": len(register.devices)}
    return [
        Event(
            EventType.REGISTER_LOADED,
            {
                "digest": digest,
                **counts,
                "part": number,
                "parts": len(parts),
                "removed": [fact for what, fact in part if what == "removed"],
                "added": [fact for what, fact in part if what == "added"],
            },
        )
        for number, part in enumerate(parts, 1)
    ]


def _parts(told: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    part: list[tuple[str, str]] = []
    size = 0
    for item in told:
        cost = len(json.dumps(item[1], ensure_ascii=False).encode()) + 1
        if part and size + cost > INTENT_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += cost
    if part:
        yield part
