"""The recorders' own layouts under every name: nothing crashes, and no name yields another camera's recording."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retentiond.domain.recording import Recognised, Sighting, StoreName, Unit
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.frigate_layouts import COLLECTIVE, frigate_classifier
from retentiond.recorders.mediamtx_names import layouts_of
from retentiond.recorders.moonfire import moonfire_classifier
from retentiond.recorders.registry import AnyRecorder
from retentiond.recorders.shinobi import shinobi_classifier
from retentiond.recorders.uploads import UPLOADS, upload_classifier
from retentiond.recorders.viseron import viseron_classifier
from tests.unit.recorders.test_census import PAGES, Row, build, census

UTC_ZONE = ZoneInfo("UTC")
RECORD_PATHS = (
    "%path/%s-%f",
    "%path/%Y-%m-%d_%H-%M-%S-%f",
    "%Y/%path/%m%d-%H%M%S",
    "%path_%s",
    "%path/%path-%s",
    "x/%path/%s%z",
)
FRIGATE = frigate_classifier(ZoneInfo("America/St_Johns"))
CENSUS = [row.path.rstrip(b"/@") for page in PAGES for row in census(page)]
FRIGATE_CENSUS = [row for page in PAGES if page.stem == "frigate" for row in census(page)]

bits = st.sampled_from(
    [b"", b"-", b"_", b".", b"/", b"1789717270.5", b"k3x9ab", b"-clean", b"hall", b"..", b"\n", b"\xff", b"0"]
)
cameras = st.text(alphabet="abz019_-", min_size=1, max_size=20)


def classify(classifier: Classifier, path: bytes) -> Sighting:
    directory, _, name = path.rpartition(b"/")
    (sighting,) = classifier.classify(directory, [Entry(name, EntryKind.FILE)])
    return sighting


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a name of a census with pieces of it cut, doubled and put in."""
    path = draw(st.sampled_from(CENSUS))
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(0, len(path))), draw(st.integers(0, 6))
        path = path[:at] + draw(bits) + path[at + length :]
    return path


@given(st.one_of(mutated(), st.binary(max_size=300)))
@settings(max_examples=600)
def test_any_name_is_classified_and_only_files_are_recordings(path: bytes) -> None:
    directory, _, name = path.rpartition(b"/")
    entries = [Entry(name, kind) for kind in EntryKind]
    sightings = FRIGATE.classify(directory, entries)
    assert len(sightings) == len(entries)
    for entry, sighting in zip(entries, sightings, strict=True):
        assert not isinstance(sighting, Recognised) or entry.kind is EntryKind.FILE


@given(st.sampled_from([row for row in FRIGATE_CENSUS if row.camera.strip() not in {"-", COLLECTIVE}]), cameras)
@settings(max_examples=600)
def test_whatever_a_camera_of_frigate_is_called_its_files_are_never_anothers(row: Row, camera: str) -> None:
    """Frigate allows letters, digits, _ and - in the name of a camera."""
    path = row.path.replace(row.camera.strip().encode(), camera.encode())
    sighting = classify(FRIGATE, path)
    assert not isinstance(sighting, Recognised) or sighting.camera in {camera, COLLECTIVE}, path


mediamtx_names = st.from_regex(r"[a-c0-9_][a-c0-9_.-]{0,5}(/[a-c0-9_][a-c0-9_.-]{0,5}){0,3}", fullmatch=True)

local_times = st.integers(1_577_836_800, 2_100_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC_ZONE))


@given(st.sampled_from(RECORD_PATHS), mediamtx_names, local_times)
@settings(max_examples=400)
def test_what_mediamtx_writes_is_read_back_or_is_nobodys(record_path: str, name: str, start: datetime) -> None:
    """A path of MediaMTX may end in what looks like a time or a number: then it may be nobody's, never another's."""
    text = record_path.replace("%path", name).replace("%s", str(int(start.timestamp()))).replace("%z", "Z")
    classifier = Classifier(layouts_of(record_path, StoreName("main"), UTC_ZONE))
    sighting = classify(classifier, start.strftime(text).encode() + b".mp4")
    if isinstance(sighting, Recognised):
        assert sighting.camera == name
        assert sighting.start is not None
        assert abs((sighting.start - start).total_seconds()) < 1


