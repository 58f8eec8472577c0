"""A deletion run: what is due, whether the passing of time explains it, and what waits for a person (rule 4)."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from retentiond.domain import instants
from retentiond.domain.decide import deadline_of
from retentiond.domain.recording import CameraName, Recording, StoreName
from retentiond.domain.rule import DeletionRule

CHUNK = 500
"""L4: so many recordings at most between two looks at store, clock, suspensions and stop request."""

UNEXPLAINED_FLOOR = 50
SMALL = 20
STALE_AFTER = timedelta(hours=24)
APPROVAL_LIFETIME = timedelta(hours=24)


class WaitReason(StrEnum):
    """Why a part of a run waits for an approval. The last two tell parts of what is unexplained from one another."""

    ADOPTION = "adoption"
    UNEXPLAINED = "unexplained"
    HALF_OF_STORE = "half_of_store"
    ALL_OF_CAMERA = "all_of_camera"
    CLOCK_UNPROVEN = "clock_unproven"
    DISPUTED = "disputed"
    RULES_CHANGED = "rules_changed"
    LATE = "late"


WAIT_TEXT = {
    WaitReason.ADOPTION: "the store was not watched before; nothing shows that these fell due by the passing of time",
    WaitReason.UNEXPLAINED: "more fell due at once than the passing of time explains",
    WaitReason.HALF_OF_STORE: "more than half of the store is due",
    WaitReason.ALL_OF_CAMERA: "all recordings of a camera are due",
    WaitReason.CLOCK_UNPROVEN: "the newest recording is older than 24 h and the clock is not synchronised",
    WaitReason.RULES_CHANGED: "rules that are newer than the last approval make them due",
    WaitReason.LATE: "they lay there unseen when the store was last scanned",
    WaitReason.DISPUTED: "they were old when they arrived: a camera lost its clock, or footage was restored",
}


@dataclass(frozen=True, slots=True)
class DueRecording:
    """A recording that is due, with the rule that says so."""

    recording: Recording
    rule: DeletionRule

    @property
    def deadline(self) -> datetime:
        """The instant after which it is overdue."""
        return deadline_of(self.recording.start, self.rule)


@dataclass(frozen=True, slots=True)
class StoreCensus:
    """How many recordings a store and its cameras hold, and the newest start, for the limit."""

    recordings: int
    by_camera: dict[CameraName, int]
    newest: datetime | None
    winding_down: bool = False


@dataclass(frozen=True, slots=True)
class Sorted:
    """The due recordings of one store: those that go now, and those that wait, with the first reason met."""

    go: tuple[DueRecording, ...]
    waiting: tuple[DueRecording, ...]
    why: WaitReason | None


@dataclass(frozen=True, slots=True)
class Release:
    """Whether what the passing of time explains goes by itself, and whether the rest does; `why` not all of it."""

    explained: bool
    unexplained: bool
    why: WaitReason | None


def hold_to_limit(
    explained: Mapping[CameraName, int],
    unexplained: Mapping[CameraName, int],
    census: StoreCensus,
    *,
    adopting: bool,
    clock_proven: bool,
    now: datetime,
) -> Release:
    """Decide what goes and what waits for an approval (L1 to L3), by how many recordings of each camera are due.

    What time explains is held to L2 by itself, so that a shortened period, which waits, stops no ordinary deletion
    (ADR 0010). A first adoption always waits, however few are due: one wrong path in the configuration would
    otherwise cost somebody's films at the first start (ADR 0009).
    """
    due = Counter(explained) + Counter(unexplained)
    by_time = sum(explained.values())
    stale = not clock_proven and census.newest is not None and now - census.newest > STALE_AFTER
    whole = too_much(explained, census) or (WaitReason.CLOCK_UNPROVEN if stale else None)
    if due and whole is not None:
        return Release(
            explained=False, unexplained=False, why=WaitReason.ADOPTION if adopting and not by_time else whole
        )
    why_not = _why_unexplained_waits(due, sum(unexplained.values()), census, adopting=adopting)
    return Release(explained=True, unexplained=why_not is None, why=why_not)


def apply_limit(
    explained: Sequence[DueRecording],
    unexplained: Sequence[DueRecording],
    census: StoreCensus,
    *,
    adopting: bool,
    clock_proven: bool,
    now: datetime,
) -> Sorted:
    """Decide the same of recordings one by one."""
    release = hold_to_limit(
        _by_camera(explained), _by_camera(unexplained), census, adopting=adopting, clock_proven=clock_proven, now=now
    )
    going = [*(explained if release.explained else ()), *(unexplained if release.unexplained else ())]
    waiting = [*(() if release.explained else explained), *(() if release.unexplained else unexplained)]
    return Sorted(_oldest_first(going), _oldest_first(waiting), release.why)


def _why_unexplained_waits(
    due: Mapping[CameraName, int], unexplained: int, census: StoreCensus, *, adopting: bool
) -> WaitReason | None:
    if not unexplained:
        return None
    if adopting:
        return WaitReason.ADOPTION
    if unexplained > max(UNEXPLAINED_FLOOR, census.recordings // 100):
        return too_much(due, census) or WaitReason.UNEXPLAINED
    return too_much(due, census)


def _by_camera(due: Iterable[DueRecording]) -> Counter[CameraName]:
    return Counter(item.recording.stream.camera for item in due)


def too_much(due: Mapping[CameraName, int], census: StoreCensus) -> WaitReason | None:
    """L2: tell why so much of a store at once needs a person's word, whatever explains it.

    `due` says how many recordings of each camera are.
    """
    if census.winding_down or census.recordings <= SMALL:
        return None
    if 2 * sum(due.values()) > census.recordings:
        return WaitReason.HALF_OF_STORE
    for camera, count in due.items():
        held = census.by_camera.get(camera, 0)
        if held > SMALL and count >= held:
            return WaitReason.ALL_OF_CAMERA
    return None


def _oldest_first(due: Iterable[DueRecording]) -> tuple[DueRecording, ...]:
    return tuple(sorted(due, key=lambda item: (item.recording.start, item.recording.place)))


@dataclass(frozen=True, slots=True)
class Plan:
    """One exact set of recordings of one store, named by its digest."""

    store: StoreName
    digest: str
    count: int
    why: WaitReason
    created: datetime

    @property
    def run(self) -> str:
        """The name people use for it."""
        return f"{self.store}-{self.digest[:8]}"


def digest_of(store_uuid: str, recordings: Iterable[Recording]) -> str:
    """Return the SHA-256 of the exact list, bound to the store; any other list or store has another (ADR 0006).

    Bound is all that a person is shown of a recording: start, unit, camera, category and path. Of each recording only
    its line is kept until the last is there, a hundred bytes or two: there may be hundreds of thousands.
    """
    state = hashlib.sha256(b"retentiond plan v2\n" + store_uuid.encode() + b"\n")
    for line in sorted(_line_of(item).encode() for item in recordings):
        state.update(line + b"\n")
    return state.hexdigest()


def _line_of(recording: Recording) -> str:
    """Return a recording as a JSON list on one line, so that no name can pass for two fields."""
    stream = recording.stream
    fields = [instants.to_ms(recording.start), recording.unit, stream.camera, stream.category, str(recording.place)]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
