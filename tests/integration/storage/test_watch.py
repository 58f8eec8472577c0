"""The watcher over real directories. It may lose anything, so it must say when it does."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retentiond.domain.recording import StoreName, Unit
from retentiond.ports import Removed, Voided
from retentiond.storage.inotify import Change, TreeWatch, What
from retentiond.storage.syscalls import load_system_calls
from retentiond.storage.watch import InotifyWatch, NoWatch
from tests.integration.storage.disk import Disk, mounted, needs_root, run_python
from tests.integration.storage.test_walk import dig, fill_in

MAIN = StoreName("main")


class Woken:
    """What the watcher hinted at."""

    def __init__(self) -> None:
        self.seen: list[tuple[StoreName, bytes]] = []
        self._lock = threading.Lock()

    def __call__(self, store: StoreName, directory: bytes) -> None:
        with self._lock:
            self.seen.append((store, directory))


def soon(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


@pytest.fixture
def watch(disk: Disk) -> Iterator[InotifyWatch]:
    watch = InotifyWatch({MAIN: str(disk.path)})
    yield watch
    watch.stop()


def test_a_new_recording_wakes_its_directory(disk: Disk, watch: InotifyWatch) -> None:
    (disk.path / "cam").mkdir()
    woken = Woken()
    watch.start(woken)
    disk.write(b"cam/\xff.mp4")
    assert soon(lambda: (MAIN, b"cam") in woken.seen)


def test_the_end_of_a_file_that_was_told_of_wakes_nobody_again(disk: Disk, watch: InotifyWatch) -> None:
    """A look is taken at names, and costs as much as there is in the directory."""
    for name in ("cam", "other"):
        (disk.path / name).mkdir()
    woken = Woken()
    watch.start(woken)
    disk.write(b"cam/1.mp4")
    disk.write(b"other/1.mp4")
    disk.write(b"other/2.mp4")
    assert soon(lambda: woken.seen.count((MAIN, b"other")) == 2)
    assert woken.seen.count((MAIN, b"cam")) == 1


def test_a_file_that_is_written_again_or_gone_wakes_its_directory(disk: Disk, watch: InotifyWatch) -> None:
    (disk.path / "cam").mkdir()
    woken = Woken()
    watch.start(woken)

    def looks_after(act: Callable[[], object], mark: bytes) -> int:
        """Act, and return how many looks that and all before it was worth; the kernel keeps events in order."""
        act()
        disk.write(mark + b"/1.mp4")
        assert soon(lambda: (MAIN, mark) in woken.seen)
        return woken.seen.count((MAIN, b"cam"))

    film = disk.path / "cam" / "1.mp4"
    assert looks_after(lambda: disk.write(b"cam/1.mp4"), b"m1") == 1
    for count, mark in ((2, b"m2"), (3, b"m3")):
        assert looks_after(lambda: film.write_bytes(b"written again"), mark) == count
    assert looks_after(film.unlink, b"m4") == 4
    assert looks_after(lambda: disk.write(b"cam/1.mp4"), b"m5") == 5


def test_more_files_than_are_remembered_cost_looks_and_nothing_else(
    disk: Disk, watch: InotifyWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retentiond.storage.watch.MOST_TOLD", 2)
    (disk.path / "cam").mkdir()
    woken = Woken()
    watch.start(woken)
    opened = [open(disk.path / "cam" / f"{number}.mp4", "wb") for number in range(3)]  # noqa: SIM115
    for file in opened:
        file.close()
    disk.write(b"last/1.mp4")
    assert soon(lambda: (MAIN, b"last") in woken.seen)
    assert woken.seen.count((MAIN, b"cam")) == 3 + 2


def test_a_new_directory_is_watched_too(disk: Disk, watch: InotifyWatch) -> None:
    woken = Woken()
    watch.start(woken)
    (disk.path / "cam").mkdir()
    assert soon(lambda: (MAIN, b"cam") in woken.seen)
    woken.seen.clear()
    disk.write(b"cam/1.mp4")
    assert soon(lambda: (MAIN, b"cam") in woken.seen)


def test_our_own_directory_wakes_nobody(disk: Disk, watch: InotifyWatch) -> None:
    woken = Woken()
    watch.start(woken)
    (disk.claimed / "run-0").write_bytes(b"x")
    assert soon(lambda: watch.watching(MAIN).proven)
    assert [directory for _, directory in woken.seen if directory.startswith(b".retentiond")] == []


def test_the_canary_proves_that_events_flow(disk: Disk, watch: InotifyWatch) -> None:
    assert not watch.watching(MAIN).proven
    watch.start(Woken())
    watch.probe()
    assert soon(lambda: watch.watching(MAIN).proven)


def test_a_watch_says_how_far_it_reaches(disk: Disk, watch: InotifyWatch) -> None:
    assert watch.watching(MAIN).directories == 0
    disk.write(b"cam/day/1.mp4")
    watch.start(Woken())
    assert soon(lambda: watch.watching(MAIN).directories == 5)  # the store, both of ours, cam, cam/day
    disk.write(b"cam/next/1.mp4")
    assert soon(lambda: watch.watching(MAIN).directories == 6)


@pytest.mark.privileged
@needs_root
def test_what_the_kernel_drops_is_counted(disk: Disk, watch: InotifyWatch) -> None:
    queue = Path("/proc/sys/fs/inotify/max_queued_events")
    before = queue.read_text()
    try:
        queue.write_text("4")
    except OSError as error:
        pytest.skip(f"the length of the kernel's queue cannot be set here: {error.strerror}")
    try:
        watch.start(Woken())
        for number in range(20_000):  # a quick reader keeps up for a while
            disk.write(b"cam%d/1.mp4" % number)
            if watch.watching(MAIN).losses:
                break
        assert soon(lambda: watch.watching(MAIN).losses > 0)
    finally:
        queue.write_text(before)


def test_a_failing_listener_does_not_end_the_watch(disk: Disk, watch: InotifyWatch) -> None:
    seen = threading.Event()

    def fail(_store: StoreName, _directory: bytes) -> None:
        seen.set()
        raise RuntimeError("a bug")

    watch.start(fail)
    disk.write(b"1.mp4")
    assert seen.wait(60)
    seen.clear()
    disk.write(b"2.mp4")
    assert seen.wait(60)


def test_a_store_that_is_replaced_is_watched_anew(disk: Disk, watch: InotifyWatch, tmp_path: Path) -> None:
    woken = Woken()
    watch.start(woken)
    disk.path.rename(tmp_path / "old")
    shutil.copytree(tmp_path / "old", disk.path)
    watch.probe()
    disk.write(b"1.mp4")
    assert soon(lambda: (MAIN, b"") in woken.seen)


def test_a_store_that_is_not_there_harms_nobody(disk: Disk, tmp_path: Path) -> None:
    other = StoreName("other")
    watch = InotifyWatch({other: str(tmp_path / "nothing"), MAIN: str(disk.path)})
    try:
        woken = Woken()
        watch.start(woken)
        watch.probe()
        assert not watch.watching(other).proven
        disk.write(b"1.mp4")
        assert soon(lambda: (MAIN, b"") in woken.seen)
    finally:
        watch.stop()


@pytest.mark.parametrize("when", ["before", "after", "moved in"])
def test_a_tree_that_is_too_deep_for_any_recursion_harms_nobody(
    disk: Disk, watch: InotifyWatch, tmp_path: Path, when: str
) -> None:
    levels = sys.getrecursionlimit() + 200
    where = tmp_path if when == "moved in" else disk.path
    woken = Woken()
    if when != "after":
        dig(where, b"deep", levels)
    try:
        watch.start(woken)
        if when == "after":
            dig(where, b"deep", levels)
        if when == "moved in":
            (where / "deep").rename(disk.path / "deep")
        watch.probe()
        assert soon(lambda: watch.watching(MAIN).proven)
        disk.write(b"cam/1.mp4")
        assert soon(lambda: (MAIN, b"cam") in woken.seen)
        woken.seen.clear()
        disk.write(b"deep" + b"/d" * 15 + b"/1.mp4")
        assert soon(lambda: (MAIN, b"deep" + b"/d" * 15) in woken.seen)
    finally:
        fill_in(_without_files(disk.path / "deep"))


def _without_files(top: Path) -> Path:
    (top / "/".join("d" * 15) / "1.mp4").unlink(missing_ok=True)
    return top


def test_a_directory_that_is_moved_is_heard_in_its_new_place(disk: Disk, watch: InotifyWatch) -> None:
    (disk.path / "cam" / "day").mkdir(parents=True)
    woken = Woken()
    watch.start(woken)
    (disk.path / "cam").rename(disk.path / "camera")
    assert soon(lambda: (MAIN, b"camera") in woken.seen)
    woken.seen.clear()
    disk.write(b"camera/day/1.mp4")
    assert soon(lambda: (MAIN, b"camera/day") in woken.seen)
    assert not [directory for _, directory in woken.seen if directory.startswith(b"cam/")]


def test_a_directory_that_is_moved_out_is_not_heard_any_more(disk: Disk, watch: InotifyWatch, tmp_path: Path) -> None:
    (disk.path / "cam" / "day").mkdir(parents=True)
    woken = Woken()
    watch.start(woken)
    (disk.path / "cam").rename(tmp_path / "archive")
    assert soon(lambda: (MAIN, b"") in woken.seen)
    woken.seen.clear()
    (tmp_path / "archive" / "day" / "1.mp4").write_bytes(b"x")
    disk.write(b"1.mp4")
    assert soon(lambda: (MAIN, b"") in woken.seen)
    assert {directory for _, directory in woken.seen} == {b""}


def test_deletions_of_our_own_wake_nobody(disk: Disk, watch: InotifyWatch) -> None:
    disk.write(b"cam/1.mp4")
    disk.write(b"event/sub/1.jpg")
    woken = Woken()
    watch.start(woken)
    assert isinstance(disk.delete(b"cam/1.mp4"), Removed)
    assert isinstance(disk.delete(b"event", Unit.DIRECTORY), Removed)
    disk.write(b"other/1.mp4")
    assert soon(lambda: (MAIN, b"other") in woken.seen)
    assert not [directory for _, directory in woken.seen if directory.startswith((b"cam", b"event"))]


def test_what_is_put_back_wakes_its_directory(disk: Disk, watch: InotifyWatch) -> None:
    disk.write(b"cam/1.mp4")
    woken = Woken()
    watch.start(woken)
    with open(disk.path / "cam" / "1.mp4", "ab"):
        assert isinstance(disk.delete(b"cam/1.mp4"), Voided)
    assert soon(lambda: (MAIN, b"cam") in woken.seen)


def test_a_store_that_is_adopted_later_is_proven_too(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    watch = InotifyWatch({MAIN: str(disk.path)})
    try:
        watch.start(Woken())
        disk.adopt()
        watch.probe()
        assert soon(lambda: watch.watching(MAIN).proven)
    finally:
        watch.stop()


@pytest.mark.parametrize("precious", [b"precious", b""])
def test_the_canary_is_not_written_through_a_link(
    disk: Disk, watch: InotifyWatch, tmp_path: Path, precious: bytes
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(precious)
    (disk.path / ".retentiond" / "canary").symlink_to(outside)
    watch.start(Woken())
    watch.probe()
    assert outside.read_bytes() == precious
    assert not watch.watching(MAIN).proven


def test_the_canary_is_not_made_behind_a_link(disk: Disk, watch: InotifyWatch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (disk.path / ".retentiond").rename(tmp_path / "own")
    (disk.path / ".retentiond").symlink_to(outside)
    watch.start(Woken())
    watch.probe()
    assert os.listdir(outside) == []


@pytest.mark.privileged
@needs_root
def test_the_canary_is_not_written_into_a_directory_of_another_user(disk: Disk, watch: InotifyWatch) -> None:
    os.chown(disk.path / ".retentiond", 65534, 65534)
    watch.start(Woken())
    assert not (disk.path / ".retentiond" / "canary").exists()


@pytest.mark.privileged
@needs_root
def test_a_disk_that_is_watched_can_be_unmounted_and_comes_back(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    woken = Woken()
    with mounted(tmp_path / "kept", "-t", "tmpfs", "none") as kept, mounted(disk.path, "--bind", str(kept)):
        disk.adopt()
        (disk.path / "cam").mkdir()
        watch = InotifyWatch({MAIN: str(disk.path)})
        try:
            watch.start(woken)
            subprocess.run(["umount", disk.path], check=True)  # busy, if anything of it were held open
            watch.probe()
            subprocess.run(["mount", "--bind", kept, disk.path], check=True)
            watch.probe()
            disk.write(b"cam/1.mp4")
            assert soon(lambda: (MAIN, b"cam") in woken.seen)
        finally:
            watch.stop()


FEW_WATCHES = """
import time
from retentiond.domain.recording import StoreName
from retentiond.storage.watch import InotifyWatch
with open("/proc/sys/user/max_inotify_watches", "w") as file:
    file.write("20")
