"""While a source does not answer, what was found by it stays open: nobody can say that it is gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.domain.bookings import Booking
from retentiond.domain.finding import FindingKey, FindingKind
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, StoreName
from retentiond.ports import SourceReading, Unreached
from retentiond.services.answer import answer
from tests.unit.settings.texts import register_of
from tests.world import BEGIN, World

REGISTER = """\
rooms: [{id: hall, class: public}, {id: yard, class: outdoor}]
devices:
  - {id: d-1, name: Hall, kind: camera, address: 192.0.2.1, tracks: {video: true}, assignments: [{room: hall}]}
"""
HERE, STRANGE = "192.0.2.1", "192.0.2.2"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Source:
    """`DeviceSource` that nobody asks here; what it said is given."""

    name: StoreName
    kind: str

    def read(self) -> SourceReading:
        raise AssertionError


CAMERAS, CALENDAR = Source(StoreName("cameras"), "onvif"), Source(StoreName("calendar"), "bookings")
BOOKED = SourceReading(
    bookings=(Booking("hall", BEGIN + HOUR, BEGIN + 2 * HOUR), Booking("attic", BEGIN, BEGIN + HOUR))
)
PENDING = SourceReading(pending=True)
ALL_OF_IT = {
    "audio_enabled cameras / 192.0.2.1",
    "sources_disagree d-1 / cameras",
    "unregistered_device cameras / 192.0.2.2",
    "intimate_booking hall",
    "sources_disagree bookings",
}


def seen(*addresses: str) -> tuple[SeenDevice, ...]:
    return tuple(
        SeenDevice(CAMERAS.name, CameraName(item), "the device itself", records_audio=True, address=item, place="yard")
        for item in addresses
    )


def unreached(*addresses: str) -> tuple[Unreached, ...]:
    return tuple(Unreached(item, "silence") for item in addresses)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both sources have answered, and everything was found that is looked for here."""
    world = World(tmp_path)
    world.book = replace(world.book, register=register_of(REGISTER), register_digest="r1")
    world.start()
    assert told(world, SourceReading(seen(HERE, STRANGE)), BOOKED) == ALL_OF_IT
    yield world
    world.stop()


def told(world: World, cameras: SourceReading, calendar: SourceReading) -> set[str]:
    """Return what is open after the sources have said that; that they cannot be asked is left out."""
    world.cycle.told = ((CAMERAS, cameras), (CALENDAR, calendar))
    kinds = {line.partition(" ")[0] for line in ALL_OF_IT}
    return {
        f"{item.key.kind} {item.key.subject}" for item in world.cycle.report().findings if str(item.key.kind) in kinds
    }


def test_before_the_sources_were_asked_nothing_is_closed(world: World) -> None:
    assert told(world, PENDING, PENDING) == ALL_OF_IT
    assert told(world, SourceReading(), SourceReading()) == set()


def test_while_they_are_silent_nothing_is_closed(world: World) -> None:
    assert told(world, SourceReading(unreached=unreached(HERE, STRANGE)), SourceReading()) == {
        item for item in ALL_OF_IT if "book" not in item
    }
    both = SourceReading(unreached=unreached("all")), SourceReading(unreached=unreached("calendar"))
    assert told(world, *both) == {item for item in ALL_OF_IT if "book" not in item}


def test_a_calendar_that_cannot_be_read_says_nothing_about_its_bookings(world: World) -> None:
    broken = SourceReading(unreached=unreached("calendar"))
    assert told(world, SourceReading(), broken) == {"intimate_booking hall", "sources_disagree bookings"}


def test_what_one_device_does_not_say_keeps_nothing_of_another(world: World) -> None:
    reading = SourceReading(seen=(), unreached=unreached(STRANGE))
    assert told(world, reading, BOOKED) == ALL_OF_IT - {
        *("audio_enabled cameras / 192.0.2.1", "sources_disagree d-1 / cameras")
    }


def test_who_knew_of_it_is_not_asked_anew(world: World) -> None:
    key = FindingKey(FindingKind.AUDIO_ENABLED, "cameras / 192.0.2.1")
    answer(
        world.cycle,
        {"verb": "acknowledge", "kind": key.kind.value, "subject": key.subject, "why": "works", "lasts": "14d"},
        "op-1",
    )
    told(world, PENDING, PENDING)
    told(world, SourceReading(unreached=unreached(HERE)), BOOKED)
    told(world, SourceReading(seen(HERE)), BOOKED)
    assert key in world.cycle.report().acknowledged


def test_what_the_register_says_by_now_is_settled(world: World) -> None:
    text = REGISTER.replace("{video: true}", "{video: true, audio: true}")
    text += "  - {id: d-2, name: Yard, kind: camera, address: 192.0.2.2, tracks: {}, assignments: [{room: yard}]}\n"
    world.cycle.replace_book(replace(world.book, register=register_of(text), register_digest="r2"))
    silent = SourceReading(unreached=unreached("all"))
    assert told(world, silent, SourceReading()) == {"sources_disagree d-1 / cameras"}
