"""The process that looks into files: what it may, what it may not, and what becomes of one that hangs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from retentiond.domain.media import Media, Opaque, OpaqueReason
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.probe.process import WorkerProbe

MAIN = StoreName("main")
CLIP = Path(__file__).parents[3] / "retentiond" / "demo_clips" / "clip.mp4"
NO_ANSWER = Opaque(OpaqueReason.NO_ANSWER)


def stored(root: Path, directory: str = "cam", name: str = "a.mp4") -> Place:
    (root / directory).mkdir(parents=True, exist_ok=True)
    (root / directory / name).write_bytes(CLIP.read_bytes())
    return Place(os.fsencode(directory), os.fsencode(name))


def test_it_answers_one_after_the_other_and_begins_again_after_a_stop(tmp_path: Path) -> None:
    place = stored(tmp_path)
    probe = WorkerProbe({MAIN: str(tmp_path)})
    try:
        first = probe.look(MAIN, place, Unit.FILE)
        assert isinstance(first, Media)
        assert first.video
        assert probe.look(MAIN, Place(b"cam", b"\xff none"), Unit.FILE) == Opaque(OpaqueReason.GONE)
        assert probe.look(MAIN, Place(b"", b"cam"), Unit.DIRECTORY) == first
        probe.stop()
        assert probe.look(MAIN, place, Unit.FILE) == first
    finally:
        probe.stop()


@pytest.mark.parametrize(
    "does",
    [
        "import time; time.sleep(600)",
        "raise SystemExit(1)",
        "print('{}', flush=True); print('[]', flush=True); import time; time.sleep(600)",
        "import sys\nwhile True: sys.stdout.write('x' * 4096)",
    ],
    ids=["hangs", "dies", "babbles", "floods"],
)
def test_a_worker_that_fails_is_ended_and_nothing_is_said_of_the_file(does: str, tmp_path: Path) -> None:
    place = stored(tmp_path)
    probe = WorkerProbe({MAIN: str(tmp_path)}, (sys.executable, "-c", does), answer_within_s=1.0)
    assert probe.look(MAIN, place, Unit.FILE) == NO_ANSWER
    assert probe.look(MAIN, place, Unit.FILE) == NO_ANSWER
    probe.stop()


CONFINED = """\
import os, socket, sys
from retentiond.probe.landlock import restrict_to_reading
from retentiond.probe.opening import look_at_file
store, other = sys.argv[1:]
print(restrict_to_reading([os.fsencode(store)]) > 0)
print(type(look_at_file(os.fsencode(store), b"cam", b"a.mp4")).__name__)
def tried(work):
    try:
        work()
    except OSError as error:
        return type(error).__name__
    return "done"
for work in (
    lambda: os.unlink(store + "/cam/a.mp4"),
    lambda: os.rename(store + "/cam/a.mp4", store + "/cam/b.mp4"),
    lambda: os.truncate(store + "/cam/a.mp4", 0),
    lambda: os.open(store + "/cam/a.mp4", os.O_WRONLY),
    lambda: os.mkdir(store + "/new"),
    lambda: os.open(other, os.O_RDONLY),
    lambda: socket.create_connection(("127.0.0.1", 9), timeout=5),
):
    print(tried(work))
"""


def test_the_worker_can_neither_delete_nor_write_nor_read_elsewhere(tmp_path: Path) -> None:
    stored(tmp_path / "store")
    other = tmp_path / "secret"
    other.write_text("x")
    command = (sys.executable, "-P", "-c", CONFINED, str(tmp_path / "store"), str(other))
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    restricted, read, *tried = done.stdout.split()
    if restricted != "True":
        pytest.skip("this kernel has no Landlock")
    assert read == "Media"
    assert set(tried[:6]) == {"PermissionError"}
    assert tried[6] != "done"
    assert (tmp_path / "store" / "cam" / "a.mp4").stat().st_size > 0


def test_the_process_itself_is_confined_so(tmp_path: Path) -> None:
    """The first thing that the worker says is under which version of Landlock it works."""
    lines = f'{{"main": "{tmp_path}"}}\n'
    command = (sys.executable, "-P", "-m", "retentiond.probe.worker")
    done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True, timeout=60)
    assert '"landlock": ' in done.stdout
