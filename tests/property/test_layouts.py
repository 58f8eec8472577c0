"""Layouts under every name: what was written is read back, nobody else's is, and nothing crashes."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import CameraName, Recognised, StoreName, Unclassified
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.motion import build_motion
from retentiond.recorders.motion_conf import parse_cameras
from retentiond.recorders.motion_layouts import MotionStore, layouts_of
from retentiond.recorders.template import build_template

STORE = StoreName("main")
ZONES = ("UTC", "Europe/Tallinn", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
LAYOUTS = (
    "{camera}/%Y-%m-%d/%H-%M-%S.mp4",
    "{camera}/%Y/%j/%H%M%S.{ext}",
    "%Y-%m-%d/%H/{camera}/%M.%S.mp4",
    "%Y-%m-%d/%H-%M/%S-{camera}.mp4",
    "{camera}-%Y%m%d%H%M%S.mp4",
    "{camera}%y%m%d%H%M%S.{ext}",
    "{camera}/%FT%T.mkv",
    "{camera}/%Y-%m-%dT%H:%M:%S%z.mp4",
    "{camera}/{camera}_%Y%m%d_%H%M%S_{number}.mp4",
    "%Y-%m-%d_{any}/{camera}-%Y-%m-%d_%H-%M-%S_{number}.{ext}",
    "%Y-%m-%d/%S-%M-%H-{number}-{camera}-{number}.mp4",
)
AMBIGUOUS = (
    "{camera}-{any}.mp4",
    "{any}-{camera}-{number}.mp4",
    "{camera}-{any}-%Y%m%d%H%M%S.{ext}",
    "{any}_%Y%m%d%H%M%S_{camera}.mp4",
    "{camera}/{any}-{camera}_{number}-%H.mp4",
    "{camera}%Y%m%d-{any}.mp4",
)

instants = st.integers(min_value=946_771_200, max_value=4_070_908_800).map(lambda s: datetime.fromtimestamp(s, UTC))
cameras = st.text(alphabet="ab-_ .0129", min_size=1, max_size=12).filter(lambda name: not name.startswith("."))
fillings = st.text(alphabet="ab-_0129", max_size=8)
names = st.one_of(
    st.binary(max_size=40),
    st.text(alphabet="0123456789-/._: ab%mp4\n\x00", max_size=60).map(str.encode),
    st.from_regex(rb"[a-b0-9.-]{1,6}/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{2}-[0-9]{2}-[0-9]{2}\.mp4\n?", fullmatch=True),
    st.from_regex(rb"[a-b-]{0,6}[0-9]{14}(-[a-b0-9-]{0,9})?\.(mp4|jpg)", fullmatch=True),
)


def expand(layout: str, camera: str, local: datetime, filling: str = "x", number: int = 1) -> bytes:
    """Write a name as a recorder does, by the C library's strftime."""
    text = local.strftime(layout.replace("{camera}", camera.replace("%", "%%")).replace("{any}", filling))
    return text.replace("{number}", f"{number:02d}").replace("{ext}", "mp4").encode()


def split(path: bytes) -> tuple[bytes, list[Entry]]:
    directory, _, name = path.rpartition(b"/")
    return directory, [Entry(name, EntryKind.FILE)]


