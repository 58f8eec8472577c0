"""`retentiond register who`: who could see or hear a room, and what became of it."""

from datetime import datetime
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json, text
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, count_of, local, say, table
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.exposure_history import ExposedSpan
from retentiond.domain.register import Relation
from retentiond.domain.validity import Validity

_HOW = {Relation.ASSIGNED: "hangs in it", Relation.SEES: "sees into it", Relation.HEARS: "hears into it"}
_MAY = {Relation.SEES: "may see into it", Relation.HEARS: "may hear into it"}
_LIMITS = (
    "By the register in force, the disk and the record. What a lens sees is declared there and not measured, and a "
    "device that nobody registered and that records elsewhere is not in this answer."
)


@click.command("who")
@click.option("--room", callback=text, required=True, help="The room in the register, by its id or name.")
@click.option("--from", "begin", metavar="TIME", required=True, help="From TIME on.")
@click.option("--to", "end", metavar="TIME", required=True, help="Until TIME.")
@common
def who(room: str, begin: str, end: str, config: str, as_json: bool) -> None:
    """Show who could see or hear a room, what was recorded then, and what was deleted of it."""
    asked = Validity(typed_instant("--from", begin), typed_instant("--to", end, ends=True))
    loaded = bootstrap.load(config)
    with viewing(loaded) as view:
        answer = bootstrap.who(view, loaded.register, room, asked)
    if as_json:
        emit_json("retentiond.register.who/1", _fields(answer))
        return
    _say_room(answer)
    _say_devices(answer)
    _say_footage(answer)
    _say_unsaid(answer)
    say(coloured(_LIMITS, "dim"))


# --- for people -----------------------------------------------------------------------------------------------


def _say_room(answer: bootstrap.Who) -> None:
    say(f"room {answer.room}, {local(answer.asked.since)} to {local(answer.asked.until)}")
    for used in answer.used:
        say(f"  {used.room_class or 'no class'}: {local(used.span.since)} to {local(used.span.until)}")
    say()


def _say_devices(answer: bootstrap.Who) -> None:
    if not answer.exposed:
        say("no registered device hung in it, saw or heard into it in that time")
    else:
        table(
            ("device", "kind", "how", "from", "to"),
            (
                (
                    f"{item.exposure.device.name} ({item.exposure.device.ident})",
                    item.exposure.device.kind.value,
                    _how(item),
                    local(item.span.since),
                    local(item.span.until),
                )
                for item in answer.exposed
            ),
        )
    say()


def _how(item: ExposedSpan) -> str:
    exposure = item.exposure
    if exposure.through:
        return f"{_MAY[exposure.relation]} from {exposure.through}"
    return _HOW[exposure.relation] + (f", in the position {exposure.preset}" if exposure.preset else "")


def _say_footage(answer: bootstrap.Who) -> None:
    placed = [item for item in answer.footage if item.device is not None]
    unplaced = [item for item in answer.footage if item.device is None]
    if placed:
        table(
            ("start", "device", "store", "camera", "category", "state", "record", "path"),
            ((_start(item), item.device or "", *_row(item.found)) for item in placed),
        )
    existing = sum(item.found.deleted_at is None for item in placed)
    deleted = count_of(len(placed) - existing, "recording")
    say(f"{count_of(existing, 'recording')} of it on the disk, {deleted} deleted")
    if answer.unlisted:
        more = f"{count_of(answer.unlisted, 'recording')} more by these devices, of then or up to a day before"
        say(coloured(f"{more}: in an incident, and listed nowhere", "warn"))
        say("  see: retentiond incident list")
    if unplaced:
        say()
        say(f"{count_of(len(unplaced), 'recording')} of that time by cameras that no room is known of:")
        table(
            ("start", "store", "camera", "category", "state", "record", "path"),
            ((_start(item), *_row(item.found)) for item in unplaced),
        )
    say()


def _start(item: bootstrap.Footage) -> str:
    return local(item.found.start) + (" (began before, may reach into it)" if item.began_before else "")


def _row(found: bootstrap.Found) -> tuple[str, ...]:
    state = "on disk" if found.deleted_at is None else f"deleted {local(found.deleted_at)}"
    kept = f", kept by {', '.join(found.holds)}" if found.holds else ""
    record = "-" if found.seq is None else str(found.seq)
    return found.store, found.camera, found.category, state + kept, record, found.path


def _say_unsaid(answer: bootstrap.Who) -> None:
    if not answer.unsaid:
        return
    say("What the register said of the room once and says no longer:")
    for item in answer.unsaid:
        say(f"  until record {item.seq}, {local(item.at)}: {item.fact}")
    say()


# --- for programs ---------------------------------------------------------------------------------------------


def _fields(answer: bootstrap.Who) -> dict[str, Any]:
    return {
        "room": answer.room,
        **_span(answer.asked),
        "classes": [{"class": item.room_class, **_span(item.span)} for item in answer.used],
        "devices": [
            {
                "id": item.exposure.device.ident,
                "name": item.exposure.device.name,
                "kind": item.exposure.device.kind.value,
                "relation": item.exposure.relation.value,
                "preset": item.exposure.preset or None,
                "through": item.exposure.through or None,
                **_span(item.span),
            }
            for item in answer.exposed
        ],
        "recordings": [_recording(item) for item in answer.footage],
        "unlisted": answer.unlisted,
        "no_longer_registered": [
            {"fact": item.fact, "at": instants.to_text(item.at), "seq": item.seq} for item in answer.unsaid
        ],
    }


def _recording(item: bootstrap.Footage) -> dict[str, Any]:
    found = item.found
    return {
        "device": item.device,
        "store": found.store,
        "camera": found.camera,
        "category": found.category,
        "start": instants.to_text(found.start),
        "began_before": item.began_before,
        "path": found.path,
        "deleted_at": _text(found.deleted_at),
        "seq": found.seq,
        "holds": list(found.holds),
    }


def _span(span: Validity) -> dict[str, str]:
    return {"from": instants.to_text(span.since), "to": instants.to_text(span.until)}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)
