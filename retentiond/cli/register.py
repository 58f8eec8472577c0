"""`retentiond register`: rooms and devices, at any time."""

from datetime import UTC, datetime
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, common, emit_json
from retentiond.cli.render import say, table
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.register import Device, Register, Relation


@click.group("register", cls=Subcommands)
def command() -> None:
    """Show the register of rooms and devices at any time."""


@command.command("show")
@click.option("--at", metavar="TIME", help="As it stood at TIME. Default: now.")
@common
def show(at: str | None, config: str, as_json: bool) -> None:
    """Show which room has which class, and which device is where, at an instant."""
    loaded = bootstrap.load(config)
    instant = typed_instant("--at", at) if at is not None else bootstrap.wall_now()
    _show(loaded.register, instant, as_json=as_json)


@command.command("at")
@click.argument("time")
@common
def at_(time: str, config: str, as_json: bool) -> None:
    """Show the register as it stood at TIME."""
    _show(bootstrap.load(config).register, typed_instant("TIME", time), as_json=as_json)


@command.command("diff")
@click.argument("other", type=click.Path(exists=True, dir_okay=False))
@common
def diff(other: str, config: str, as_json: bool) -> int:
    """Show what differs between the register in force and the file OTHER. Exit 1 if anything does."""
    ours, theirs = _lines(bootstrap.load(config).register), _lines(bootstrap.load_register(other))
    gone, added = sorted(ours - theirs), sorted(theirs - ours)
    if as_json:
        emit_json("retentiond.register.diff/1", {"only_here": gone, "only_there": added})
    else:
        for line in gone:
            say(f"- {line}")
        for line in added:
            say(f"+ {line}")
        if not gone and not added:
            say("the registers say the same")
    return 1 if gone or added else 0


def _show(register: Register, instant: datetime, *, as_json: bool) -> None:
    rooms: list[dict[str, Any]] = [
        {"id": room.ident, "name": room.name, "class": room.class_at(instant)} for room in register.rooms
    ]
    devices: list[dict[str, Any]] = [_device(device, instant) for device in register.devices]
    if as_json:
        emit_json("retentiond.register/1", {"at": instants.to_text(instant), "rooms": rooms, "devices": devices})
        return
    table(("room", "name", "class"), ((item["id"], item["name"], item["class"] or "-") for item in rooms))
    say()
    table(
        ("device", "kind", "room", "sees", "hears", "records", "known as"),
        (
            (
                item["name"],
                item["kind"],
                item["room"] or "-",
                ", ".join(item["sees"]) or "-",
                ", ".join(item["hears"]) or "-",
                "+".join(item["tracks"]) or "-",
                ", ".join(f"{store}/{name}" for store, name in item["known_as"]) or "-",
            )
            for item in devices
        ),
    )


def _device(device: Device, instant: datetime) -> dict[str, Any]:
    def rooms(relation: Relation) -> list[str]:
        return [link.room for link in device.links if link.relation is relation and link.validity.holds_at(instant)]

    tracks = {"video": device.records_video, "audio": device.records_audio}
    return {
        "id": device.ident,
        "name": device.name,
        "kind": device.kind.value,
        "room": device.room_at(instant),
        "sees": rooms(Relation.SEES),
        "hears": rooms(Relation.HEARS),
        "tracks": [name for name, on in tracks.items() if on],
        "known_as": [list(pair) for pair in device.known_as],
    }


def _lines(register: Register) -> set[str]:
    """Return one line for each fact of the register, so that two can be compared."""
    lines = set()
    for room in register.rooms:
        for entry in room.classifications:
            lines.add(
                f"room {room.ident}: class {entry.room_class} {_span(entry.validity.since, entry.validity.until)}"
            )
        if not room.classifications:
            lines.add(f"room {room.ident}: no class")
    for device in register.devices:
        lines.add(f"device {device.ident}: {device.kind} {device.name}")
        lines.add(f"device {device.ident}: video {device.records_video}, audio {device.records_audio}")
        lines.update(f"device {device.ident}: known as {store}/{name}" for store, name in device.known_as)
        for link in device.links:
            span = _span(link.validity.since, link.validity.until)
            lines.add(f"device {device.ident}: {link.relation} {link.room} {span}")
    return lines


def _span(since: datetime, until: datetime) -> str:
    begin = "always" if since.year == 1 else f"{since.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    return begin if until.year == 9999 else f"{begin} to {until.astimezone(UTC):%Y-%m-%d %H:%M}Z"