name = StoreName("main")
watch = InotifyWatch({name: sys.argv[1]})
watch.start(lambda *_: None)
end = time.monotonic() + 5
while watch._watched[name].heard_at is None and time.monotonic() < end:
    time.sleep(0.01)
print(watch._watched[name].heard_at is not None, watch.watching(name).proven)
watch.stop()
"""


@pytest.mark.parametrize(("directories", "proven"), [(10, True), (30, False)])
def test_silence_proves_nothing_where_not_every_directory_is_watched(
    disk: Disk, directories: int, proven: bool
) -> None:
    """In a user namespace of its own, whose limit of watches binds nobody else."""
    for number in range(directories):
        (disk.path / f"cam{number}").mkdir()
    told = run_python(_ROOT_IN_NAMESPACE + FEW_WATCHES, str(disk.path))
    if told == "no namespaces":
        pytest.skip("this user may not make a user namespace")
    assert told == f"True {proven}"


_ROOT_IN_NAMESPACE = """
import ctypes, os
lines = (("setgroups", "deny"), ("uid_map", f"0 {os.getuid()} 1"), ("gid_map", f"0 {os.getgid()} 1"))
if ctypes.CDLL(None).unshare(0x10000000) != 0:
    print("no namespaces")
    sys.exit()
for name, line in lines:
    with open(f"/proc/self/{name}", "w") as file:
        file.write(line)
