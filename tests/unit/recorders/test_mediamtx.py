"""MediaMTX's own configuration: its recordPath, its paths, how long it keeps them, and what its API says of tracks."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import Recognised, StoreName
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.line_memory import KEPT, LineFile, parse_lines
from retentiond.recorders.mediamtx import MediaMtxSource, build_mediamtx, parse_length
from retentiond.recorders.mediamtx_api import ASK_EVERY_S, TracksAsked
from retentiond.recorders.mediamtx_names import below_store
from retentiond.recorders.yaml_config import YamlFile
from tests.unit.recorders.test_frigate import drift

STORE = StoreName("main")
START = datetime(2026, 9, 18, 7, 41, 10, tzinfo=UTC)


class MediaMtx:
    """A configuration, a store and a state directory."""

    def __init__(self, root: Path) -> None:
        self.config = root / "mediamtx.yml"
        self.store = root / "recordings"
        self.store.mkdir()
        self.memory = str(root / "names-main.json")

    def configure(self, text: str) -> None:
        self.config.write_text(text.replace("$STORE", str(self.store)), encoding="utf-8")

    def build(self, text: str | None = None, *, writes: bool = True) -> ConfiguredRecorder:
        if text is not None:
            self.configure(text)
        memory = LineFile(self.memory, writes=writes)
        return build_mediamtx(Setup(STORE, str(self.store), ZoneInfo("UTC"), str(self.config), (), memory))


@pytest.fixture
def mediamtx(tmp_path: Path) -> MediaMtx:
    return MediaMtx(tmp_path)


def seen(recorder: ConfiguredRecorder, path: str) -> tuple[str, datetime | None] | None:
    directory, _, name = path.encode().rpartition(b"/")
    (sighting,) = recorder.classify(directory, [Entry(name, EntryKind.FILE)])
    return (sighting.camera, sighting.start) if isinstance(sighting, Recognised) else None


# --- names --------------------------------------------------------------------------------------------------------


def test_the_default_is_read_relative_to_a_store_called_recordings(mediamtx: MediaMtx) -> None:
    recorder = mediamtx.build("paths: {a/b: {record: yes}}")
    assert recorder.trouble is None
    assert seen(recorder, "a/b/2026-09-18_07-41-10-000000.mp4") == ("a/b", START)


@pytest.mark.parametrize(
    ("record_path", "below"),
    [
        ("/srv/rec/%path/%s", "%path/%s"),
        ("/srv/rec//%path/%s", "%path/%s"),
        ("/srv/rec/cams/%path/%s", "cams/%path/%s"),
        ("/srv/rec/x/../%path/%s", "%path/%s"),
        ("/srv/other/%path/%s", None),
        ("/srv/recordings/%path/%s", None),
        ("/srv/%path/%s", None),
        ("/%path/%s", None),
        ("./rec/%path/%s", "%path/%s"),
        ("rec/%path/%s", "%path/%s"),
        ("srv/rec/%path/%s", "%path/%s"),
        ("else/%path/%s", "else/%path/%s"),
        ("%path/%s", "%path/%s"),
        ("../rec/%path/%s", None),
        ("/srv/rec/../../%path/%s", None),
    ],
)
def test_where_names_lie_in_the_store(record_path: str, below: str | None) -> None:
    assert below_store(record_path, "/srv/rec", lambda path: path) == below


@pytest.mark.parametrize(
    ("record_path", "path", "camera"),
    [
        ("%path/%Y/%m/%d/%H-%M-%S", "ward/1/2026/09/18/07-41-10.mp4", "ward/1"),
        ("%Y-%m-%d/%path/%H-%M-%S", "2026-09-18/ward/1/07-41-10.ts", "ward/1"),
        ("%Y-%m-%d/%path_%H-%M-%S", "2026-09-18/ward/1_07-41-10.mp4", "ward/1"),
        ("%path/%path_%s", "a/b/a/b_1789717270.mp4", "a/b"),
        ("%path/%path_%s", "a/a_1789717270.mp4", "a"),
        ("%path/%path_%s", "a/b_1789717270.mp4", None),
        ("%path/%path_%s", "a/b/a/c_1789717270.mp4", None),
        ("{x}[%path]+(%s)", "{x}[a]+(1789717270).mp4", "a"),
        ("%path-%Y%m%d%H%M%S", "a-b-20260918074110.mp4", "a-b"),
        ("%path/%s", "a b/1789717270.mp4", None),
        ("%path/%s", "../1789717270.mp4", None),
        ("%path/%s", ".retentiond/1789717270.mp4", None),
        ("%path/%s", "a/1789717270.mkv", None),
        ("%path/%s", "1789717270.mp4", None),
    ],
)
def test_a_path_with_slashes_is_one_camera(mediamtx: MediaMtx, record_path: str, path: str, camera: str | None) -> None:
    recorder = mediamtx.build(f"pathDefaults: {{record: yes, recordPath: '$STORE/{record_path}'}}")
    assert recorder.trouble is None
    assert seen(recorder, path) == (None if camera is None else (camera, START))


@pytest.mark.parametrize("record_path", ["%path/%f", "cam/%s", "%path/%M-%S", "%path%path/%Y"])
def test_a_path_that_cannot_be_read_back_is_the_recorders_trouble(mediamtx: MediaMtx, record_path: str) -> None:
    recorder = mediamtx.build(f"pathDefaults: {{recordPath: '$STORE/{record_path}'}}")
    assert "cannot be read back" in (recorder.trouble or "")


def test_a_configuration_that_records_elsewhere_is_told(mediamtx: MediaMtx) -> None:
    recorder = mediamtx.build("pathDefaults: {recordPath: /srv/elsewhere/%path/%s}")
    assert not recorder.ready
    assert "no path of MediaMTX records below" in (recorder.trouble or "")


def test_a_path_of_its_own_and_a_pattern_and_the_format_of_before_are_all_read(mediamtx: MediaMtx) -> None:
    recorder = mediamtx.build(
        "pathDefaults: {record: yes, recordPath: '$STORE/%path/%s'}\n"
        "paths: {a: {recordPath: '$STORE/own/%path/%s'}, '~^b': {}, all_others: null}"
    )
    assert [device.camera for device in recorder.devices()] == ["a"]
    for path, camera in (("own/a/1789717270.ts", "a"), ("b/1789717270.mp4", "b")):
        assert seen(recorder, path) == (camera, START)


# --- what was in force before ---------------------------------------------------------------------------------------


def test_what_an_earlier_configuration_named_is_recognised_after_a_restart_too(mediamtx: MediaMtx) -> None:
    mediamtx.build("pathDefaults: {recordPath: '$STORE/%path/%s'}")
    live = mediamtx.build("pathDefaults: {recordPath: '$STORE/%path/%Y%m%d%H%M%S'}")
    mediamtx.configure("pathDefaults: {recordPath: '$STORE/%path/%Y-%m-%d_%H-%M-%S-%f'}")
    live.devices()
    for recorder in (live, mediamtx.build()):
        assert seen(recorder, "a/1789717270.mp4") == ("a", START)
        assert seen(recorder, "a/20260918074110.mp4") == ("a", START)
        assert seen(recorder, "a/2026-09-18_07-41-10-000000.mp4") == ("a", START)


def test_a_command_that_only_looks_remembers_nothing(mediamtx: MediaMtx) -> None:
    mediamtx.build("pathDefaults: {recordPath: '$STORE/%path/%s'}", writes=False)
    assert not Path(mediamtx.memory).exists()


def test_a_memory_that_cannot_be_used_is_told_and_what_is_configured_counts(mediamtx: MediaMtx) -> None:
    Path(mediamtx.memory).write_text('{"schema": "retentiond.names/1", "names": [1]}')
    recorder = mediamtx.build("pathDefaults: {recordPath: '$STORE/%path/%s'}")
    assert "footage named by an earlier configuration" in (recorder.trouble or "")
    assert seen(recorder, "a/1789717270.mp4") == ("a", START)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "retentiond.names/1"}', "[" * 100_000, '"x"'])
def test_a_memory_that_this_version_never_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_lines(text.encode())


def test_only_so_many_names_are_remembered_the_newest(tmp_path: Path) -> None:
    memory = LineFile(str(tmp_path / "names.json"), writes=True)
    for number in range(KEPT + 5):
        memory.remember([f"{number}", "always"])
    kept = memory.load()
    assert len(kept) == KEPT
    assert kept[-2:] == (f"{KEPT + 4}", "always")


# --- what it keeps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1d", timedelta(days=1)),
        ("24h", timedelta(days=1)),
        ("1d12h30m", timedelta(days=1, hours=12, minutes=30)),
        ("1.5h", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("0s", timedelta()),
        ("0", timedelta()),
        ("30 days", None),
        ("d", None),
        ("1d1x", None),
        ("-1d", None),
    ],
)
def test_lengths_are_read_as_mediamtx_writes_them(text: str, length: timedelta | None) -> None:
    assert parse_length(text) == length


def test_what_mediamtx_deletes_itself_is_compared_with_the_rules(mediamtx: MediaMtx) -> None:
    recorder = mediamtx.build(
        "pathDefaults: {record: yes, recordPath: '$STORE/%path/%s'}\n"
        "paths: {day: {}, month: {recordDeleteAfter: 30d}, ever: {recordDeleteAfter: 0s}, off: {record: no}}"
    )
    found = {item.key.kind: item for item in drift(recorder)}
    assert found.keys() == {FindingKind.RECORDER_KEEPS_SHORTER, FindingKind.RECORDER_KEEPS_LONGER}
    assert "'day' for 1d (recordDeleteAfter 1d)" in found[FindingKind.RECORDER_KEEPS_SHORTER].message
    longer = found[FindingKind.RECORDER_KEEPS_LONGER]
    assert "'ever' without end" in longer.message
    assert longer.remedy == f"write recordDeleteAfter: 30d in {mediamtx.config}"


# --- the API ------------------------------------------------------------------------------------------------------


class Api(HTTPServer):
    """An API that answers what a test says."""

    answer = b""
    asked = 0


class Handler(BaseHTTPRequestHandler):
    """Answers as the server says."""

    server: Api

    def do_GET(self) -> None:
        self.server.asked += 1
        assert self.path.startswith("/v3/paths/list")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def paths_answer(**tracks: list[str]) -> bytes:
    return json.dumps({"items": [{"name": name, "tracks": listed} for name, listed in tracks.items()]}).encode()


def sounds(mediamtx: MediaMtx, port: int, clock: list[float]) -> MediaMtxSource:
    paths = "{a: {}, b: {}, c: {}, d: {record: no}}"
    mediamtx.configure(
        f"api: yes\napiAddress: :{port}\npathDefaults: {{record: yes, recordPath: '$STORE/%path/%s'}}\npaths: {paths}"
    )
    setup = Setup(STORE, str(mediamtx.store), UTC, str(mediamtx.config))
    return MediaMtxSource(setup, YamlFile(str(mediamtx.config)), TracksAsked(lambda: clock[0]))


def test_the_api_tells_which_paths_have_sound(mediamtx: MediaMtx, api: Api) -> None:
    api.answer = paths_answer(a=["H264", "MPEG-4 Audio"], b=["H265"], d=["H264", "Opus"])
    clock = [1000.0]
    source = sounds(mediamtx, api.server_port, clock)
    told = {device.camera: device.records_audio for device in source.read(None).devices}
    assert told == {"a": True, "b": False, "c": None, "d": False}
    api.answer = paths_answer(b=["H265", "Opus"])
    source.read(None)
    assert api.asked == 1, "at most once a minute"
    clock[0] += ASK_EVERY_S
    told = {device.camera: device.records_audio for device in source.read(None).devices}
    assert told == {"a": None, "b": True, "c": None, "d": False}


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b'{"items": 1}', b'{"items": [1, {"name": 1, "tracks": [1]}]}', b"[" * 100_000, b"\xff"],
)
def test_an_answer_that_makes_no_sense_says_nothing(mediamtx: MediaMtx, api: Api, answer: bytes) -> None:
    api.answer = answer
    devices = sounds(mediamtx, api.server_port, [1000.0]).read(None).devices
    assert {device.records_audio for device in devices} == {None, False}


def test_an_api_that_is_not_there_says_nothing(mediamtx: MediaMtx, api: Api) -> None:
    port = api.server_port
    api.server_close()
    devices = sounds(mediamtx, port, [1000.0]).read(None).devices
    assert {device.records_audio for device in devices} == {None, False}


def test_a_configuration_that_is_gone_leaves_what_was_read(mediamtx: MediaMtx) -> None:
    recorder = mediamtx.build("pathDefaults: {recordPath: '$STORE/%path/%s'}")
    mediamtx.config.unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        recorder.devices()
    assert seen(recorder, "a/1789717270.mp4") == ("a", START)
