"""Looks into some recordings of each camera: is there sound in them that the register forbids (promise 5)?"""

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.errors import RetentiondError
from retentiond.domain.finding import Finding
from retentiond.domain.instants import EPOCH
from retentiond.domain.media import Looked, Media
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import Category, Recording, StoreName, Stream
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule
from retentiond.domain.sound import Sampled, after_samples, is_wanted, sound_findings
from retentiond.domain.span import Span
from retentiond.ports import Catalogue, Probe, Recorder, SampleMemory

TRIES = 3
"""So many of the newest recordings are tried: the newest of all may still be written."""

_LATELY = timedelta(hours=1)
_GOLDEN = 0.6180339887
"""Multiples of it, less their whole parts, spread evenly over a stretch, however many there are."""

_TICK = timedelta(milliseconds=1)
_ALL = DeletionRule("all", frozenset(), timedelta())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Recordings of a stream to be looked into: `always` each, and of `newest` the first that can be understood."""

    stream: Stream
    facts: str
    always: tuple[Recording, ...]
    newest: tuple[Recording, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen in them."""

    wanted: Wanted
    samples: tuple[tuple[Recording, Looked], ...]


class Sampler:
    """Keeps what samples say. Only `look` may be called from another thread."""

    def __init__(self, catalogue: Catalogue, probe: Probe, memory: SampleMemory) -> None:
        self._catalogue = catalogue
        self._probe = probe
        self._memory = memory
        self._known: dict[Stream, Sampled] | None = None

    def wanted(
        self, recorders: Iterable[tuple[StoreName, Recorder]], register: Register, now: datetime
    ) -> tuple[Wanted, ...]:
        """Return what is to be looked into now: of new cameras, of changed ones, of all once an hour or a day."""
        return tuple(
            item for store, recorder in recorders for item in self._of_store(store, _devices(recorder), register, now)
        )

    def look(self, wanted: Sequence[Wanted]) -> tuple[Answer, ...]:
        """Look into them. Takes as long as the disk does; never raises."""
        try:
            return tuple(Answer(item, tuple(self._samples(item))) for item in wanted)
        finally:
            self._probe.stop()

    def take(self, answers: Iterable[Answer], now: datetime) -> None:
        """Take in what was seen."""
        known = self._load()
        for answer in answers:
            stream = answer.wanted.stream
            known[stream] = after_samples(known.get(stream), stream, answer.wanted.facts, answer.samples, now)
        self._memory.save(tuple(known.values()))

    def findings(self, register: Register) -> tuple[Finding, ...]:
        """Return what samples say that a person has to know. What is no longer on the disk says nothing."""
        return tuple(sound_findings(register, self._load().values(), self._is_left))

    def _of_store(
        self, store: StoreName, devices: Sequence[SeenDevice], register: Register, now: datetime
    ) -> Iterable[Wanted]:
        known = self._load()
        for stream, count in self._catalogue.streams(store):
            newest = self._catalogue.newest(stream) if count else None
            if newest is None or stream.category not in {Category.VIDEO, Category.AUDIO}:
                continue
            facts = _facts(stream, devices, register, now)
            sampled = known.get(stream)
            if is_wanted(sampled, facts, newest, now):
                changed = sampled is None or sampled.facts != facts
                always = self._oldest(stream) if changed else self._elsewhere(stream, newest, now)
                yield Wanted(stream, facts, always, self._newest(stream, newest))

    def _oldest(self, stream: Stream) -> tuple[Recording, ...]:
        oldest = self._catalogue.oldest(stream, None, None)
        if oldest is None:
            return ()
        rows = self._catalogue.find([Span(stream, oldest - _TICK, oldest, _ALL)], 1)
        return tuple(row.recording for row in rows)

    def _elsewhere(self, stream: Stream, newest: datetime, now: datetime) -> tuple[Recording, ...]:
        """Return a recording somewhere between the oldest and the newest, each day another one."""
        oldest = self._catalogue.oldest(stream, None, None) or newest
        begin = oldest + (newest - oldest) * ((now - EPOCH).days * _GOLDEN % 1)
        rows = self._catalogue.find([Span(stream, begin - _TICK, newest, _ALL)], 1)
        return tuple(row.recording for row in rows)

    def _newest(self, stream: Stream, newest: datetime) -> tuple[Recording, ...]:
        """Return the newest recordings, the newest of all at the end: it may not be finished."""
        span = Span(stream, newest - _LATELY, newest, _ALL)
        rows = deque(self._catalogue.find([span]), maxlen=TRIES)
        found = [row.recording for row in rows]
        return (*reversed(found[:-1]), *found[-1:])

    def _samples(self, wanted: Wanted) -> Iterable[tuple[Recording, Looked]]:
        for recording in wanted.always:
            yield recording, self._look(recording)
        for recording in wanted.newest:
            looked = self._look(recording)
            yield recording, looked
            if isinstance(looked, Media):
                return

    def _look(self, recording: Recording) -> Looked:
        return self._probe.look(recording.stream.store, recording.place, recording.unit)

    def _is_left(self, stream: Stream, first: datetime, last: datetime) -> bool:
        return self._catalogue.oldest(stream, first, last + _TICK) is not None

    def _load(self) -> dict[Stream, Sampled]:
        if self._known is None:
            self._known = {item.stream: item for item in self._memory.load()}
        return self._known


def _devices(recorder: Recorder) -> Sequence[SeenDevice]:
    with suppress(RetentiondError):  # the room check says what is wrong with it
        return recorder.devices()
    return ()


def _facts(stream: Stream, devices: Sequence[SeenDevice], register: Register, now: datetime) -> str:
    """Return what is said of a camera's sound, so that another word for it is noticed."""
    seen = [f"{item.records_audio} {item.sound}" for item in devices if item.camera == stream.camera]
    device = register.device_known_as(stream.store, stream.camera, now)
    allowed = "unknown" if device is None else f"{device.ident} {device.records_audio(now)}"
    return "; ".join((allowed, *seen))