@given(st.sampled_from(LAYOUTS), st.sampled_from(ZONES), cameras, instants, st.integers(0, 999))
def test_what_was_written_is_read_back(layout: str, zone: str, camera: str, instant: datetime, number: int) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    (sighting,) = build_template(STORE, ZoneInfo(zone), [layout]).classify(
        *split(expand(layout, camera, local, number=number))
    )
    assert isinstance(sighting, Recognised)
    assert sighting.camera == camera
    if "%z" in layout:
        assert sighting.start == instant
    else:
        earlier = min(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        assert sighting.start == earlier <= instant


@given(
    layout=st.sampled_from(LAYOUTS + AMBIGUOUS),
    camera=cameras,
    others=st.lists(cameras, max_size=4),
    instant=instants,
    filling=fillings,
    number=st.integers(0, 9999),
    configured=st.booleans(),
)
def test_a_name_never_yields_another_cameras_recording(
    *, layout: str, camera: str, others: list[str], instant: datetime, filling: str, number: int, configured: bool
) -> None:
    known = [CameraName(name) for name in (camera, *others)] if configured else []
    recorder = build_template(STORE, UTC, [layout], known)
    (sighting,) = recorder.classify(*split(expand(layout, camera, instant, filling, number)))
    assert sighting == Unclassified() or (isinstance(sighting, Recognised) and sighting.camera == camera)


@given(st.sampled_from([text for text in LAYOUTS if "/" in text]), st.sampled_from(ZONES), cameras, instants)
def test_a_directory_that_a_recorder_writes_into_is_never_past(
    layout: str, zone: str, camera: str, instant: datetime
) -> None:
    recorder = build_template(STORE, ZoneInfo(zone), [layout])
    directory, _ = split(expand(layout, camera, instant.astimezone(ZoneInfo(zone))))
    for hours in (-24, 0, 24):
        assert not recorder.is_past(directory, instant + timedelta(hours=hours))
    assert recorder.is_past(directory, instant + timedelta(days=30)) is ("%" in layout.rpartition("/")[0])


MOTION_NAMES = (
    "%$-%v-%Y%m%d%H%M%S",
    "%$%v-%Y%m%d%H%M%S-%q",
    "%v-%Y%m%d%H%M%S-%$",
    "%Y-%m-%d/%$-%H%M%S-%v",
    "%Y-%m-%d/%$-%C-%H%M%S-%v",
    "%$/%Y%m%d-%H%M%S",
    "%Y%m%d%H%M%S-%t-%v",
    "%t-%$-%Y%m%d%H%M%S",
)


@given(
    st.lists(st.tuples(cameras, st.sampled_from(MOTION_NAMES)), min_size=2, max_size=3, unique_by=lambda pair: pair[0]),
    instants,
    fillings,
    st.integers(0, 9999),
)
def test_cameras_of_motion_are_never_mistaken_for_each_other(
    pairs: list[tuple[str, str]], instant: datetime, event: str, number: int
) -> None:
    assume(all(name == name.strip() and name.strip("\"'") == name for name, _ in pairs))
    files = {f"/{n}": f"camera_name {name}\nmovie_filename {text}\n" for n, (name, text) in enumerate(pairs)}
    files["/motion.conf"] = "target_dir /srv\n" + "".join(f"camera {path}\n" for path in files)
    found = parse_cameras("/motion.conf", files.__getitem__, lambda _: ())
    laid = layouts_of(found, MotionStore("/srv", UTC, "/motion.conf", lambda path: path))
    classifier = Classifier(laid.layouts, frozenset(CameraName(name) for name, _ in pairs))
    for ident, (name, text) in enumerate(pairs, start=1):
        filled = text.replace("%v", f"{number:02d}").replace("%q", "00").replace("%t", str(ident)).replace("%C", event)
        path = instant.strftime(filled.replace("%$", name)).encode() + b".mkv"
        (sighting,) = classifier.classify(*split(path))
        assert sighting == Unclassified() or (isinstance(sighting, Recognised) and sighting.camera == name)


configurations = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.tuples(
            st.sampled_from(
                b"camera_name camera_id target_dir movie_filename picture_filename snapshot_filename "
                b"timelapse_filename movie_extpipe movie_extpipe_use picture_output camera camera_dir ; #".split()
            ),
            st.sampled_from([b" ", b"=", b"\t", b""]),
            st.one_of(
                st.sampled_from([b"$STORE", b"$STORE/a", b"a", b"7", b"on", b"preview", b"other.conf", b"conf.d", b""]),
                st.text(alphabet="ab/.%{}$vqtYmdHMSsCDTF57\"' \x00\u00e4", max_size=20).map(str.encode),
                st.binary(max_size=12),
            ),
        ).map(b"".join),
    ),
    max_size=10,
).map(b"\n".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(configurations, min_size=3, max_size=3), path=names)
def test_whatever_a_configuration_of_motion_holds_it_is_in_force_or_a_trouble(
    tmp_path: Path, texts: list[bytes], path: bytes
) -> None:
    store = tmp_path / "store"
    for name, text in zip(("motion.conf", "other.conf", "motion.conf"), texts, strict=True):
        (tmp_path / name).write_bytes(text.replace(b"$STORE", bytes(store)))
    recorder = build_motion(STORE, str(store), UTC, str(tmp_path / "motion.conf"))
    with suppress(StorageError):
        recorder.devices()
    assert recorder.ready or recorder.trouble
    if recorder.ready:
        directory, entries = split(path)
        (sighting,) = recorder.classify(directory, entries)
        assert not isinstance(sighting, Recognised) or sighting.start is None or sighting.start.tzinfo is UTC
        recorder.is_past(path, datetime(2026, 7, 1, tzinfo=UTC))


@given(st.sampled_from(LAYOUTS + AMBIGUOUS), names, st.sampled_from(EntryKind), st.sampled_from(ZONES))
def test_no_name_crashes_and_only_files_are_recordings(layout: str, path: bytes, kind: EntryKind, zone: str) -> None:
    recorder = build_template(STORE, ZoneInfo(zone), [layout], [CameraName("a"), CameraName("a-b")])
    directory, (entry,) = split(path)
    (sighting,) = recorder.classify(directory, [Entry(entry.name, kind)])
    recorder.is_past(path, datetime(2026, 7, 1, tzinfo=UTC))
    assert kind is EntryKind.FILE or not isinstance(sighting, Recognised)
    if isinstance(sighting, Recognised):
        assert sighting.start is None or sighting.start.tzinfo is UTC
        assert not any(part.startswith(b".") for part in path.split(b"/"))


@given(st.text(alphabet="{}camernyuxt%YmdHMSsjfz/-.*", max_size=30))
def test_a_layout_is_taken_or_refused_with_a_reason(text: str) -> None:
    try:
        recorder = build_template(STORE, UTC, [text])
    except ValueError as error:
        assert str(error).startswith("layout")
    else:
        assert recorder.classify(b"", [Entry(b"a", EntryKind.FILE)])
