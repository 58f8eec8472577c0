"""A store in which somebody with FTP access has made whatever he liked, and the daemon at work on it.

These are cases 38 to 41 of the catalogue of disasters that the project keeps, through the real daemon and every
command that shows anything. Parts of them are tried closer to where they can go wrong: names in
tests/integration/storage/test_claim.py (`test_a_recording_of_any_name_goes`), in tests/integration/storage/test_walk.py
and in tests/unit/domain/test_names.py, objects in `test_only_a_regular_file_is_a_recording` and
`test_a_device_is_no_recording`, the page and the metrics in tests/unit/observe/test_discretion.py.
"""

import json
import os
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Make
from tests.integration.cli.place import Place
from tests.integration.cli.test_every_command import objects, texts

NAMES = (
    b"line\nBREACH forged: all is well",
    b"\x1b[2J\x1b[1;31mred",
    "\u202egnp.exe".encode(),
    b"latin-\xff\xfe",
    "n\u00e4chste\u2028Zeile".encode(),
    b"N" * 255,
    b"-rf",
    b"%s%n",
    b"{0.__class__}",
    b"=cmd|' calc'!A0",
    b"<script>alert(1)",
    b"$(reboot)`reboot`;reboot",
    b"tab\tand\\backslash",
    b" ",
)
SHOWING = (
    "status",
    "check",
    "plan",
    "findings list",
    "store list",
    "store show main",
    "audit show",
    "audit verify",
    "doctor",
)
DEEP = 3000


