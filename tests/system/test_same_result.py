"""What is deleted does not depend on the watcher, on the catalogue's file, or on the daemon having run all the time."""

import signal
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.system.evidence import Scene
from tests.system.harness import Site, deletions, register_of

pytestmark = pytest.mark.system

PERIOD, MARGIN = timedelta(days=30), timedelta(seconds=60)
CAMERAS = ("hall", "door")
QUIET = {"audit_unsigned"}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def film(site: Site, starts: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    """Put recordings into the store; return their paths below it with the instant at which each falls due."""
    return {str(site.record(*item).relative_to(site.store)): item[1] + PERIOD - MARGIN for item in starts}


def some(end: datetime, count: int, every: timedelta = timedelta(hours=2)) -> list[tuple[str, datetime]]:
    """Return the starts of recordings, the newest at `end`, of both cameras by turns."""
    return [(CAMERAS[number % len(CAMERAS)], end - every * number) for number in range(count)]


def scene_of(site: Site, due: dict[str, datetime]) -> Scene:
    bystanders = {path: path.read_bytes() for path in site.files() if str(path.relative_to(site.store)) not in due}
    return Scene(site.store, site.state, due, bystanders)


def hold(site: Site, scene: Scene, *, killed: bool = False) -> None:
    """The result that each way has to come to: all that is due is gone, once, and nothing else.

    What a kill met between intent and claim is void, and intended once more.
    """
    scene.hold_to_promise_at_rest()
    assert scene.open_findings() == QUIET
    _, outcomes = deletions(scene.lines())
    expected = [["recording.deleted"], ["deletion.void", "recording.deleted"]] if killed else [["recording.deleted"]]
    assert outcomes.keys() == scene.due.keys()
    assert all(story in expected for story in outcomes.values())
    site.must("audit", "verify")


def is_scanned(site: Site) -> bool:
    return bool(site.ask("plan")["stores"][0]["scanned"])


def holds(site: Site, count: int) -> bool:
    """Tell whether the daemon knows of so many recordings."""
    return bool(site.ask("status")["stores"][0]["recordings"] == count)


def is_done(scene: Scene) -> bool:
    return not scene.present()


def waits(site: Site) -> bool:
    """Tell whether the daemon says that a plan waits."""
    return site.ask("status")["stores"][0]["waiting"] is not None


def test_without_the_watcher_the_result_is_the_same(tmp_path: Path) -> None:
    """Recordings that come while the daemon runs and soon fall due: a hint finds them at once, a scan in time."""
    sites = {
        watch: Site(tmp_path / str(watch), register=register_of(*CAMERAS), watch=watch, more="scan_interval: 1min\n")
        for watch in (True, False)
    }
    begin = now()
    young = some(begin - timedelta(hours=1), 6)
    old = some(begin - PERIOD - timedelta(days=1), 8)
    late = some(begin - PERIOD + MARGIN + timedelta(seconds=85), 4, timedelta(seconds=1))
    with ExitStack() as stack:
        scenes = []
        for site in sites.values():
            film(site, young)
            due = film(site, old)
            stack.enter_context(site.running())
            site.accept_clock()
            site.wait(partial(waits, site), "the plan")
            assert site.approve_all() == len(old)
            scenes.append(scene_of(site, due | film(site, late)))
        for site, scene in zip(sites.values(), scenes, strict=True):
            site.wait(partial(is_done, scene), "what falls due to go", 150)
            site.wait(partial(holds, site, len(young)), "the report")
    remaining = []
    for site, scene in zip(sites.values(), scenes, strict=True):
        hold(site, scene)
        remaining.append({path.relative_to(site.store) for path in site.files()})
    assert remaining[0] == remaining[1]


def test_a_catalogue_that_was_deleted_costs_an_approval_and_nothing_else(tmp_path: Path) -> None:
    site = Site(tmp_path, register=register_of(*CAMERAS))
    begin = now()
    film(site, some(begin - timedelta(hours=1), 6))
    first = some(begin - PERIOD - timedelta(days=1), 8)
    soon = some(begin - PERIOD + MARGIN + timedelta(seconds=10), 4, timedelta(seconds=1))
    scene = scene_of(site, film(site, first) | film(site, soon))
    with site.running():
        site.accept_clock()
        site.wait(lambda: is_scanned(site), "the scan")
    assert scene.present() == set(scene.due)
    for path in site.state.glob("catalogue.db*"):
        path.unlink()
    site.wait(lambda: now() > max(scene.due.values()), "all to be due")
    with site.running():
        site.wait(lambda: is_scanned(site) and waits(site), "the plan")
        assert scene.present() == set(scene.due), "deleted what nothing explains any more"
        assert site.approve_all() == len(scene.due)
        site.wait(lambda: not scene.present(), "the deletions")
        site.wait(lambda: not waits(site), "the report")
    hold(site, scene)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_in_the_middle_of_a_run_changes_nothing(tmp_path: Path, how: signal.Signals) -> None:
    site = Site(tmp_path, register=register_of(*CAMERAS))
    begin = now()
    film(site, some(begin - timedelta(hours=1), 1600, timedelta(minutes=1)))
    scene = scene_of(site, film(site, some(begin - PERIOD - timedelta(days=1), 1500, timedelta(minutes=3))))
    with site.running():
        site.accept_clock()
        site.wait(lambda: waits(site), "the plan")
        assert site.approve_all() == len(scene.due)
        deadline = time.monotonic() + 60
        while len(scene.present()) == len(scene.due) and time.monotonic() < deadline:
            time.sleep(0.002)
        status = site.stop(how)
        assert status == (0 if how is signal.SIGTERM else -how)
    left = len(scene.present())
    assert 0 < left < len(scene.due), "the daemon was not stopped in the middle of its run"
    scene.hold_to_promise_at_any_instant()
    if how is signal.SIGTERM:
        assert scene.open_claims() == set(), "a clean stop leaves nothing open"
    with site.running():
        site.wait(lambda: not scene.present(), "the rest to go, approved already")
        site.wait(lambda: not waits(site), "the report")
    hold(site, scene, killed=how is signal.SIGKILL)


def test_footage_that_an_earlier_configuration_named_goes_after_a_restart(tmp_path: Path) -> None:
    conf = tmp_path / "motion.conf"
    site = Site(tmp_path, recorder="motion", extra=f"    recorder_config: {conf}", register=register_of("hall"))
    base = f"target_dir {site.store}/hall\ncamera_name hall\n"
    conf.write_text(base + "movie_filename %Y-%m-%d/%H-%M-%S\n")
    due = set(film(site, [("hall", now() - PERIOD - timedelta(days=1, hours=number)) for number in range(5)]))
    film(site, [("hall", now() - timedelta(hours=1 + number)) for number in range(10)])
    site.accept_clock()
    site.run("run", "--once")
    conf.write_text(base + "movie_filename films/%Y%m%d%H%M%S\n")
    site.run("run", "--once")
    assert site.approve_all() == len(due)
    site.run("run", "--once")
    assert not due & {str(path.relative_to(site.store)) for path in site.files()}
    assert "unclassified_files" not in site.run("check").stdout
