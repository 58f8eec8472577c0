"""Suspensions: deletion stopped for a scope, by somebody, on a ground, with an end (design rule 8, ADR 0016).

One person places a suspension, and it is in force at once. Another person approves it within 72 hours, or it lapses.
It ends at the latest a year later; a longer time takes another approval.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from retentiond.domain.recording import CameraName, Category, Recording, StoreName, Stream
from retentiond.domain.register import Register
from retentiond.domain.rule import RoomId
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.validity import Validity, common

APPROVE_WITHIN = timedelta(hours=72)
"""So long a suspension, or its extension, holds on one person's word."""

ENDS_SOON = timedelta(days=7)
"""A suspension that ends within this is a finding: its recordings are deleted then."""


class Ground(StrEnum):
    """Why something may be kept although its time is over: terms of the Data Privacy Vocabulary for the GDPR."""

    LEGAL_CLAIMS = "eu-gdpr:JustificationA17LegalClaims"
    LEGALLY_REQUIRED = "eu-gdpr:JustificationA17LegallyRequired"
    OFFICIAL_AUTHORITY = "eu-gdpr:JustificationA17OfficialAuthority"
    PUBLIC_HEALTH = "eu-gdpr:JustificationA17PublicHealth"
    RIGHT_OF_ACCESS = "eu-gdpr:A15"
    RESTRICTION = "eu-gdpr:A18"


@dataclass(frozen=True, slots=True)
class Reach:
    """Recordings of one camera that start in `since <= start < until`, in whole milliseconds.

    None selects every store or camera, an empty set every category.
    """

    store: StoreName | None
    camera: CameraName | None
    categories: frozenset[Category]
    since: datetime
    until: datetime

    def selects(self, stream: Stream) -> bool:
        """Tell whether recordings of `stream` are meant, whenever they start."""
        return (
            (self.store is None or stream.store == self.store)
            and (self.camera is None or stream.camera == self.camera)
            and (not self.categories or stream.category in self.categories)
        )

    def covers(self, recording: Recording) -> bool:
        """Tell whether `recording` is one of these."""
        return self.since <= recording.start < self.until and self.selects(recording.stream)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be kept, as somebody asked for it: what these cameras, or cameras in these rooms, saw and heard.

    A camera is named as its recorder or as the register names it. Without cameras and rooms all are meant, without
    categories every category.
    """

    cameras: frozenset[str]
    rooms: frozenset[RoomId]
    categories: frozenset[Category]
    begin: datetime
    end: datetime

    def reach(self) -> tuple[Reach, ...]:
        """Return what the scope covers by itself, whatever a register says."""
        if not self.cameras and not self.rooms:
            return (self._reach(None, None, self.begin, self.end),)
        return tuple(self._reach(None, CameraName(camera), self.begin, self.end) for camera in sorted(self.cameras))

    def reach_in(self, register: Register) -> tuple[Reach, ...]:
        """Return what it covers by this register: the recorders' names of its devices, and what they saw when.

        A device belongs to a room while it hangs there, and also while it sees or hears into it from elsewhere. A name
        means the device that had it at the time.
        """
        found = []
        asked = Validity(self.begin, self.end)
        for device in register.devices:
            spans = [link.validity for link in device.links if link.room in self.rooms]
            if {device.name, device.ident} & self.cameras:
                spans.append(asked)
            found += [
                self._reach(known.source, known.name, meant.since, meant.until)
                for known in device.known_as
                for span in spans
                if (meant := common((asked, device.life, known.validity, span))) is not None
            ]
        return tuple(dict.fromkeys(found))

    def _reach(self, store: StoreName | None, camera: CameraName | None, since: datetime, until: datetime) -> Reach:
        return Reach(store, camera, self._categories(), since, until)

    def _categories(self) -> frozenset[Category]:
        """Sound lies in the files of the video, and a file is kept as a whole."""
        return self.categories | {Category.VIDEO} if Category.AUDIO in self.categories else self.categories


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, why, and by whom: roles and references, never the name of a person."""

    scope: Scope
    ground: str
    reason: str
    reference: str
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Extension:
    """A later end that one person asked for and nobody else has approved yet."""

    until: datetime
    actor: str
    at: datetime

    @property
    def lapses_at(self) -> datetime:
        """When it counts no longer unless it is approved."""
        return self.at + APPROVE_WITHIN


