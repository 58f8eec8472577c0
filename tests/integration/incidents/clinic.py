"""A world with a register: two cameras, of which one hangs in a room that may come to be prohibited."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.incident import Incident
from retentiond.domain.recording import StoreName
from retentiond.domain.register import ALWAYS, FOREVER, Register, Room, RoomClassification
from retentiond.services.rulebook import RuleBook
from tests.builders import a_device, a_link, a_register, a_room, valid
from tests.world import BEGIN, World, start_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LENGTH = timedelta(minutes=30)
FIRST, SECOND = "op-first", "op-second"
CARE, YARD = "care", "yard"


def care_room(*, since: datetime | None, until: datetime | None = None) -> Room:
    """Return the room: public at all times, and prohibited from `since` on, up to `until`."""
    classes = [RoomClassification("public", valid(ALWAYS))]
    if since is not None:
        span = valid(since) if until is None else valid(since, until)
        classes.append(RoomClassification("intimate-care", span))
    return Room("room-2", "Room 2", tuple(classes))


def a_clinic(*, since: datetime | None, until: datetime | None = None, hangs_until: datetime | None = None) -> Register:
    """Return the register: camera `care` hangs in room-2 until then, camera `yard` in the yard."""
    links = [a_link("room-2", until=FOREVER if hangs_until is None else hangs_until)]
    if hangs_until is not None:
        links.append(a_link("yard", since=hangs_until))
    inside = a_device(*links, ident="d-care", name="care", known_as=[("main", CARE)])
    outside = a_device(a_link("yard"), ident="d-yard", name="yard", known_as=[("main", YARD)])
    return a_register(inside, outside, rooms=[care_room(since=since, until=until), a_room("yard")])


class Clinic(World):
    """A world in which both cameras have recorded half an hour every half an hour for a day."""

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__(root, **options)
        self.winding_down = True  # what is made here is all that these cameras ever record
        self.loads = 0
        self.put(a_clinic(since=None))

    def open(self) -> None:
        """Start the program and let it see a day of recordings."""
        self.start()
        self.scan()
        for camera in (CARE, YARD):
            self.film(camera, BEGIN - DAY, 48)
        self.scan()

    def film(self, camera: str, first: datetime, count: int, every: timedelta = LENGTH) -> None:
        """Write recordings that follow one another without a gap."""
        for number in range(count):
            begun = first + number * every
            path = self.record(camera, begun)
            ended = (begun + every).timestamp()
            os.utime(path, (ended, ended))

    def put(self, register: Register, **changes: Any) -> RuleBook:
        """Have a register in the book with which the program starts."""
        self.loads += 1
        self.book = replace(self.book, register=register, register_digest=f"register {self.loads}", **changes)
        return self.book

    def load(self, register: Register, **changes: Any) -> None:
        """Load a register as a reload does, and let the program go on for a tick."""
        self.cycle.replace_book(self.put(register, **changes))
        self.cycle.tick()

    def prohibit(self, since: datetime, **others: Any) -> None:
        """Load a register by which room-2 is prohibited from `since` on."""
        self.load(a_clinic(since=since, **others))

    @property
    def incidents(self) -> dict[str, Incident]:
        return self.journal.decisions.incidents

    def decide(self, ident: str = "I-1", decision: str = "delete", *, actor: str = FIRST) -> dict[str, Any]:
        return self.ask(
            "incident_decide",
            actor=actor,
            incident=ident,
            decision=decision,
            why="a camera where none may be",
            notification="told the authority, no. 12",
        )

    def agree(self, ident: str = "I-1", *, actor: str = SECOND) -> dict[str, Any]:
        return self.ask("incident_approve", actor=actor, incident=ident)

    def settle(self, ident: str = "I-1", decision: str = "delete") -> None:
        """Let two persons decide, and the program go on for two ticks."""
        self.decide(ident, decision)
        self.agree(ident)
        self.cycle.tick()
        self.cycle.tick()

    def left(self, camera: str) -> list[datetime]:
        return sorted(start_of(path) for path in self.files() if path.parent.parent.name == camera)

    def covered(self, ident: str = "I-1", cameras: Iterable[str] = (CARE, YARD)) -> list[datetime]:
        """Return the starts of the recordings that an incident covers."""
        item = self.incidents[ident]
        rows = self.cycle._incidents.recordings(item.reach)
        return sorted(row.start for row in rows if row.stream.camera in cameras)

    def told(self, kind: FindingKind) -> list[Finding]:
        return [item for item in self.cycle.report().findings if item.key.kind is kind]

    def go_on_until(self, instant: datetime, *, look_every: timedelta = 6 * HOUR) -> None:
        self.pass_time(instant - self.clock.wall, look_every=look_every)


MAIN = StoreName("main")
