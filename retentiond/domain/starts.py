"""When a recording starts, from what its name, its file and its first sight say (design rule 2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from retentiond.domain.instants import EARLIEST
from retentiond.domain.recording import TimeSource

FUTURE_TOLERANCE = timedelta(days=1)
"""S3: a time further ahead of trusted time than this is no time at all."""

ARRIVAL_TOLERANCE = timedelta(minutes=5)
"""S4: a start this much later than the first sight counts as the first sight."""

DISPUTE_AFTER = timedelta(hours=48)
"""S5: a name this much older than the arrival of its file is doubted."""

MAX_RECORDING = timedelta(hours=24)
"""S6, S7: a file still written this long after its start is no ordinary recording."""


class Doubt(StrEnum):
    """What is odd about a start. Each is a finding on the camera."""

    UNKNOWN_TIME = "unknown_time"
    FUTURE_TIME = "future_time"
    DISPUTED = "disputed"
    REWRITTEN = "rewritten"
    CLOCK_UNSETTLED = "clock_unsettled"
    NAMED_BEHIND = "named_behind"


@dataclass(frozen=True, slots=True)
class Start:
    """The settled start of a recording, where it came from, and what is odd about it."""

    instant: datetime
    source: TimeSource
    doubt: Doubt | None = None


def is_plausible(instant: datetime, now: datetime) -> bool:
    """S3: tell whether `instant` can be a time at all, between 2000-01-01 and a day from now.

    Epoch 0, and seconds read as milliseconds or the reverse, all fall outside.
    """
    return EARLIEST <= instant <= now + FUTURE_TOLERANCE


def settle_start(named: datetime | None, written: datetime | None, *, first_seen: datetime, now: datetime) -> Start:
    """Return the start of a recording by rules S1 to S4.

    Args:
        named: what the layout read from the name, None where names carry no time.
        written: the file's mtime, less its duration where that is known; looked at only without a name.
        first_seen: when a scan or the watcher met the file first.
        now: trusted time.
    """
    instant, source = (named, TimeSource.NAME) if named is not None else (written, TimeSource.MTIME)
    if instant is None or not is_plausible(instant, now):
        return Start(first_seen, TimeSource.FIRST_SEEN, Doubt.UNKNOWN_TIME)
    if instant > first_seen + ARRIVAL_TOLERANCE:
        return Start(first_seen, TimeSource.FIRST_SEEN, Doubt.FUTURE_TIME)
    return Start(instant, source)


def settle_in_doubt(start: Start, *, unsettled: timedelta, first_seen: datetime) -> Start:
    """Return the start that counts while nothing shows what time it is.

    Names are given by the wall clock. While that is ahead, a new one looks like the future and counts from first
    sight (S4). While it is behind, a new one is as far behind, and would go early: it counts as much later, but
    never from later than first sight. One that came unseen while it was ahead, and that time has caught up with
    since, counts from its name: a camera with a clock of its own may have given it. `settle_again` corrects all of
    them when the clock is settled.
    """
    if start.source is TimeSource.FIRST_SEEN:
        return Start(start.instant, start.source, Doubt.CLOCK_UNSETTLED)
    return Start(min(start.instant - min(unsettled, timedelta()), first_seen), start.source, Doubt.CLOCK_UNSETTLED)


def settle_again(
    former: datetime,
    named: datetime | None,
    written: datetime | None,
    *,
    unsettled: timedelta,
    leap: timedelta,
    now: datetime,
) -> Start:
    """Return the start of a recording that came while the clock was unsettled, now that it is settled.

    If trusted time leapt to where the wall clock was, the wall clock was right, and so are the names it gave. If
    not, the recording came as much later than it counted as trusted time has leapt; one that would get late by a
    second fault in between is kept rather than lost.

    Args:
        former: the start that counted meanwhile.
        named: as for `settle_start`.
        written: as for `settle_start`.
        unsettled: how far the wall clock was ahead at first sight, or behind if negative.
        leap: how far trusted time leapt when it was settled; about zero if it was right.
        now: trusted time.
    """
    if abs(leap - unsettled) <= ARRIVAL_TOLERANCE:
        first_seen = former + unsettled if unsettled > ARRIVAL_TOLERANCE else now
        return settle_start(named, written, first_seen=first_seen, now=now)
    doubt = Doubt.FUTURE_TIME if unsettled > leap else Doubt.NAMED_BEHIND
    return Start(former + max(leap, timedelta()), TimeSource.FIRST_SEEN, doubt)


def arrival_of(birth: datetime | None, first_seen: datetime) -> datetime:
    """Return when a file came into the store: its birth or its first sight, whichever is earlier."""
    return first_seen if birth is None else min(birth, first_seen)


def is_disputed(start: datetime, deadline: datetime, arrival: datetime) -> bool:
    """S5: tell whether a recording claims to be long past on the day it arrived.

    A camera lost its clock, or old footage was restored. The name is not trusted to delete at once.
    """
    return arrival - start > DISPUTE_AFTER and deadline <= arrival


def is_rewritten(
    start: datetime, written: datetime, birth: datetime | None, *, first_seen: datetime | None, now: datetime
) -> bool:
    """S7: tell whether a file was written again so long after its start that it is no longer that recording.

    A file that came into the store late, and was written when it came, is a copy and not a rewrite: its birth
    stands in for its start (S5 judges copies). But a file that was born after its name was first seen is another one,
    put there since. A file time in the future shows nothing, and pins nothing (S4).
    """
    if written > now + ARRIVAL_TOLERANCE:
        return False
    is_copy = birth is not None and (first_seen is None or birth <= first_seen)
    begun = max(start, birth) if birth is not None and is_copy else start
    return written - begun > MAX_RECORDING


class Arrival(StrEnum):
    """How a recording that is already due when it is first seen came to be there."""

    ORDINARY = "ordinary"
    LATE = "late"
    DISPUTED = "disputed"


def classify_arrival(
    start: datetime, deadline: datetime, *, birth: datetime | None, first_seen: datetime, last_scan: datetime | None
) -> Arrival:
    """Say whether a recording that is due at first sight fell due by itself while nobody looked (rules S5 and 4).

    It did when its file came into the store after the last complete scan and before its deadline: the daemon was
    down. What lay there unseen during that scan is late (a wider layout, a directory that could not be read), and
    what claims to have been past its deadline when it came is disputed. Both are unexplained.

    `last_scan` is None until the first scan of a store is complete; adoption explains nothing then, and its
    approval covers what is found.
    """
    if last_scan is None:
        return Arrival.ORDINARY
    arrival = arrival_of(birth, first_seen)
    if is_disputed(start, deadline, arrival):
        return Arrival.DISPUTED
    if last_scan <= arrival < deadline:
        return Arrival.ORDINARY
    return Arrival.LATE
