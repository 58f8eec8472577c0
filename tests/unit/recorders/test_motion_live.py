"""Motion's configuration belongs to somebody else: it changes, breaks and comes back while the daemon runs."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Recognised, StoreName, Unclassified
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.classifier import FORMER_LAYOUTS
from retentiond.recorders.motion import FORGETFUL
from retentiond.recorders.motion_memory import KEPT, MotionFile, MotionMemory, format_memory, parse_memory
from retentiond.recorders.registry import AnyRecorder, build_recorder

GOOD = "target_dir $STORE\ncamera_name hall\n"
FILM = b"01-20261123031139.mkv"
NONSENSE = [
    f'{{"schema": "retentiond.motion/1", "configurations": {listed}}}' for listed in ("1", "[1]", "[[1]]", "[[{}]]")
]


class Motion:
    """A store, a configuration and the recorder that reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "motion.conf"
        (root / "store").mkdir()

    def configure(self, text: str, name: str = "motion.conf") -> None:
        (self.root / name).write_text(text.replace("$STORE", str(self.root / "store")))

    def memory(self) -> MotionFile:
        return MotionFile(str(self.root / "motion-main.json"), writes=True)

    def restarted(self) -> AnyRecorder:
        """Return the recorder as the next process builds it."""
        return self.build(memory=self.memory())

    def build(self, layouts: tuple[str, ...] = (), memory: MotionMemory = FORGETFUL) -> AnyRecorder:
        return build_recorder(
            "motion",
            store=StoreName("main"),
            store_path=str(self.root / "store"),
            timezone="UTC",
            layouts=layouts,
            recorder_config=str(self.conf),
            memory=memory,
        )

    def built(self, text: str) -> AnyRecorder:
        self.configure(text)
        return self.build()


@pytest.fixture
def motion(tmp_path: Path) -> Motion:
    return Motion(tmp_path)


def look(recorder: AnyRecorder) -> None:
    """Do what each report does; what is wrong is told by `trouble` as well."""
    try:
        recorder.devices()
    except StorageError as error:
        assert str(error) == recorder.trouble


def camera_of(recorder: AnyRecorder, path: bytes) -> str | None:
    directory, _, name = path.rpartition(b"/")
    (sighting,) = recorder.classify(directory, [Entry(name, EntryKind.FILE)])
    return sighting.camera if isinstance(sighting, Recognised) else None


def start_of(recorder: AnyRecorder, path: bytes) -> datetime | None:
    (sighting,) = recorder.classify(b"", [Entry(path, EntryKind.FILE)])
    return sighting.start if isinstance(sighting, Recognised) else None


# --- it cannot be used ----------------------------------------------------------------------------------------


def test_a_configuration_that_is_missing_classifies_nothing_and_says_why(motion: Motion) -> None:
    recorder = motion.build()
    assert not recorder.ready
    with pytest.raises(StorageError, match=r"motion\.conf: the recorder's configuration cannot be read"):
        recorder.classify(b"", [Entry(FILM, EntryKind.FILE)])
    with pytest.raises(StorageError, match="give the daemon's user the right to read it"):
        recorder.devices()
    assert not recorder.is_past(b"2026-11-23", datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file that root may not read, with a pipe or not")
@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "loop", "huge"])
def test_what_is_no_configuration_is_a_trouble_and_nobody_waits_for_it(motion: Motion, kind: str) -> None:
    match kind:
        case "directory":
            motion.conf.mkdir()
        case "pipe":
            os.mkfifo(motion.conf)
        case "device":
            motion.conf.symlink_to("/dev/zero")
        case "loop":
            motion.conf.symlink_to(motion.conf)
        case _:
            motion.conf.write_bytes(b"#" * (1 << 21))
    before = len(os.listdir("/proc/self/fd"))
    recorder = motion.build()
    assert not recorder.ready
    assert recorder.trouble is not None
    assert str(motion.conf) in recorder.trouble
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_of_cameras_that_is_missing_is_a_trouble(motion: Motion) -> None:
    assert "cannot be listed" in (motion.built("target_dir $STORE\ncamera_dir gone.d\n").trouble or "")