class Zoo:
    """A place whose store holds one old and one new recording in each oddly named directory, and odd objects."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.old, self.new = self.now - timedelta(days=40), self.now - timedelta(days=10)
        for name in NAMES:
            for start in (self.old, self.new):
                self.put(name, start)
        self.objects = list(self.put_objects())
        self.dig()

    @property
    def store(self) -> bytes:
        return os.fsencode(self.place.store)

    def path(self, camera: bytes, start: datetime) -> bytes:
        return os.path.join(self.store, camera, f"{start:%Y-%m-%d/%H-%M-%S.mp4}".encode())

    def put(self, camera: bytes, start: datetime) -> None:
        path = self.path(camera, start)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"a recording")
        os.utime(path, (start.timestamp() + 1, start.timestamp() + 1))

    def put_objects(self) -> Iterator[bytes]:
        """Make what is no recording under names that are those of old ones."""
        for number, kind in enumerate(("pipe", "socket", "device", "directory", "link", "link to a directory")):
            path = self.path(b"objects", self.old + timedelta(minutes=number))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            match kind:
                case "pipe":
                    os.mkfifo(path)
                case "socket":
                    with socket.socket(socket.AF_UNIX) as made:
                        directory = os.open(os.path.dirname(path), os.O_PATH)
                        made.bind(f"/proc/self/fd/{directory}/{os.fsdecode(os.path.basename(path))}")
                        os.close(directory)
                case "device" if os.getuid() == 0:
                    os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 5))
                case "link":
                    os.symlink(self.place.config, path)
                case "link to a directory":
                    os.symlink(self.place.config.parent, path)
                case _:
                    os.mkdir(path)
            yield path

    def dig(self) -> None:
        """Make directories in one another, far deeper than a path can say."""
        here = os.open(self.store, os.O_DIRECTORY)
        for _ in range(DEEP):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)


@pytest.fixture(scope="module")
def zoo(make: Make) -> Iterator[Zoo]:
    made = Zoo(make())
    place = made.place
    try:
        with place.running():
            place.accept_clock()
            place.wait(place.is_waiting, "a plan")
            assert place.approve_all() == len(NAMES) + 2
            place.wait(lambda: place.call_json("status")["overdue"] == 0, "all that is old to be deleted")
            yield made
    finally:
        subprocess.run(["rm", "-rf", str(place.store)], check=True)  # rmtree(3.11) gives up before level 1,000


def test_38_what_is_old_goes_under_any_name_and_what_is_new_stays(zoo: Zoo) -> None:
    for name in NAMES:
        assert not os.path.lexists(zoo.path(name, zoo.old)), name
        assert os.path.lexists(zoo.path(name, zoo.new)), name
    deleted = [line["rec"]["path"] for line in zoo.place.lines() if line["type"] == "recording.deleted"]
    assert len(deleted) == len(set(deleted)) == len(NAMES) + 2
    assert all(path.isprintable() for path in deleted)


@pytest.mark.parametrize("command", SHOWING)
def test_38_people_read_one_escaped_line(zoo: Zoo, command: str) -> None:
    done = zoo.place.call(*command.split())
    assert done.status in (0, 1), done
    assert done.err == ""
    assert all(line.isprintable() for line in done.out.splitlines())
    assert not any(line.startswith("BREACH forged") for line in done.out.splitlines())


@pytest.mark.parametrize("command", SHOWING)
def test_38_programs_read_valid_json_of_text_that_can_be_written_anywhere(zoo: Zoo, command: str) -> None:
    done = zoo.place.call(*command.split(), "--json")
    assert done.status in (0, 1), done
    for found in objects(done):
        for text in texts(found):
            text.encode("utf-8")  # 39: half a surrogate pair cannot


@pytest.mark.parametrize("name", NAMES)
def test_38_a_camera_is_found_by_the_name_that_is_shown(zoo: Zoo, name: bytes) -> None:
    streams = zoo.place.call_json("store", "show", "main")["streams"]
    shown = {stream["camera"] for stream in streams}
    found = {
        camera: [item["deleted_at"] is None for item in zoo.place.call_json("find", f"--camera={camera}")["recordings"]]
        for camera in shown
        if camera.encode() == name or camera == escaped(name)
    }
    assert list(found.values()) == [[False, True]]


def escaped(name: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x5C else f"\\x{byte:02x}" for byte in name)


@pytest.mark.parametrize("page", ["/metrics", "/api/status", "/"])
def test_39_the_endpoint_serves_whole_utf_8_whatever_the_names(zoo: Zoo, page: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{zoo.place.port}{page}", timeout=10) as answer:
        text = answer.read().decode("utf-8")
    assert answer.status == 200
    assert "\x1b" not in text
    assert "\u202e" not in text
    if page == "/":
        assert "<script>alert" not in text
    if page == "/api/status":
        json.loads(text)


def test_39_logs_stay_json_a_line_and_name_nobody(zoo: Zoo) -> None:
    for line in (zoo.place.root / "daemon.log").read_bytes().splitlines():
        assert "event" in json.loads(line)
        for word in (b"forged", b"reboot", b".mp4"):
            assert word not in line


def test_40_directories_too_deep_are_a_finding_and_hold_up_nothing(zoo: Zoo) -> None:
    found = {item["kind"]: item for item in zoo.place.call_json("findings", "list")["findings"]}
    assert "deeper than 16 levels" in found["store_too_deep"]["message"]
    assert zoo.place.call_json("status")["overdue"] == 0
    assert os.path.isdir(os.path.join(zoo.store, *[b"d"] * 40))


def test_41_what_is_no_recording_stays_and_is_told(zoo: Zoo) -> None:
    assert all(os.path.lexists(path) for path in zoo.objects)
    assert Path(zoo.place.config).exists()
    shown = zoo.place.call_json("store", "show", "main")
    told = {os.path.join(zoo.store, path.encode()) for path in shown["sample"]}
    assert set(zoo.objects) - told == {path for path in zoo.objects if stat.S_ISDIR(os.lstat(path).st_mode)}
    kinds = {item["kind"] for item in zoo.place.call_json("findings", "list")["findings"]}
    assert "unclassified_files" in kinds
    assert "objects" not in {stream["camera"] for stream in shown["streams"]}


def test_41_nothing_of_it_was_ever_opened_for_reading(make: Make) -> None:
    """A pipe would be waited at, and a device answer for ever."""
    from tests.system.warm import calls_in

    place = make()
    pipe = place.store / "entrance" / "2026-01-01" / "00-00-00.mp4"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    log = place.root / "strace"
    trace = ["-f", "-e", "trace=open,openat,openat2", "-s", "4096", "-o", str(log)]
    assert place.warm.run_traced(trace, "run", "--once", "--config", str(place.config)) == 1
    opened = [arguments for _, arguments in calls_in(log) if "00-00-00.mp4" in arguments]
    assert all("O_PATH" in arguments for arguments in opened), opened
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
