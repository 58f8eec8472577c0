"""Whatever is due, each recording goes or waits, and a mass that time does not explain never goes."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.recording import CameraName, Recording, StoreName
from retentiond.domain.run import DueRecording, StoreCensus, WaitReason, apply_limit, digest_of
from tests.builders import NOW, STORE_UUID, a_due, a_place, a_recording, a_rule, a_stream, at

CAMERAS = ("reception", "entrance", "cellar")
RULE = a_rule()


def due(camera: str, number: int) -> DueRecording:
    return a_due(a_recording(at("2026-01-01") + timedelta(minutes=number), camera=camera), rule=RULE)


counts = st.sampled_from([0, 1, 9, 10, 11, 19, 20, 21, 22, 49, 50, 51, 60])


@st.composite
def stores(draw: st.DrawFn) -> tuple[list[DueRecording], list[DueRecording], StoreCensus]:
    """Draw a store whose census holds at least what is due, by camera."""
    explained: list[DueRecording] = []
    unexplained: list[DueRecording] = []
    held: dict[CameraName, int] = {}
    for camera in CAMERAS:
        first, second, rest = draw(counts), draw(counts), draw(st.sampled_from([0, 1, 20, 200, 5_000]))
        explained += [due(camera, number) for number in range(first)]
        unexplained += [due(camera, 1_000 + number) for number in range(second)]
        held[CameraName(camera)] = first + second + rest
    newest = draw(st.sampled_from([NOW, NOW - timedelta(hours=24), NOW - timedelta(hours=25)]))
    return explained, unexplained, StoreCensus(sum(held.values()), held, newest, draw(st.booleans()))


@settings(max_examples=500)
@given(stores(), st.booleans(), st.booleans())
def test_the_limit_keeps_its_promises(
    store: tuple[list[DueRecording], list[DueRecording], StoreCensus], adopting: bool, proven: bool
) -> None:
    explained, unexplained, census = store
    result = apply_limit(explained, unexplained, census, adopting=adopting, clock_proven=proven, now=NOW)
    go, waiting, everything = set(result.go), set(result.waiting), {*explained, *unexplained}

    assert go | waiting == everything
    assert len(result.go) + len(result.waiting) == len(everything)
    assert (result.why is None) is (not waiting)

    gone_unexplained = go & set(unexplained)
    assert gone_unexplained in (set(), set(unexplained))
    if adopting:
        assert not gone_unexplained
    assert 100 * len(gone_unexplained) <= max(5_000, census.recordings)

    if not census.winding_down and census.recordings > 20:
        assert 2 * len(go) <= census.recordings
        for camera, count in census.by_camera.items():
            if count > 20:
                assert sum(item.recording.stream.camera == camera for item in go) < count
    if not proven and census.newest is not None and NOW - census.newest > timedelta(hours=24):
        assert not go


@given(stores(), st.booleans())
def test_the_passing_of_time_is_stopped_only_by_the_reasons_that_hold_everything(
    store: tuple[list[DueRecording], list[DueRecording], StoreCensus], adopting: bool
) -> None:
    explained, unexplained, census = store
    result = apply_limit(explained, unexplained, census, adopting=adopting, clock_proven=True, now=NOW)
    if set(explained) & set(result.waiting):
        assert not census.winding_down
        assert not result.go
        assert result.why in {WaitReason.HALF_OF_STORE, WaitReason.ALL_OF_CAMERA}


names = st.one_of(
    st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name),
    st.lists(st.sampled_from([b"a", b"\\", b"\n", b"n", b"1 a", b" "]), min_size=1, max_size=4).map(b"".join),
)
members = st.builds(
    lambda ms, name: Recording(a_stream(), a_place(b"cam/" + name), at("2026-01-01") + timedelta(milliseconds=ms)),
    st.integers(min_value=0, max_value=3),
    names,
)
lists = st.lists(members, max_size=5)


@given(lists, st.randoms(use_true_random=False))
def test_a_digest_does_not_depend_on_the_order(recordings: list[Recording], random: Random) -> None:
    shuffled = list(recordings)
    random.shuffle(shuffled)
    assert digest_of(STORE_UUID, shuffled) == digest_of(STORE_UUID, recordings)


@given(lists, lists)
def test_two_lists_have_one_digest_exactly_when_they_hold_the_same(
    one: list[Recording], other: list[Recording]
) -> None:
    def told(recordings: list[Recording]) -> list[tuple[datetime, bytes]]:
        return sorted((item.start, item.place.path) for item in recordings)

    alike = digest_of(STORE_UUID, one) == digest_of(STORE_UUID, other)
    assert alike is (told(one) == told(other))


@given(lists, st.uuids(), st.uuids())
def test_a_digest_is_bound_to_its_store(recordings: list[Recording], one: UUID, other: UUID) -> None:
    alike = digest_of(str(one), recordings) == digest_of(str(other), recordings)
    assert alike is (one == other)


def test_the_store_name_is_not_what_binds_a_digest() -> None:
    here = Recording(a_stream(), a_place(), NOW)
    renamed = Recording(a_stream(store=StoreName("renamed")), a_place(), NOW)
    assert digest_of(STORE_UUID, [here]) == digest_of(STORE_UUID, [renamed])
