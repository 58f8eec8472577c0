"""What a real motionEye and its Motion write is recognised, down to the small pictures beside the films."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.recording import Category, Kept, Recognised, StoreName
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.registry import build_recorder

ZONE = "America/St_Johns"
ROOT = Path(__file__).parents[3]
OWN = ROOT / ".venv" / "motioneye" / "bin" / "meyectl"
MEYECTL = str(OWN) if OWN.exists() else shutil.which("meyectl")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        MEYECTL is None or shutil.which("motion") is None or shutil.which("ffmpeg") is None,
        reason="motionEye, motion or ffmpeg is not installed",
    ),
]

MOTIONEYE = """\
conf_path {root}/conf
run_path {root}/run
log_path {root}/log
media_path {root}/store
listen 127.0.0.1
port {port}
motion_control_localhost true
motion_control_port {control}
mount_check_interval 0
"""
MAIN = """\
# @admin_username admin
# @normal_username user
# @enabled on
# @relay_secret a-secret-of-this-test
setup_mode off
webcontrol_port {control}
webcontrol_interface 1
webcontrol_localhost on
webcontrol_parms 2
camera camera-1.conf
"""
CAMERA = """\
# @id 1
# @enabled on
# @proto netcam
# @preserve_movies 30
# @motion_detection on
camera_name Waiting room
camera_id 1
netcam_url file://{root}/cam.mp4
width 320
height 240
framerate 10
emulate_motion on
event_gap 1
movie_max_time 2
movie_output on
movie_output_motion on
movie_codec mp4
movie_filename %Y-%m-%d/%H-%M-%S
picture_output first
picture_filename %Y-%m-%d/%H-%M-%S-%q
snapshot_interval 1
snapshot_filename %Y-%m-%d/%H-%M-%S
timelapse_interval 1
target_dir {root}/store/Camera1
stream_port 0
on_movie_end {relay} "{root}/conf/motioneye.conf" movie_end %t %f
"""


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def relay_script() -> str:
    """Return motionEye's own script that tells it of a film; it makes the small picture then."""
    command = [str(Path(str(MEYECTL)).with_name("python")), "-c", "import motioneye; print(motioneye.__path__[0])"]
    package = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return f"{package}/scripts/relayevent.sh"


def has_thumb(store: Path) -> bool:
    return any(store.rglob("*.thumb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime, datetime]:
    root = tmp_path_factory.mktemp("motioneye")
    for name in ("conf", "run", "log", "store/Camera1"):
        (root / name).mkdir(parents=True)
    source = "testsrc2=size=320x240:rate=10:duration=120"
    film = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-g", "10", f"{root}/cam.mp4"]
    subprocess.run(film, check=True, stdin=subprocess.DEVNULL)
    port, control = free_ports()
    words = {"root": root, "port": port, "control": control, "relay": relay_script()}
    for name, text in (("motioneye.conf", MOTIONEYE), ("motion.conf", MAIN), ("camera-1.conf", CAMERA)):
        (root / "conf" / name).write_text(text.format(**words))
    begin = datetime.now(UTC)
    with (root / "log" / "out").open("wb") as log:
        server = subprocess.Popen(
            [str(MEYECTL), "startserver", "-c", str(root / "conf" / "motioneye.conf")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TZ": ZONE},
        )
    try:
        for _ in range(60):
            time.sleep(1)
            if has_thumb(root / "store") and any(root.rglob("*timelapse*")):
                break
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
    return root, begin, datetime.now(UTC)


def test_every_file_is_read_as_what_motioneye_wrote(site: tuple[Path, datetime, datetime]) -> None:
    root, begin, end = site
    store = root / "store"
    recorder = build_recorder(
        "motioneye",
        store=StoreName("main"),
        store_path=str(store),
        timezone=ZONE,
        layouts=(),
        recorder_config=str(root / "conf" / "motion.conf"),
    )
    assert recorder.trouble is None
    seen: Counter[tuple[Category, str]] = Counter()
    for path in sorted(store.rglob("*")):
        place = path.relative_to(store)
        directory = b"" if place.parent == Path() else bytes(place.parent)
        kind = EntryKind.LINK if path.is_symlink() else EntryKind.DIRECTORY if path.is_dir() else EntryKind.FILE
        (sighting,) = recorder.classify(directory, [Entry(os.fsencode(place.name), kind)])
        if kind is not EntryKind.FILE or place.name == ".keep":
            assert isinstance(sighting, Kept), place
            continue
        assert isinstance(sighting, Recognised), place
        assert sighting.camera == "Waiting room", place
        assert sighting.start is not None
        if sighting.category is not Category.DERIVED:
            assert begin - timedelta(seconds=2) <= sighting.start <= end, place
        seen[sighting.category, path.suffix] += 1
    assert {category for category, _ in seen} == {Category.VIDEO, Category.STILL, Category.DERIVED}
    assert seen[Category.STILL, ".thumb"] > 0
