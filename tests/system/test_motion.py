"""The main job on footage that a real recorder wrote."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.system.harness import Site, deletions, needs

pytestmark = pytest.mark.system

MOTION = """\
daemon off
setup_mode off
log_level 4
netcam_url file://{clip}
width 320
height 240
framerate 10
emulate_motion on
movie_output on
movie_codec mp4
movie_max_time 4
movie_filename %Y-%m-%d/%$-%H%M%S-%v
picture_output first
picture_filename %Y-%m-%d/%$-%H%M%S-%v-%q
target_dir {store}
camera_name {camera}
webcontrol_port 0
stream_port 0
"""


def _clip(path: Path) -> None:
    source = "testsrc2=size=320x240:rate=10:duration=120"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-g", "10", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def _motion(config: Path, *wrap: str) -> Iterator[None]:
    with (config.parent / "motion.log").open("ab") as log:
        process = subprocess.Popen(
            [*wrap, "motion", "-c", str(config), "-n"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=config.parent,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the group we made: faketime and its motion
        process.wait(timeout=30)


def _has_files(site: Site, count: int) -> bool:
    return len(site.files()) >= count


def test_old_recordings_of_a_real_motion_go_and_new_ones_stay(tmp_path: Path) -> None:
    needs("motion", "ffmpeg", "faketime")
    conf = tmp_path / "etc" / "motion.conf"
    site = Site(tmp_path, recorder="motion", extra=f"    recorder_config: {conf}")
    clip = tmp_path / "cam.mp4"
    _clip(clip)
    conf.write_text(MOTION.format(clip=clip, store=site.store, camera="waiting_room"))
    conf.chmod(0o644)
    with site.running():
        site.accept_clock()
        for days in (45, 38, 31):
            before = len(site.files())
            with _motion(conf, "faketime", "-f", f"-{days}d"):
                site.wait(partial(_has_files, site, before + 4), "the old Motion to write", 90)
        old = site.files()
        assert {path.suffix for path in old} == {".mp4", ".jpg"}
        with _motion(conf):
            site.wait(lambda: len(site.files() - old) >= 2, "the new Motion to write", 90)
            site.wait(lambda: site.ask("plan")["stores"][0]["scanned"], "the first scan")
            deadline = time.monotonic() + 90
            while site.files() & old and time.monotonic() < deadline:
                site.approve_all()
                time.sleep(0.5)
            assert not site.files() & old
            new = site.files()
            site.wait(lambda: site.files() - new, "Motion to go on writing beside the deletions", 60)
        assert new <= site.files(), "a new recording has gone"
        site.wait(lambda: site.metric("retentiond_overdue_recordings") == 0, "the metric", 30)
        site.must("audit", "verify")
        intents, outcomes = deletions(site.lines())
        names = {str(path.relative_to(site.store)) for path in old}
        assert set(outcomes) == names
        assert all(len(intents[name]) == 1 and outcomes[name] == ["recording.deleted"] for name in names)
    site.must("audit", "verify")
    shutil.rmtree(site.store)  # clips are large