# --- every recorder that names files by layouts of its own ----------------------------------------------------------

NAMED = {
    "shinobi": shinobi_classifier(UTC_ZONE),
    "viseron": viseron_classifier(UTC_ZONE),
    "moonfire": moonfire_classifier(),
    **{kind: upload_classifier(kind, UTC_ZONE) for kind in UPLOADS},
}
NAMED_ROWS = [
    (page.stem, row) for page in PAGES if page.stem in NAMED for row in census(page) if row.camera.strip() != "-"
]
odd_cameras = st.text(alphabet="abz019_-. ", min_size=1, max_size=20)


@given(st.sampled_from(sorted(NAMED)), st.one_of(mutated(), st.binary(max_size=300)))
@settings(max_examples=600)
def test_any_name_is_classified_by_every_recorder(kind: str, path: bytes) -> None:
    directory, _, name = path.rpartition(b"/")
    entries = [Entry(name, item) for item in EntryKind]
    for entry, sighting in zip(entries, NAMED[kind].classify(directory, entries), strict=True):
        assert not isinstance(sighting, Recognised) or entry.kind is EntryKind.FILE
        assert not isinstance(sighting, Recognised) or kind != "moonfire"


@given(st.sampled_from(NAMED_ROWS), odd_cameras)
@settings(max_examples=600)
def test_whatever_a_camera_is_called_its_files_are_never_anothers(named: tuple[str, Row], camera: str) -> None:
    kind, row = named
    told = row.camera.strip()
    longest = max(told.split("/"), key=len)
    sighting = classify(NAMED[kind], row.path.replace(longest.encode(), camera.encode()))
    assert not isinstance(sighting, Recognised) or sighting.camera == told.replace(longest, camera), row.path


# --- every recorder as its page sets it up, with a configuration where it has one ------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AnyRecorder]:
    """Every recorder by its page; the motions, MediaMTX and Moonfire with the configuration that is shown there."""
    return {page.stem: build(page, tmp_path_factory.mktemp(page.stem)) for page in PAGES}


@given(st.sampled_from([page.stem for page in PAGES]), st.one_of(mutated(), st.binary(max_size=300)))
@settings(max_examples=800, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_crashes_any_recorder(built: dict[str, AnyRecorder], kind: str, path: bytes) -> None:
    directory, _, name = path.rpartition(b"/")
    entries = [Entry(name, item) for item in EntryKind]
    for entry, sighting in zip(entries, built[kind].classify(directory, entries), strict=True):
        if isinstance(sighting, Recognised):
            whole = {Unit.FILE: EntryKind.FILE, Unit.DIRECTORY: EntryKind.DIRECTORY}[sighting.unit]
            assert entry.kind is whole
            assert kind != "moonfire"
    at_once = built[kind].read_files(directory, [name])
    seen = {told for names in at_once.recordings.values() for told in names} | set(at_once.unclassified)
    assert seen <= {name}


numbers = st.integers(0, 10**9).map(str)


@given(numbers, st.sampled_from(["2026-09-18", "26/09/18/10/41", "2026-02-30", "26/13/01/10/41"]), numbers, bits)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_event_of_zoneminder_is_of_the_monitor_whose_directory_it_lies_in(
    built: dict[str, AnyRecorder], monitor: str, day: str, event: str, more: bytes
) -> None:
    for name in (event.encode(), event[:2].zfill(2).encode(), more + event.encode(), event.encode() + more):
        if b"/" in name or not name:
            continue
        (sighting,) = built["zoneminder"].classify(f"{monitor}/{day}".encode(), [Entry(name, EntryKind.DIRECTORY)])
        if isinstance(sighting, Recognised):
            assert sighting.camera == f"monitor-{int(monitor)}"
            assert name.isdigit()
