"""What samples say about sound: when a camera is looked at again, what is remembered, what is a finding."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain import instants
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.media import Looked, Media, Opaque, OpaqueReason
from retentiond.domain.recording import Category, Place, Recording, Stream
from retentiond.domain.register import Register, Tracks
from retentiond.domain.sound import (
    LOOK_ELSEWHERE_EVERY,
    MOST_HEARD,
    SAMPLE_EVERY,
    Sampled,
    after_samples,
    is_wanted,
    sound_findings,
)
from retentiond.domain.validity import Validity
from tests.builders import CAMERA, NOW, STORE, a_device, a_link, a_register

STREAM = Stream(STORE, CAMERA, Category.VIDEO)
LOUD = Media("mp4", video=True, audio=True)
SILENT = Media("mp4", video=True, audio=False)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
FORBIDDEN = a_register(a_device(a_link("reception")))


def a_sample(start: datetime, looked: Looked) -> tuple[Recording, Looked]:
    return Recording(STREAM, Place(b"reception", b"a.mp4"), start), looked


def seen(*samples: tuple[Recording, Looked], known: Sampled | None = None, now: datetime = NOW) -> Sampled:
    return after_samples(known, STREAM, "facts", samples, now)


def found(register: Register, *known: Sampled) -> list[Finding]:
    findings = list(sound_findings(register, known, lambda *_: True))
    assert all(item.message and item.remedy for item in findings)
    return findings


def test_one_recording_with_sound_is_enough() -> None:
    sampled = seen(a_sample(NOW - 3 * HOUR, SILENT), a_sample(NOW - 2 * HOUR, LOUD), a_sample(NOW - HOUR, SILENT))
    (item,) = found(FORBIDDEN, sampled)
    assert (item.key.kind, item.key.subject) == (FindingKind.UNEXPECTED_AUDIO, f"{STORE} / {CAMERA}")
    assert item.severity.value == "breach"
    assert "2026" in item.facts
    assert "has none" in item.message


def test_silence_is_no_finding_and_neither_is_what_cannot_be_told_yet() -> None:
    assert found(FORBIDDEN, seen(a_sample(NOW, SILENT)), seen(a_sample(NOW, Opaque(OpaqueReason.UNREADABLE)))) == []


def test_sound_that_the_register_allowed_then_is_no_finding() -> None:
    allowed = a_device(a_link("reception"), records_audio=True)
    assert found(a_register(allowed), seen(a_sample(NOW, LOUD))) == []
    tracks = (Tracks(True, True, Validity(until=NOW)), Tracks(True, False, Validity(since=NOW)))
    until = a_register(replace(allowed, tracks=tracks))
    assert found(until, seen(a_sample(NOW - TICK, LOUD))) == []
    assert len(found(until, seen(a_sample(NOW, LOUD)))) == 1


def test_of_a_camera_that_is_not_registered_another_finding_tells() -> None:
    assert found(Register(), seen(a_sample(NOW, LOUD))) == []


def test_sound_is_remembered_though_the_newest_is_silent_or_cannot_be_read() -> None:
    first = seen(a_sample(NOW - 5 * HOUR, LOUD))
    later = seen(a_sample(NOW, SILENT), known=first)
    assert (later.heard, later.audio) == ((NOW - 5 * HOUR,), False)
    blind = seen(a_sample(NOW, Opaque(OpaqueReason.NO_ANSWER)), known=later)
    assert (blind.heard, blind.failures, blind.newest) == ((NOW - 5 * HOUR,), 1, NOW)
    assert len(found(FORBIDDEN, blind)) == 1
    assert list(sound_findings(FORBIDDEN, [blind], lambda *_: False)) == []


def test_the_span_in_which_sound_was_heard_grows_both_ways() -> None:
    known = seen(a_sample(NOW - 5 * HOUR, LOUD))
    known = seen(a_sample(NOW - 9 * HOUR, LOUD), a_sample(NOW - HOUR, LOUD), known=known)
    assert (known.heard[0], known.heard[-1]) == (NOW - 9 * HOUR, NOW - HOUR)


@pytest.mark.parametrize("times", [2, 3])
def test_what_can_never_be_told_is_a_finding_of_the_store(times: int) -> None:
    known = None
    for number in range(times):
        known = seen(a_sample(NOW, Opaque(OpaqueReason.UNREADABLE)), known=known, now=NOW + number * HOUR)
    assert known is not None
    findings = found(FORBIDDEN, known)
    assert [item.key.subject for item in findings] == ([] if times == 2 else [f"{STORE} / tracks"])
    allowed = a_register(a_device(a_link("reception"), records_audio=True))
    assert found(allowed, known) == []
    assert found(FORBIDDEN, seen(a_sample(NOW, SILENT), known=known)) == []


def test_a_camera_is_looked_at_when_it_is_new_when_it_changed_and_each_hour_that_it_records() -> None:
    assert is_wanted(None, "facts", NOW, NOW)
    known = seen(a_sample(NOW - HOUR, SILENT))
    assert not is_wanted(known, "facts", NOW, NOW + SAMPLE_EVERY - TICK)
    assert is_wanted(known, "facts", NOW, NOW + SAMPLE_EVERY)
    assert not is_wanted(known, "facts", NOW - HOUR, NOW + SAMPLE_EVERY)
    assert not is_wanted(known, "facts", NOW - HOUR, NOW + LOOK_ELSEWHERE_EVERY - TICK)
    assert is_wanted(known, "facts", NOW - HOUR, NOW + LOOK_ELSEWHERE_EVERY), "daily, whatever it does"
    assert is_wanted(known, "other", NOW - HOUR, NOW)
    assert is_wanted(known, "facts", NOW, NOW - SAMPLE_EVERY), "the clock was set back"


def test_sound_of_a_time_in_which_it_was_forbidden_is_found_between_times_in_which_it_was_not() -> None:
    day = 24 * HOUR
    tracks = (
        Tracks(video=True, audio=True, validity=Validity(until=NOW - 10 * day)),
        Tracks(video=True, audio=False, validity=Validity(NOW - 10 * day, NOW - 5 * day)),
        Tracks(video=True, audio=True, validity=Validity(NOW - 5 * day)),
    )
    register = a_register(replace(a_device(a_link("reception")), tracks=tracks))
    known = None
    for age in (20, 8, 7, 1):
        known = seen(a_sample(NOW - age * day, LOUD), known=known)
    assert known is not None
    (item,) = found(register, known)
    assert item.facts == instants.to_text(NOW - 8 * day)
    forbidden = NOW - 8 * day, NOW - 7 * day
    assert list(sound_findings(register, [known], lambda _, first, last: (first, last) != forbidden)) == []


def test_what_is_remembered_of_sound_has_an_end() -> None:
    known = None
    for hour in range(200 * 24):
        if hour % 5 == 0:
            known = seen(a_sample(NOW + hour * HOUR, LOUD), known=known)
    assert known is not None
    assert len(known.heard) == MOST_HEARD
    assert (known.heard[0], known.heard[-1]) == (NOW, NOW + 4795 * HOUR)
