"""What samples of recordings say about sound, beside what the register allows (design rule 9)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from retentiond.domain import instants
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.media import OPAQUE_TEXT, Looked, Media, OpaqueReason
from retentiond.domain.recording import Recording, StoreName, Stream
from retentiond.domain.register import Register

SAMPLE_EVERY = timedelta(hours=1)
"""A camera that goes on recording is looked at so often; a recording with sound is enough."""

LOOK_ELSEWHERE_EVERY = timedelta(days=1)
"""A camera that records nothing new is looked at so often all the same, at another of its recordings."""

MOST_HEARD = 64
"""So many recordings with sound are remembered of a stream."""

FAILURES_TOLERATED = 2
"""A recorder may be busy with its newest film; when nothing can be said more often than that, it is a finding."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What is known of a stream by its samples.

    Attributes:
        facts: what register and recorder said of its sound when it was looked at last.
        newest: the start of the newest recording that could be looked into, None if none could.
        audio: whether that one has sound.
        failures: how often in a row nothing could be said, and `why` not.
        heard: the starts of recordings known to have sound, in order: of each day the first, and the last of all.
            Between two that the register allows there may be one that it forbids.
    """

    stream: Stream
    facts: str
    looked_at: datetime
    newest: datetime | None = None
    audio: bool = False
    failures: int = 0
    why: OpaqueReason | None = None
    heard: tuple[datetime, ...] = ()


def is_wanted(known: Sampled | None, facts: str, newest: datetime, now: datetime) -> bool:
    """Tell whether a stream is to be looked at: it is new, its circumstances changed, it recorded since, or daily."""
    if known is None or known.facts != facts:
        return True
    since = abs(now - known.looked_at)
    return since >= LOOK_ELSEWHERE_EVERY or (since >= SAMPLE_EVERY and newest != known.newest)


def after_samples(
    known: Sampled | None, stream: Stream, facts: str, samples: Iterable[tuple[Recording, Looked]], now: datetime
) -> Sampled:
    """Return what is known of a stream after some of its recordings were looked into, in whatever order."""
    before = known or Sampled(stream, facts, now)
    understood = [(recording.start, looked) for recording, looked in samples if isinstance(looked, Media)]
    if not understood:
        why = next((looked.reason for _, looked in samples if not isinstance(looked, Media)), OpaqueReason.GONE)
        return replace(before, facts=facts, looked_at=now, failures=before.failures + 1, why=why)
    newest, last = max(understood, key=lambda item: item[0])
    heard = [start for start, looked in understood if looked.audio]
    return Sampled(
        stream=stream,
        facts=facts,
        looked_at=now,
        newest=newest,
        audio=last.audio,
        heard=_thinned(sorted({*before.heard, *heard})),
    )


def _thinned(heard: Sequence[datetime]) -> tuple[datetime, ...]:
    """Return of each day the first, and the last of all; of too many the newest, and the first."""
    of_days = {start.astimezone(UTC).date(): start for start in reversed(heard)}
    kept = sorted({*of_days.values(), *heard[-1:]})
    return tuple(kept) if len(kept) <= MOST_HEARD else (kept[0], *kept[1 - MOST_HEARD :])


def sound_findings(
    register: Register, known: Iterable[Sampled], is_left: Callable[[Stream, datetime, datetime], bool]
) -> Iterator[Finding]:
    """Yield the cameras whose recordings have sound that the register forbids, and what nobody can tell.

    `is_left` tells whether anything is left of a stream that starts from one instant to another, both included.
    """
    unknown: dict[StoreName, list[Sampled]] = {}
    for sampled in known:
        forbidden = [start for start in sampled.heard if _forbids(register, sampled, start)]
        if forbidden and is_left(sampled.stream, forbidden[0], forbidden[-1]):
            yield _unexpected(sampled, forbidden[0])
        elif sampled.failures > FAILURES_TOLERATED and _forbids(register, sampled, sampled.looked_at):
            unknown.setdefault(sampled.stream.store, []).append(sampled)
    for store, items in unknown.items():
        yield _untold(store, items)


def _forbids(register: Register, sampled: Sampled, start: datetime) -> bool:
    """Tell whether a camera of the register may not have recorded sound then. Of others another finding tells."""
    device = register.device_known_as(sampled.stream.store, sampled.stream.camera, start)
    return device is not None and not device.records_audio(start)


def _unexpected(sampled: Sampled, start: datetime) -> Finding:
    stream = sampled.stream
    silent = sampled.newest is not None and not sampled.audio
    since = f"; the newest that was looked into, of {_text(sampled.newest)}, has none" if silent else ""
    return finding(
        FindingKind.UNEXPECTED_AUDIO,
        f"{stream.store} / {stream.camera}",
        f"the recording of camera {stream.camera!r} in store {stream.store!r} that begins {_text(start)} has a sound "
        f"track, and the register allows no sound{since}",
        "switch sound off in the recorder or at the camera; decide what becomes of the footage with sound, which stays "
        "until its deadline as video; if sound may be recorded, write so in the register, with the consent it needs: "
        "then the rules for audio decide as well",
        facts=_text(start),
    )


def _untold(store: StoreName, items: list[Sampled]) -> Finding:
    why = sorted({OPAQUE_TEXT[item.why] for item in items if item.why is not None})
    cameras = "1 camera" if len(items) == 1 else f"{len(items)} cameras"
    return finding(
        FindingKind.SOURCE_UNREACHABLE,
        f"{store} / tracks",
        f"nobody can say whether recordings of {cameras} in store {store!r} have sound, which the register forbids: "
        + "; ".join(why),
        "give the daemon's user the right to read recordings; where the format is not known, look at one with ffprobe",
    )


def _text(instant: datetime | None) -> str:
    return "" if instant is None else instants.to_text(instant)
