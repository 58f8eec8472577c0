"""The recorders' own layouts under every name: nothing crashes, and no name yields another camera's recording."""

from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.recording import Recognised, Sighting
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.frigate_layouts import COLLECTIVE, frigate_classifier
from tests.unit.recorders.test_census import PAGES, Row, census

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
