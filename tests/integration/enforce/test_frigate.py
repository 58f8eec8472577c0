"""A Frigate tree under the whole program: every kind of file goes at its deadline, and marked pictures stay."""

from datetime import timedelta
from pathlib import Path

from retentiond.domain.finding import FindingKind
from tests.frigate_tree import Frigate
from tests.world import BEGIN, World

DAY = timedelta(days=1)


def a_frigate(world: World) -> Frigate:
    frigate = Frigate(world.root / "frigate")
    frigate.configure("record: {enabled: true, alerts: {retain: {days: 30}}}\ncameras: {hall: {}}")
    frigate.make_database()
    world.recorder, world.recorder_config, world.layouts = "frigate", str(frigate.config), ()
    return frigate


def write(world: World, path: str) -> Path:
    file = world.store_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"footage")
    return file


def test_every_kind_goes_at_its_own_deadline_and_marked_pictures_stay_until_they_are_unmarked(world: World) -> None:
    frigate = a_frigate(world)
    world.start()
    world.scan()
    seconds = BEGIN.timestamp() + 600
    marked, plain = f"{seconds}-marked", f"{seconds}-plain0"
    frigate.add_event(marked, "hall", retained=True)
    frigate.add_event(plain, "hall", retained=False)
    gone = [
        write(world, f"recordings/{BEGIN:%Y-%m-%d}/00/hall/10.00.mp4"),
        write(world, f"clips/hall-{plain}-clean.webp"),
        write(world, f"clips/previews/hall/{seconds}-{seconds + 3600}.mp4"),
        write(world, f"clips/review/thumb-hall-{seconds}-abcdef.webp"),
        write(world, f"exports/hall_{BEGIN:%Y%m%d}_001000-{BEGIN:%Y%m%d}_001100_abc123.mp4"),
    ]
    stays = [write(world, f"clips/hall-{marked}-clean.webp"), write(world, f"clips/thumbs/hall/{marked}.webp")]
    kept = [write(world, "frigate.db"), write(world, "clips/faces/anna/anna-1.5.webp")]
    world.pass_time(timedelta(minutes=20))
    world.scan()
    world.pass_time(29 * DAY + timedelta(hours=12), look_every=DAY)
    for hour in range(12):  # the camera went on recording
        then = world.clock.wall - timedelta(hours=hour)
        write(world, f"recordings/{then:%Y-%m-%d/%H}/hall/00.00.mp4")
        write(world, f"clips/hall-{then.timestamp()}-aaaaaa.jpg")
        write(world, f"clips/previews/hall/{then.timestamp()}-{then.timestamp() + 5}.mp4")
    world.scan()
    world.pass_time(timedelta(hours=11, minutes=40), look_every=timedelta(hours=1))
    assert all(file.exists() for file in gone)
    world.pass_time(timedelta(minutes=30), look_every=timedelta(minutes=1))
    assert [file for file in gone if file.exists()] == []
    assert all(file.exists() for file in (*stays, *kept))
    assert FindingKind.LOCKED_IN_RECORDER in world.findings()
    assert FindingKind.OVERDUE in world.findings()
    frigate.retain(marked, retained=False)
    world.pass_time(timedelta(hours=2), look_every=timedelta(minutes=5))
    assert [file for file in stays if file.exists()] == []
    assert FindingKind.OVERDUE not in world.findings()
    assert all(file.exists() for file in kept)
