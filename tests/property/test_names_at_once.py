"""What is read of many names at once is what is read of each: half a name decides over a deadline as a whole one does.

Names are put together from halves of others, for that is how they are read (`recorders/name_tables.py`).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Recognised, Sighting, StoreName, Unclassified
from retentiond.ports import Entry, EntryKind, FilesRead
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.frigate_layouts import frigate_classifier
from retentiond.recorders.motion_layouts import default_layouts
from retentiond.recorders.shinobi import shinobi_classifier
from retentiond.recorders.template import template_layouts
from retentiond.recorders.uploads import UPLOADS, upload_classifier
from retentiond.recorders.viseron import viseron_classifier
from tests.property.test_layouts import AMBIGUOUS, LAYOUTS, ZONES
from tests.unit.recorders.test_census import PAGES, census

STORE = StoreName("main")
OWN = (
    *LAYOUTS,
    *AMBIGUOUS,
    "{camera}/%Y-%m-%d/%H-%M-%S.mp4",
    "{camera}/%Y-%m-%d/%H.%M.%S.{ext}",
    "%Y%m%d/%H{camera}%M%S.mp4",
    "%Y%m%d/%H-%M-%S_{any}.{ext}",
    "%Y%m%d/{any}_%H-%M-%S.{ext}",
    "%Y%m%d/%H/%H%M%S.{ext}",
    "%Y%m%d%H/%M/%M%S.mp4",
    "%Y%m%d%H/{camera}/{camera}.%S.%M.{ext}",
    "%Y%m%d%H/%M/%S.mp4",
    "{ext}.%Y%m%d-%H%M%S",
    "%Y%m%d.{ext}-%H%M%S",
    "%Y%m%d-%H%M%S%f.mp4",
    "%Y%m%d-%H%M%S%z.mp4",
    "%s.mp4",
    "%Y%m%d-%H%M.mp4",
    "%Y%m%d-%M%H.mp4",
    "%Y%m%d-%H.mp4",
)
RECORDERS: dict[str, Callable[[ZoneInfo], Classifier]] = {
    "frigate": frigate_classifier,
    "motion": lambda zone: Classifier(default_layouts(zone)),
    "shinobi": shinobi_classifier,
    "viseron": viseron_classifier,
    **{kind: partial(upload_classifier, kind) for kind in UPLOADS},
}
PAGES_OF = {page.stem: [row.path.rstrip(b"/@") for row in census(page)] for page in PAGES}

WITHIN_AN_HOUR = (
    ("America/St_Johns", datetime(2010, 3, 14, 0, 1, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 7, 0, 1, tzinfo=UTC)),
)
"""Local times, written as if of UTC, at which clocks were changed in the middle of an hour."""

moments = st.integers(946_771_200, 4_070_908_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
places = st.one_of(st.tuples(st.sampled_from(ZONES), moments), st.sampled_from(WITHIN_AN_HOUR))
cameras = st.sampled_from(["a", "b", "hall", "a-1", "12", "a.mp4", "2026", "1-a_0"])
bits = st.just(b"") | st.sampled_from([b"-", b".", b"0", b"60", b"\n", b"\xff", b"a", b"mp4", b"jpg", b"_1"])


def each(classifier: Classifier, directory: bytes, names: Sequence[bytes]) -> FilesRead:
    """Return what the names say one by one."""
    found: dict[object, dict[bytes, int | None]] = {}
    unclassified = []
    entries = [Entry(name, EntryKind.FILE) for name in names]
    sightings: Sequence[Sighting] = classifier.classify(directory, entries)
    for name, sighting in zip(names, sightings, strict=True):
        if isinstance(sighting, Recognised):
            start = None if sighting.start is None else instants.to_ms(sighting.start)
            found.setdefault((sighting.camera, sighting.category), {})[name] = start
        elif isinstance(sighting, Unclassified):
            unclassified.append(name)
    return FilesRead(found, sorted(unclassified))  # type: ignore[arg-type]


def assert_same(classifier: Classifier, directory: bytes, names: Sequence[bytes]) -> None:
    for _ in range(2):  # halves that were met are remembered, in another directory too
        read = classifier.read_files(directory, names)
        assert FilesRead(dict(read.recordings), sorted(read.unclassified)) == each(classifier, directory, names)


@st.composite
def crossed(draw: st.DrawFn, names: Sequence[bytes]) -> list[bytes]:
    """Return names, and others that begin as one of them and end as another, with something put in at times."""
    made = list(names)
    for _ in range(draw(st.integers(0, 12))):
        first, last = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        cut = draw(st.integers(0, len(first)))
        back = draw(st.just(0) | st.integers(0, 2)) + len(last) - len(first) + cut
        made.append(first[:cut] + draw(bits) + last[max(back, 0) :])
    return draw(st.permutations(list(dict.fromkeys(name for name in made if name and b"/" not in name))))


def written(layout: str, camera: str, start: datetime, ending: str) -> bytes:
    text = layout.replace("{camera}", camera).replace("{any}", "x").replace("{number}", "07").replace("{ext}", ending)
    return start.strftime(text).encode()


@st.composite
def directories(draw: st.DrawFn) -> tuple[Classifier, bytes, list[bytes]]:
    """Draw layouts, a directory of the first of them, and names of one or another in it."""
    key, begin = draw(places)
    zone = ZoneInfo(key)
    chosen = draw(st.lists(st.sampled_from(OWN), min_size=1, max_size=2, unique=True))
    former = draw(st.lists(st.sampled_from(OWN), max_size=1))
    known = frozenset(map(CameraName, draw(st.sets(cameras, max_size=3))))
    classifier = Classifier(
        template_layouts(STORE, zone, chosen, known), known, former=template_layouts(STORE, zone, former)
    )
    camera = draw(cameras)
    directory = written(chosen[0], camera, begin, "mp4").rpartition(b"/")[0]
    names = []
    for _ in range(draw(st.integers(1, 6))):
        start = begin + timedelta(seconds=draw(st.integers(-1_800, 1_800) | st.integers(-9_000, 9_000)))
        layout = draw(st.sampled_from([*chosen, *former]))
        path = written(layout, draw(st.sampled_from([camera, "b"])), start, draw(st.sampled_from(["mp4", "jpg", "x"])))
        names.append(path.rpartition(b"/")[2])
    return classifier, directory, draw(crossed(names))


@given(directories())
@settings(max_examples=700)
def test_many_names_at_once_say_what_each_says_by_layouts_of_ones_own(
    drawn: tuple[Classifier, bytes, list[bytes]],
) -> None:
    assert_same(*drawn)


@pytest.mark.parametrize("kind", sorted(kind for kind in RECORDERS if kind in PAGES_OF))
@given(data=st.data())
@settings(max_examples=60)
def test_many_names_at_once_say_what_each_says_by_a_recorders_own_layouts(kind: str, data: st.DataObject) -> None:
    classifier = RECORDERS[kind](ZoneInfo(data.draw(st.sampled_from(ZONES))))
    path = data.draw(st.sampled_from(PAGES_OF[kind]))
    directory = path.rpartition(b"/")[0]
    names = [row.rpartition(b"/")[2] for row in PAGES_OF[kind] if row.rpartition(b"/")[0] == directory]
    assert_same(classifier, directory, data.draw(crossed(names)))