"""


def test_events_that_were_lost_lead_to_a_look_at_everything(disk: Disk) -> None:
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        allowed = int(file.read())
    if allowed > 50_000:
        pytest.skip("the queue of events is too long here to be filled")
    tree = TreeWatch(load_system_calls(), str(disk.path))
    tree.open()
    try:
        for number in range(allowed // 2):
            disk.write(b"%d" % number, b"")
        (disk.path / "late").mkdir()
        changes = read_all(tree)
        assert Change(What.CREATED, b"", b"", is_directory=True) in changes
        disk.write(b"late/1.mp4")
        assert Change(What.CLOSED, b"late", b"1.mp4", is_directory=False) in read_all(tree)
    finally:
        tree.close()


def test_a_tree_that_is_dug_while_it_is_watched_takes_no_watch_below_16_levels(disk: Disk) -> None:
    tree = TreeWatch(load_system_calls(), str(disk.path))
    tree.open()
    try:
        before = watches_of(tree)
        dig(disk.path, b"deep", 200)
        for level in range(1, 40):
            (disk.path / "deep" / "/".join("d" * level) / "more").mkdir()
            read_all(tree)
        assert watches_of(tree) - before == 16 + 14  # the levels, and what was made in those above the last
    finally:
        tree.close()


def watches_of(tree: TreeWatch) -> int:
    with open(f"/proc/self/fdinfo/{tree.descriptor}", encoding="ascii") as file:
        return sum(line.startswith("inotify wd:") for line in file)


def read_all(tree: TreeWatch) -> list[Change]:
    found = []
    while changes := tree.read():
        found += changes
    return found


def test_stopping_leaves_no_thread_and_no_descriptor(disk: Disk) -> None:
    before = os.listdir("/proc/self/fd"), threading.active_count()
    watch = InotifyWatch({MAIN: str(disk.path)})
    watch.start(Woken())
    watch.probe()
    watch.stop()
    assert soon(lambda: (os.listdir("/proc/self/fd"), threading.active_count()) == before)


def test_a_watch_that_is_off_proves_nothing() -> None:
    watch = NoWatch()
    watch.start(Woken())
    watch.probe()
    assert not watch.watching(MAIN).proven
    watch.stop()


def test_a_store_needs_no_watchdog() -> None:
    code = "import sys, retentiond.storage.store; sys.exit('watchdog' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-B", "-c", code]) == 0