def test_a_configuration_that_is_mended_is_in_force_at_the_next_look(motion: Motion) -> None:
    recorder = motion.build()
    look(recorder)
    motion.configure(GOOD)
    look(recorder)
    assert recorder.ready
    assert recorder.trouble is None
    assert camera_of(recorder, FILM) == "hall"


@pytest.mark.parametrize("broken", [None, "camera_id one\n", "", "target_dir /srv/elsewhere\n"])
def test_while_it_is_broken_the_names_read_last_stay_in_force(motion: Motion, broken: str | None) -> None:
    recorder = motion.built(GOOD)
    if broken is None:
        motion.conf.unlink()
    else:
        motion.configure(broken)
    look(recorder)
    assert recorder.ready
    assert recorder.trouble is not None
    assert camera_of(recorder, FILM) == "hall"
    motion.configure(GOOD)
    look(recorder)
    assert recorder.trouble is None


def test_cameras_are_told_even_if_their_names_cannot_be_read_back(motion: Motion) -> None:
    recorder = motion.built("target_dir $STORE\ncamera_name hall\nmovie_filename %B\nmovie_passthrough on\n")
    assert [(device.camera, device.records_audio) for device in recorder.devices()] == [("hall", True)]
    assert "%B cannot be read back" in (recorder.trouble or "")


def test_one_cameras_trouble_is_not_the_others(motion: Motion) -> None:
    motion.configure("camera_name hall\ntarget_dir $STORE/hall\n", "hall.conf")
    motion.configure("camera_name yard\ntarget_dir $STORE/yard\nmovie_filename %B\n", "yard.conf")
    recorder = motion.built("camera hall.conf\ncamera yard.conf\n")
    assert recorder.ready
    assert "camera 'yard'" in (recorder.trouble or "")
    assert camera_of(recorder, b"hall/" + FILM) == "hall"
    assert camera_of(recorder, b"yard/" + FILM) is None
    assert camera_of(recorder, b"yard/01-20261123031139-snapshot.jpg") == "yard"


@pytest.mark.parametrize("target", ["$STORE", "$STORE/below"])
def test_a_name_that_may_be_of_a_camera_that_cannot_be_read_is_nobodys(motion: Motion, target: str) -> None:
    motion.configure("camera_name hall\ntarget_dir $STORE\n", "hall.conf")
    recorder = motion.built("camera hall.conf\n")
    assert camera_of(recorder, FILM) == "hall"
    # %e is the day of the month, so that the films of the yard look like those of the hall.
    motion.configure(f"camera_name yard\ntarget_dir {target}\nmovie_filename %e-%Y%m%d%H%M%S\n", "yard.conf")
    motion.configure("camera hall.conf\ncamera yard.conf\n")
    look(recorder)
    assert camera_of(recorder, FILM) is None


def test_a_camera_that_joins_another_one_under_the_same_names_makes_them_nobodys(motion: Motion) -> None:
    motion.configure("camera_name hall\ntarget_dir $STORE\n", "hall.conf")
    motion.configure("camera_name yard\ntarget_dir $STORE\n", "yard.conf")
    recorder = motion.built("camera hall.conf\n")
    assert camera_of(recorder, FILM) == "hall"
    motion.configure("camera hall.conf\ncamera yard.conf\n")
    look(recorder)
    assert camera_of(recorder, FILM) is None
    assert "both write the same names" in (recorder.trouble or "")


# --- it changes -----------------------------------------------------------------------------------------------


def test_new_names_are_in_force_and_old_ones_are_still_read(motion: Motion) -> None:
    recorder = motion.built(GOOD)
    motion.configure(GOOD + "movie_filename %Y-%m-%d/%H-%M-%S\n")
    assert camera_of(recorder, b"2026-11-23/03-11-39.mkv") is None
    look(recorder)
    assert camera_of(recorder, b"2026-11-23/03-11-39.mkv") == "hall"
    assert camera_of(recorder, FILM) == "hall"
    assert start_of(recorder, FILM) == datetime(2026, 11, 23, 3, 11, 39, tzinfo=UTC)


