"""Cases of docs/reliability.md: a daemon beside another, looks that write nothing, and a disk that is slow."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.daemon import Daemon, Surroundings
from retentiond.domain.finding import FindingKind
from retentiond.domain.run import CHUNK
from tests.fakes.observer import RememberingObserver, WatchOff
from tests.integration.cases.told import told
from tests.integration.enforce.test_runs import DUE, backlog
from tests.integration.storage.disk import run_python
from tests.system.harness import Site, needs, register_of
from tests.system.warm import Warm, calls_in
from tests.world import BEGIN, World, book

DAY = timedelta(days=1)

CHANGES = frozenset(
    {
        "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat",
        "symlink",
        "symlinkat", "truncate", "ftruncate", "write", "pwrite64", "writev", "chmod", "fchmod", "fchmodat", "chown",
        "fchown", "fchownat", "lchown", "utimensat", "utime", "utimes", "futimesat", "fallocate", "setxattr",
        "fsetxattr",
        "removexattr", "copy_file_range", "sendfile", "mknod", "mknodat",
    }
)  # fmt: skip
WITHOUT_STORE = ("audit", "findings", "config", "status")
OPENS = ("open", "openat", "openat2", "creat")
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Warm]]:
    """A store with old and young recordings, and what runs commands on it under strace."""
    needs("strace")
    root = tmp_path_factory.mktemp("observed")
    site = Site(root / "site", register=register_of("hall"), mode="observe")
    now = datetime.now(UTC).replace(microsecond=0)
    for age in (45 * DAY, 31 * DAY, DAY):
        site.record("hall", now - age)
    with Warm(root) as warm:
        assert warm.run("clock", "accept", "--wall", now.isoformat(), "--config", str(site.config)) == 0
        yield site, warm


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--once"),
        ("plan",),
        ("plan", "--at", "2099-01-01T00:00:00+00:00"),
        ("check",),
        ("status",),
        ("doctor",),
        ("store", "list"),
        ("store", "show", "main"),
        ("find", "--camera", "hall", "--from", "2020-01-01T00:00:00+00:00", "--to", "2099-01-01T00:00:00+00:00"),
        ("findings", "list"),
        ("audit", "verify"),
        ("config", "check"),
    ],
    ids=" ".join,
)
def test_case_55_what_only_looks_writes_nothing_below_the_store(
    site: tuple[Site, Warm], words: tuple[str, ...]
) -> None:
    """The kernel's word for it: every call that could change something, with the path that each descriptor is of."""
    place, warm = site
    log = place.root / "calls"
    status = warm.run_traced(("-f", "-y", "-o", str(log)), *words, "--config", str(place.config))
    assert status in (0, 1, 69), warm.complaints
    calls = calls_in(log)
    assert any(str(place.store) in arguments for _, arguments in calls) or words[0] in WITHOUT_STORE
    changes = [
        (name, arguments)
        for name, arguments in calls
        if str(place.store) in arguments and (name in CHANGES or (name in OPENS and WRITING.search(arguments)))
    ]
    assert changes == []
    assert len(place.files()) == 3


def test_case_27_a_second_daemon_on_the_same_state_is_refused(site: tuple[Site, Warm]) -> None:
    place, warm = site
    with place.running():
        for words in (("run",), ("run", "--once")):
            assert warm.run(*words, "--config", str(place.config)) == 75
            (said,) = warm.complaints
            assert said == (
                f"retentiond: {place.state}/lock: another retentiond works on this state directory; stop it first"
            )


class Manager:
    """A service manager that counts how often it was told that work goes on."""

    def __init__(self) -> None:
        self.fed = 0

    def watchdog(self) -> None:
        self.fed += 1

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def test_case_58_a_run_that_takes_longer_than_the_watchdog_feeds_it_before_every_chunk(world: World) -> None:
    manager = Manager()
    fed: list[int] = []

    def attach() -> None:
        silent: Any = manager
        around = Surroundings(
            watch=WatchOff(),
            anchorage=silent,
            devices=silent,
            observer=RememberingObserver(),
            manager=silent,
            log=silent,
            reload=lambda: world.book,
            scan_interval=DAY,
            scan_rate=None,
            give_way=lambda: None,
            report_interval=DAY,
            watchdog_s=0.0,  # so short that every word of progress is passed on
        )
        daemon = Daemon(world.cycle, around)

        def progress() -> bool:
            stopping = daemon.stopping()
            fed.append(manager.fed)
            return stopping

        world.between_chunks = progress

    backlog(world, attach)
    assert len(world.records("recording.deleted")) == DUE
    assert DUE > 2 * CHUNK
    assert fed == [1, 2]


def test_case_52_a_period_that_is_cut_from_thirty_days_to_three_waits_and_is_told(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, 200, every=timedelta(hours=2))
    world.scan()
    before = world.files()
    world.cycle.replace_book(book("3d"))
    world.cycle.tick()
    assert world.files() == before
    item = told(world, FindingKind.WAITING_FOR_APPROVAL)
    assert re.match(r"store 'main' has 200 recordings due and waiting: .+", item.message)
    assert re.search(r"retentiond approve main-[0-9a-f]{8} --count 200 --digest [0-9a-f]{64}", item.remedy)
    world.pass_time(11 * DAY, look_every=timedelta(hours=6))
    gone = [line["rec"]["path"] for line in world.records("recording.deleted")]
    assert 0 < len(gone) < 200, "the old period goes on meanwhile"
    assert all(line["age_s"] >= 30 * 86_400 - 60 for line in world.records("recording.deleted"))


CROWD = """
import os, resource, tempfile
from datetime import timedelta
from pathlib import Path
from tests.world import BEGIN, World
files, cameras = (int(word) for word in sys.argv[2:])
world = World(Path(sys.argv[1]))
world.start()
world.scan()
day = BEGIN - timedelta(days=1)
crowd = world.store_path / "crowd" / f"{day:%Y-%m-%d}"
crowd.mkdir(parents=True)
for number in range(files):
    second = day + timedelta(seconds=number)
    os.close(os.open(crowd / f"{second:%H-%M-%S}.mp4", os.O_CREAT | os.O_WRONLY))
for camera in range(cameras):
    directory = world.store_path / f"cam-{camera:05}" / f"{day:%Y-%m-%d}"
    directory.mkdir(parents=True)
    (directory / "12-00-00.mp4").touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
world.scan()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
streams = world.catalogue.streams(world.keeper.name)
print(len(streams), sum(count for _, count in streams), grown)
world.stop()
"""


def test_case_34_ten_thousand_cameras_and_a_directory_of_many_files_take_bounded_memory(tmp_path: Path) -> None:
    """A part of it here, and in a process of its own, whose memory was never larger before."""
    said = run_python(CROWD, str(tmp_path), "10000", "300")
    streams, recordings, grown_kib = (int(word) for word in said.split())
    assert (streams, recordings) == (301, 10_300)
    assert grown_kib < 40 * 1024, f"{grown_kib} KiB more than before"
