"""The main job on footage that a real recorder wrote."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.system.harness import Site, deletions, needs, register_of

pytestmark = pytest.mark.system

CAMERA = "waiting_room"

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
movie_max_time 2
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
def _motion(config: Path, *wrap: str) -> Iterator["subprocess.Popen[bytes]"]:
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
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the group we made: faketime and its motion
        process.wait(timeout=30)


def _has_files(site: Site, count: int) -> bool:
    return len(site.files()) >= count


def _written_by(motion: "subprocess.Popen[bytes]", site: Site) -> set[Path]:
    """Return the recordings that Motion holds open right now."""
    found = set()
    for descriptor in Path(f"/proc/{motion.pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(Path(os.readlink(descriptor)))
    return {path for path in found if site.store in path.parents}


def _plays(path: Path) -> bool:
    """Tell whether all of a film or picture can be decoded."""
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def test_old_recordings_of_a_real_motion_go_and_new_ones_stay(tmp_path: Path) -> None:
    needs("motion", "ffmpeg", "faketime")
    conf = tmp_path / "etc" / "motion.conf"
    site = Site(tmp_path, recorder="motion", extra=f"    recorder_config: {conf}", register=register_of(CAMERA))
    clip = tmp_path / "cam.mp4"
    _clip(clip)
    conf.write_text(MOTION.format(clip=clip, store=site.store, camera=CAMERA))
    conf.chmod(0o644)
    with site.running(), ExitStack() as stack:
        for days in (45, 38, 31):
            before = len(site.files())
            with _motion(conf, "faketime", "-f", f"-{days}d"):
                site.wait(partial(_has_files, site, before + 4), "the old Motion to write", 90)
        old = site.files()
        assert {path.suffix for path in old} == {".mp4", ".jpg"}
        motion = stack.enter_context(_motion(conf))
        site.wait(lambda: len(site.files() - old) >= 2, "the new Motion to write", 90)
        assert old <= site.files(), "deleted without a clock that can be trusted, or an approval"

        site.accept_clock()
        site.wait(lambda: site.ask("status")["stores"][0]["waiting"] is not None, "the plan of the adoption")
        assert site.metric("retentiond_overdue_recordings") == len(old)
        site.wait(lambda: _written_by(motion, site), "Motion to be in the middle of a recording")
        written, new = _written_by(motion, site), site.files() - old
        assert site.approve_all() == len(old)
        site.wait(lambda: not site.files() & old, "the old recordings to go")
        site.wait(lambda: _written_by(motion, site) - written, "Motion to go on to another recording")
        assert new | written <= site.files(), "a new recording has gone"
        site.wait(lambda: site.metric("retentiond_overdue_recordings") == 0, "the metric", 30)
        site.must("audit", "verify")
        newest = site.files()

    site.must("audit", "verify")
    intents, outcomes = deletions(site.lines())
    names = {str(path.relative_to(site.store)) for path in old}
    assert {name: len(claims) for name, claims in intents.items()} == dict.fromkeys(names, 1)
    assert outcomes == {name: ["recording.deleted"] for name in names}
    assert site.files() >= newest
    assert {path.name for path in site.files() if not _plays(path)} == set()