def test_a_start_that_old_and_new_names_read_differently_is_none(motion: Motion) -> None:
    recorder = motion.built(GOOD + "movie_filename %v-%Y%m%d%H%M%S\n")
    motion.configure(GOOD + "movie_filename %v-%Y%d%m%H%M%S\n")
    look(recorder)
    assert camera_of(recorder, b"01-20261211101010.mkv") is None  # 11 December, or 12 November
    assert start_of(recorder, b"01-20261130101010.mkv") == datetime(2026, 11, 30, 10, 10, 10, tzinfo=UTC)
    assert start_of(recorder, b"01-20263011101010.mkv") == datetime(2026, 11, 30, 10, 10, 10, tzinfo=UTC)


def test_a_camera_that_was_renamed_goes_on_under_its_new_name(motion: Motion) -> None:
    recorder = motion.built(GOOD)
    motion.configure(GOOD.replace("hall", "lobby"))
    look(recorder)
    assert camera_of(recorder, FILM) == "lobby"


def test_a_camera_that_was_removed_leaves_its_recordings_recognised(motion: Motion) -> None:
    motion.configure("camera_name hall\ntarget_dir $STORE/hall\n", "hall.conf")
    motion.configure("camera_name yard\ntarget_dir $STORE/yard\n", "yard.conf")
    recorder = motion.built("camera hall.conf\ncamera yard.conf\n")
    motion.configure("camera hall.conf\n")
    look(recorder)
    assert camera_of(recorder, b"yard/" + FILM) == "yard"


def test_a_former_name_in_doubt_is_nobodys(motion: Motion) -> None:
    cameras = "camera one.conf\ncamera two.conf\n"
    motion.configure("camera_name hall\n", "one.conf")
    motion.configure("camera_name hall-01\n", "two.conf")
    recorder = motion.built("target_dir $STORE\nmovie_filename %$-%v-%Y%m%d%H%M%S\n" + cameras)
    assert camera_of(recorder, b"hall-01-01-20261123031139.mkv") == "hall-01"
    motion.configure("target_dir $STORE\nmovie_filename %$/%v-%Y%m%d%H%M%S\n" + cameras)
    look(recorder)
    assert camera_of(recorder, b"hall-01/01-20261123031139.mkv") == "hall-01"
    assert camera_of(recorder, b"yard-01-20261123031139.mkv") == "yard"


def test_layouts_of_the_operator_outlive_every_change(motion: Motion) -> None:
    motion.configure(GOOD)
    recorder = motion.build(("old/{camera}-%Y%m%d.avi",))
    motion.configure("target_dir $STORE\nmovie_filename %B\n")
    look(recorder)
    motion.configure(GOOD)
    look(recorder)
    assert camera_of(recorder, b"old/hall-20261123.avi") == "hall"


def test_only_so_many_former_layouts_are_remembered(motion: Motion) -> None:
    recorder = motion.built(GOOD)
    for number in range(FORMER_LAYOUTS):
        motion.configure(GOOD + f"movie_filename {number}-%Y%m%d%H%M%S\n")
        look(recorder)
    assert camera_of(recorder, FILM) is None
    assert camera_of(recorder, b"%d-20261123031139.mkv" % (FORMER_LAYOUTS - 2)) == "hall"


def test_going_back_and_forth_forgets_nothing(motion: Motion) -> None:
    recorder = motion.built(GOOD)
    for number in range(FORMER_LAYOUTS):
        motion.configure(GOOD + f"movie_filename {number % 2}-%Y%m%d%H%M%S\n")
        look(recorder)
    assert camera_of(recorder, FILM) == "hall"