@dataclass(frozen=True, slots=True)
class Suspension:
    """Deletion of what `reach` covers is stopped until `effective_until`.

    `reach` is what the scope covers by every register that was in force since it was placed: a change of the register
    widens it and never narrows it. `longest_period` is the longest deletion period of what it covered when it was
    placed.
    """

    ident: str
    request: Request
    placed_by: str
    placed_at: datetime
    ends_at: datetime
    review_at: datetime
    reach: tuple[Reach, ...] = ()
    longest_period: timedelta | None = None
    approved_by: str | None = None
    extension: Extension | None = None

    @property
    def effective_until(self) -> datetime:
        """From this instant on it covers nothing, by what is known now."""
        if self.approved_by is None:
            return min(self.ends_at, self.placed_at + APPROVE_WITHIN)
        if self.extension is not None:
            return max(self.ends_at, min(self.extension.until, self.extension.lapses_at))
        return self.ends_at

    @property
    def awaits(self) -> str | None:
        """Who may not approve what is still to be approved: the one who asked for it. None if nothing is."""
        if self.approved_by is None:
            return self.placed_by
        return None if self.extension is None else self.extension.actor

    def in_force(self, now: datetime) -> bool:
        """Tell whether it stops anything at `now`."""
        return now < self.effective_until

    def covers(self, recording: Recording, now: datetime) -> bool:
        """Tell whether `recording` may not be deleted at `now` because of this suspension."""
        return self.in_force(now) and any(item.covers(recording) for item in self.reach)

    def runs_into(self, recording: Recording, written: datetime | None, now: datetime) -> bool:
        """Tell whether `recording` began before the suspended time and was still being recorded when that began.

        `written` is when the file was written last. Recordings are kept whole, so what was asked for is in it.
        """
        if written is None or not self.in_force(now):
            return False
        ended = min(written, recording.start + MAX_RECORDING)
        return any(recording.start < item.since < ended and item.selects(recording.stream) for item in self.reach)


@dataclass(frozen=True, slots=True)
class Ended:
    """A suspension that was in force from `placed_at` to `ended_at`; what fell due meanwhile is explained by it."""

    ident: str
    reach: tuple[Reach, ...]
    placed_at: datetime
    ended_at: datetime
    longest_period: timedelta | None

    def explains(self, recording: Recording, period: timedelta, margin: timedelta) -> bool:
        """Tell whether `recording` fell due while this kept it, by today's period or that of when it was placed."""
        if not any(item.covers(recording) for item in self.reach):
            return False
        periods = (period,) if self.longest_period is None else (period, self.longest_period)
        return any(self.placed_at < recording.start + item - margin <= self.ended_at for item in periods)


class Stopping(Protocol):
    """Whatever stops deletion of what it reaches for a time: a suspension, or an incident that nobody has decided."""

    @property
    def ident(self) -> str:
        """Its name."""
        ...

    @property
    def reach(self) -> tuple[Reach, ...]:
        """What it covers."""
        ...

    @property
    def effective_until(self) -> datetime:
        """From this instant on it stops nothing, by what is known now."""
        ...

    def in_force(self, now: datetime) -> bool:
        """Tell whether it stops anything at `now`."""
        ...

    def covers(self, recording: Recording, now: datetime) -> bool:
        """Tell whether `recording` may not be deleted at `now` because of it."""
        ...

    def runs_into(self, recording: Recording, written: datetime | None, now: datetime) -> bool:
        """Tell whether `recording` began before what is covered and was still being recorded when that began."""
        ...


_S = TypeVar("_S", bound=Stopping)


def in_force(stopping: Iterable[_S], now: datetime) -> tuple[_S, ...]:
    """Return those that stop something at `now`."""
    return tuple(item for item in stopping if item.in_force(now))


def reach_of(suspensions: Iterable[Stopping], now: datetime) -> tuple[Reach, ...]:
    """Return what may not be deleted at `now`."""
    return tuple(reach for item in in_force(suspensions, now) for reach in item.reach)


def only(recording: Recording) -> Reach:
    """Return a reach that covers this recording, and others of its stream that start at the very same millisecond."""
    stream = recording.stream
    tick = timedelta(milliseconds=1)
    return Reach(stream.store, stream.camera, frozenset({stream.category}), recording.start, recording.start + tick)


def a_year_after(instant: datetime) -> datetime:
    """Return the latest end of a suspension that is placed, or extended, at `instant`: the same day a year later."""
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:  # 29 February
        return instant.replace(year=instant.year + 1, day=28)
