"""What the installed Motion really writes is read back: each file, its camera as Motion says it, and its start."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.recording import Category, Kept, Recognised, StoreName
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.registry import build_recorder

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("motion") is None or shutil.which("ffmpeg") is None, reason="motion or ffmpeg is not installed"
    ),
]

ZONE = "America/St_Johns"

MAIN = """\
# target_dir /nowhere
; target_dir /nowhere
daemon off
setup_mode off
log_level 4
netcam_url file://{root}/cam.mp4
width=320
height = 240
framerate\t10
emulate_motion on
event_gap 1
movie_max_time 2
webcontrol_port 0
stream_port 0
target_dir "{store}"
on_picture_save echo "%f|%t|%$" >>{root}/truth
on_movie_start echo "%f|%t|%$" >>{root}/truth
picture_output first
snapshot_interval 1
timelapse_interval 1
movie_filename %$/%Y-%m-%d/%v-%H%M%S-%{{eventid}}
timelapse_filename %$-%Y%m%d-tl
camera one.conf
picture_filename %t/%s-%3v-%q-%5D-%C
camera {root}/two.conf
camera_dir {root}/conf.d
"""
FILES = {
    "one.conf": "camera_name  'Waiting room; 1' \nmovie_codec mp4\nmovie_output_motion on\npicture_output_motion on\n",
    "two.conf": "camera_name hall\ncamera_id = 40\nmovie_output off\nmovie_extpipe_use on\n"
    "movie_extpipe ffmpeg -v error -y -f rawvideo -pix_fmt yuv420p -video_size %wx%h -framerate %fps -i pipe:0 "
    "-f mpegts %f.ts\npicture_filename preview\npicture_type ppm\ntimelapse_codec mpeg4\n"
    "snapshot_filename %$/%Y/%j/%H.%M.%S-%q\n",
    "conf.d/z.conf": "camera_id 17\ntarget_dir {store}/own/z\nmovie_filename %F_%T-%v-%t-%{{host}}\n",
    "conf.d/a.conf": "camera_name yard\ntarget_dir {store}/own/a/\nmovie_filename %v-%Y%m%d%H%M%S\n"
    "picture_filename below/%v-%Y%m%d%H%M%S-%2q\nsnapshot_filename lastsnap\n",
    "conf.d/not-a-camera.txt": "camera_name nobody\n",
}


def film(path: Path) -> None:
    source = "testsrc2=size=320x240:rate=10:duration=60"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-g", "10", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def record(root: Path, seconds: float) -> tuple[datetime, datetime]:
    """Let Motion record for a while, and return from when to when."""
    begin = datetime.now(UTC)
    with (root / "motion.log").open("ab") as log:
        process = subprocess.Popen(
            ["motion", "-c", str(root / "motion.conf"), "-n"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            env={**os.environ, "TZ": ZONE},
        )
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    return begin, datetime.now(UTC)


def truth(root: Path, store: Path) -> dict[str, tuple[str, str]]:
    """Return number and name of the camera that Motion itself named for each file."""
    found = {}
    for line in (root / "truth").read_text().splitlines():
        path, number, name = line.split("|")
        found[str(Path(path).relative_to(store))] = (number.strip(), name)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime, datetime]:
    root = tmp_path_factory.mktemp("motion")
    store = root / "store"
    store.mkdir()
    (root / "conf.d").mkdir()
    film(root / "cam.mp4")
    for name, text in {"motion.conf": MAIN, **FILES}.items():
        (root / name).write_text(text.format(root=root, store=store))
    return root, *record(root, 12)


def test_every_file_is_read_as_what_motion_wrote(site: tuple[Path, datetime, datetime]) -> None:
    root, begin, end = site
    store = root / "store"
    recorder = build_recorder(
        "motion",
        store=StoreName("main"),
        store_path=str(store),
        timezone=ZONE,
        layouts=(),
        recorder_config=str(root / "motion.conf"),
    )
    assert recorder.trouble is None
    said = truth(root, store)
    seen: Counter[tuple[str, Category]] = Counter()
    for path in sorted(store.rglob("*")):
        place = path.relative_to(store)
        directory = b"" if place.parent == Path() else bytes(place.parent)
        kind = EntryKind.LINK if path.is_symlink() else EntryKind.DIRECTORY if path.is_dir() else EntryKind.FILE
        (sighting,) = recorder.classify(directory, [Entry(os.fsencode(place.name), kind)])
        if kind is not EntryKind.FILE:
            assert isinstance(sighting, Kept), place
            continue
        assert isinstance(sighting, Recognised), place
        seen[sighting.camera, sighting.category] += 1
        # A film of what moved is not announced, and one that a program wrote lacks its extension.
        plain, whole = str(place).removesuffix(place.suffix), str(place)
        number, name = next(said[key] for key in (whole, plain[:-1] + place.suffix, plain) if key in said)
        assert sighting.camera == (name or f"camera-{number}"), place
        if sighting.category is Category.DERIVED:
            assert sighting.start is not None
            assert sighting.start <= begin
        elif place.stem != "lastsnap":
            assert sighting.start is not None
            assert begin - timedelta(seconds=2) <= sighting.start <= end, place
    cameras = ("Waiting room; 1", "hall", "camera-17", "yard")
    assert set(seen) == {(camera, category) for camera in cameras for category in (Category.VIDEO, Category.STILL)} | {
        (camera, Category.DERIVED) for camera in cameras
    }