def test_directories_of_former_names_still_lead_to_recordings_and_are_still_pruned(motion: Motion) -> None:
    recorder = motion.built(GOOD + "movie_filename %Y-%m-%d/%H-%M-%S\n")
    motion.configure(GOOD)
    look(recorder)
    (sighting,) = recorder.classify(b"", [Entry(b"2026-11-23", EntryKind.DIRECTORY)])
    assert sighting != Unclassified()
    assert recorder.is_past(b"2026-11-23", datetime(2026, 12, 23, tzinfo=UTC))


def test_one_thread_may_classify_while_another_one_looks(motion: Motion) -> None:
    recorder = motion.built(GOOD)
    wrong: list[object] = []
    stop = threading.Event()

    def classify() -> None:
        while not stop.is_set():
            if camera_of(recorder, FILM) != "hall":
                wrong.append("not the hall's")

    thread = threading.Thread(target=classify)
    thread.start()
    for number in range(60):
        motion.configure(GOOD + (f"movie_filename {number}-%s\n" if number % 2 else ""))
        look(recorder)
    stop.set()
    thread.join()
    assert wrong == []


# --- after a restart ------------------------------------------------------------------------------------------


def test_what_an_earlier_configuration_named_is_recognised_after_a_restart(motion: Motion) -> None:
    motion.configure(GOOD)
    assert camera_of(motion.restarted(), FILM) == "hall"
    motion.configure(GOOD + "movie_filename films/%Y/%m-%d/%H%M%S\n")
    recorder = motion.restarted()
    assert camera_of(recorder, b"films/2026/11-23/031139.mkv") == "hall"
    assert camera_of(recorder, FILM) == "hall"
    assert camera_of(motion.restarted(), FILM) == "hall"
    assert camera_of(motion.build(), FILM) is None  # only the memory knows


def test_a_start_without_the_configuration_goes_on_with_the_one_remembered(motion: Motion) -> None:
    motion.configure(GOOD)
    motion.restarted()
    motion.conf.unlink()
    recorder = motion.restarted()
    assert recorder.ready
    assert recorder.trouble is not None
    assert camera_of(recorder, FILM) == "hall"


def test_a_memory_that_is_damaged_is_a_trouble_and_the_configuration_counts(motion: Motion) -> None:
    motion.configure(GOOD)
    motion.restarted()
    memory = motion.root / "motion-main.json"
    memory.write_text("{")
    motion.configure(GOOD + "movie_filename films/%Y/%m-%d/%H%M%S\n")
    recorder = motion.restarted()
    assert str(memory) in (recorder.trouble or "")
    assert camera_of(recorder, b"films/2026/11-23/031139.mkv") == "hall"
    assert memory.read_text() == "{"
    memory.unlink()
    look(recorder)
    assert recorder.trouble is None


def test_a_command_that_only_looks_writes_nothing(motion: Motion) -> None:
    motion.configure(GOOD)
    motion.build(memory=MotionFile(str(motion.root / "motion-main.json"), writes=False))
    assert sorted(path.name for path in motion.root.iterdir()) == ["motion.conf", "store"]


def test_configurations_are_remembered_once_and_not_without_end(motion: Motion) -> None:
    for number in range(KEPT + 5):
        motion.configure(GOOD + f"movie_filename {number}-%Y%m%d%H%M%S\n")
        motion.restarted()
        motion.restarted()
    kept = motion.memory().load()
    assert len(kept) == KEPT
    assert kept[-1][0].movies == f"{KEPT + 4}-%Y%m%d%H%M%S"
    assert parse_memory(format_memory(kept)) == kept


def test_names_that_are_no_text_survive_in_the_memory(motion: Motion) -> None:
    text = GOOD.replace("$STORE", str(motion.root / "store")).replace("hall", "h\udcff")
    motion.conf.write_bytes(text.encode("utf-8", "surrogateescape"))
    first = motion.restarted()
    motion.conf.unlink()
    assert camera_of(motion.restarted(), FILM) == camera_of(first, FILM) is not None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"schema": "retentiond.motion/2", "configurations": []}', *NONSENSE]
)
def test_a_memory_that_was_never_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is|a camera|list|Expecting"):
        parse_memory(text.encode())
