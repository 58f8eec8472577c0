"""The source `bookings`: an iCalendar file (RFC 5545) of procedures, from the system that books rooms."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from retentiond.domain import instants
from retentiond.domain.bookings import BOOKINGS, Booking
from retentiond.domain.errors import UnreachableError
from retentiond.domain.period import duration_text
from retentiond.domain.recording import StoreName
from retentiond.domain.validity import day_text
from retentiond.ports import SourceReading, Unreached

MOST_BYTES = 4 << 20
_AHEAD = timedelta(days=1)
ANSWER_WITHIN_S = 60.0
"""The worker has less time of a processor (`bookings_worker.CPU_S`); this is for a machine with other work."""

WORKER = (sys.executable, "-P", "-m", "retentiond.sources.bookings_worker")
_OPEN = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NO_ANSWER = "it takes too long, or too much memory, to work out what recurs in it; have it written with fewer bookings"


@dataclass(frozen=True, slots=True)
class BookingSource:
    """`DeviceSource` that knows no devices, but when which room is booked for an intimate procedure.

    Such are the events of one of `categories`, in capitals or not. Times without a zone are of `zone`. The calendar is
    worked out by a process of its own, which is ended when it takes too long: anybody may have written into it.

    One that was written longer ago than `max_age` counts, and is told: where nothing writes it any more, nobody books.
    """

    name: StoreName
    path: str
    categories: Sequence[str]
    zone: str
    max_age: timedelta
    now: Callable[[], datetime]
    worker: tuple[str, ...] = WORKER

    @property
    def kind(self) -> str:
        return BOOKINGS

    def read(self) -> SourceReading:
        try:
            data, written = _contents(self.path)
            return replace(self._understood(self._ask(data)), outdated=self._outdated(written))
        except OSError as error:
            why = f"the calendar cannot be read ({error.strerror}); write its path, or let the daemon read it"
        except UnreachableError as error:
            why = str(error)
        return SourceReading(unreached=(Unreached("calendar", why),))

    def _ask(self, data: bytes) -> bytes:
        about = {"categories": list(self.categories), "zone": self.zone, "now": instants.to_text(self.now())}
        request = json.dumps(about).encode() + b"\n" + data
        try:
            done = subprocess.run(
                self.worker,
                input=request,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                timeout=ANSWER_WITHIN_S,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise UnreachableError(_NO_ANSWER) from error
        return done.stdout

    def _outdated(self, written: datetime) -> str:
        """Return why a calendar of that age may be out of date; empty where it is not.

        One that is dated in the future would never come of age.
        """
        if written > self.now() + _AHEAD:
            return f"the calendar is dated {day_text(written)}, which is still to come; nobody knows how old it is"
        if self.now() - written > self.max_age:
            return f"the calendar was written last {day_text(written)}, and may be {duration_text(self.max_age)} old"
        return ""

    def _understood(self, answer: bytes) -> SourceReading:
        try:
            told = json.loads(answer)
            if "why" in told:
                raise UnreachableError(f"{told['why']}; have it written anew")
            found = tuple(
                Booking(place, instants.from_ms(begin), instants.from_ms(end)) for place, begin, end in told["booked"]
            )
            bad = int(told["bad"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise UnreachableError(_NO_ANSWER) from error
        what = "1 booking in it" if bad == 1 else f"{bad} bookings in it"
        why = f"{what} cannot be understood, or is of a zone that nobody knows; the others count"
        return SourceReading(bookings=found, unreached=(Unreached("calendar", why),) if bad else ())


def _contents(path: str) -> tuple[bytes, datetime]:
    """Return what is in a file, and when it was written last."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _OPEN)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnreachableError("the calendar is no file; write the path of one")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UnreachableError(
            f"the calendar has more than {MOST_BYTES >> 20} MiB; have it written with fewer bookings"
        )
    return data, datetime.fromtimestamp(status.st_mtime, UTC)
