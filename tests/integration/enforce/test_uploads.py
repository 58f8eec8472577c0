"""What cameras upload goes at its deadline by its maker's names; of Moonfire nothing ever goes."""

from datetime import timedelta

import pytest

from retentiond.domain.finding import FindingKind
from tests.moonfire_tree import Moonfire
from tests.world import BEGIN, World

DAY = timedelta(days=1)
NAMES = {
    "hikvision": "nvr/192.0.2.64_01_%Y%m%d%H%M%S123_MOTION_DETECTION.jpg",
    "dahua": "3A0B1C2/%Y-%m-%d/001/dav/%H/%H.%M.%S-23.59.59[M][0@0][0].mp4",
    "reolink": "%Y/%m/%d/Front door_00_%Y%m%d%H%M%S.mp4",
    "shinobi": "hCt9XgH0aB/hall/%Y-%m-%dT%H-%M-%S.mp4",
}


@pytest.mark.parametrize("kind", NAMES)
def test_uploads_go_at_their_deadline_and_what_is_not_theirs_stays(kind: str, world: World) -> None:
    world.recorder, world.layouts = kind, ()
    world.start()
    world.scan()
    files = []
    for hour in range(48):
        path = world.store_path / f"{BEGIN + timedelta(hours=hour):{NAMES[kind]}}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        files.append(path)
    strange = world.store_path / "datadir0" / "hiv00000.mp4"
    strange.parent.mkdir()
    strange.touch()
    world.pass_time(2 * DAY)
    world.scan()
    world.pass_time(28 * DAY + timedelta(hours=12), look_every=timedelta(minutes=30))
    assert [path.exists() for path in files] == [False] * 13 + [True] * 35
    assert strange.exists()
    assert FindingKind.UNCLASSIFIED_FILES in world.findings()


def test_nothing_of_moonfire_is_ever_deleted_and_overdue_is_told(world: World) -> None:
    moonfire = Moonfire(world.root / "db" / "db", world.store_path)
    world.recorder, world.recorder_config, world.layouts = "moonfire", str(world.root / "db"), ()
    file = moonfire.record(moonfire.add_stream("hall"), BEGIN)
    world.start()
    world.scan()
    assert not {FindingKind.OVERDUE, FindingKind.UNCLASSIFIED_FILES} & world.findings()
    world.pass_time(31 * DAY, look_every=DAY)
    world.scan()
    assert FindingKind.OVERDUE in world.findings()
    (shown,) = world.cycle.report().stores[0].streams
    assert (shown.stream.camera, shown.recordings, shown.overdue) == ("hall", 1, 1)
    assert shown.oldest == BEGIN
    assert shown.overdue_since == BEGIN + 30 * DAY
    assert file.exists()
    assert world.records("deletion.intent") == []
