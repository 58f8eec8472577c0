"""What `register show` shows: rooms, devices and papers as they stand at an instant."""

from datetime import datetime
from typing import Any

from retentiond.cli.options import emit_json
from retentiond.cli.render import local, say, table
from retentiond.domain import instants
from retentiond.domain.exposure import Exposure, exposures
from retentiond.domain.papers import About
from retentiond.domain.register import Device, Register, Relation, Room
from retentiond.domain.validity import FOREVER


def shown(register: Register, instant: datetime) -> dict[str, Any]:
    """Return what is there and what holds at an instant, in the JSON form of `register show`.

    It rests on the entries that hold then; names of rooms and devices have no dates.
    """
    reached: dict[str, list[Exposure]] = {}
    for reach in exposures(register, instant):
        reached.setdefault(reach.device.ident, []).append(reach)
    return {
        "at": instants.to_text(instant),
        "rooms": [_room(room, instant) for room in register.rooms if instant < room.gone],
        "devices": [
            _device(device, reached.get(device.ident, []), instant)
            for device in register.devices
            if device.is_here(instant)
        ],
        **_papers(register, instant),
    }


def show_register(register: Register, instant: datetime, *, as_json: bool) -> None:
    """Print the register as it stands at an instant."""
    answer = shown(register, instant)
    if as_json:
        emit_json("retentiond.register/1", answer)
        return
    say(f"at {local(instant)}")
    say()
    table(("room", "name", "class"), ((item["id"], item["name"], item["class"] or "-") for item in answer["rooms"]))
    say()
    _say_devices(answer["devices"])
    _say_papers(answer)


def _say_devices(devices: list[dict[str, Any]]) -> None:
    table(
        ("device", "kind", "room", "sees", "hears", "may see or hear", "records", "known as"),
        (
            (
                item["name"],
                item["kind"],
                item["room"] or "-",
                ", ".join(item["sees"]) or "-",
                ", ".join(item["hears"]) or "-",
                ", ".join(dict.fromkeys((*item["may_see"], *item["may_hear"]))) or "-",
                "+".join(item["tracks"]) or "-",
                ", ".join(f"{source}/{name}" for source, name in item["known_as"]) or "-",
            )
            for item in devices
        ),
    )


def _say_papers(answer: dict[str, Any]) -> None:
    """Print the papers that hold, if there are any."""
    rows = [
        (word, item["id"], ", ".join((*item["rooms"], *item["devices"])), _of_sound(item), _day(item["review"]))
        for word, key in (("approval", "approvals"), ("sign", "signs"), ("dpia", "dpias"))
        for item in answer[key]
    ]
    if rows:
        say()
        table(("paper", "number", "about", "sound", "review"), rows)


def _of_sound(item: dict[str, Any]) -> str:
    return "-" if item["audio"] is None else "yes" if item["audio"] else "no"


def _day(text: str | None) -> str:
    return "-" if text is None else local(instants.from_text(text))


def _room(room: Room, instant: datetime) -> dict[str, Any]:
    return {"id": room.ident, "name": room.name, "class": room.class_at(instant)}


def _device(device: Device, reached: list[Exposure], instant: datetime) -> dict[str, Any]:
    def rooms(relation: Relation, *, certain: bool) -> list[str]:
        found = (item.room for item in reached if item.relation is relation and certain is not bool(item.through))
        return list(dict.fromkeys(found))

    tracks = device.tracks_at(instant)
    recorded = [] if tracks is None else [name for name, on in (("video", tracks.video), ("audio", tracks.audio)) if on]
    return {
        "id": device.ident,
        "name": device.name,
        "kind": device.kind.value,
        "room": device.room_at(instant),
        "sees": rooms(Relation.SEES, certain=True),
        "hears": rooms(Relation.HEARS, certain=True),
        "may_see": rooms(Relation.SEES, certain=False),
        "may_hear": rooms(Relation.HEARS, certain=False),
        "tracks": recorded,
        "known_as": [[known.source, known.name] for known in device.known_as if known.validity.holds_at(instant)],
    }


def _papers(register: Register, instant: datetime) -> dict[str, list[dict[str, Any]]]:
    papers = register.papers
    return {
        "approvals": [
            _paper(item.reference, item.about, audio=item.audio)
            for item in papers.approvals
            if item.validity.holds_at(instant)
        ],
        "signs": [
            _paper(item.ident, About(rooms=item.rooms), audio=item.audio, review=item.review)
            for item in papers.signs
            if item.validity.holds_at(instant)
        ],
        "dpias": [
            _paper(item.reference, item.about, review=item.review)
            for item in papers.assessments
            if item.validity.holds_at(instant)
        ],
    }


def _paper(ident: str, about: About, *, audio: bool | None = None, review: datetime = FOREVER) -> dict[str, Any]:
    return {
        "id": ident,
        "devices": sorted(about.devices),
        "rooms": sorted(about.rooms),
        "audio": audio,
        "review": None if review == FOREVER else instants.to_text(review),
    }
