"""Rule 4 and ADR 0010: a change of rules deletes nothing at once, and stops nothing that time explains."""

from datetime import timedelta

from retentiond.domain.finding import FindingKind
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import CameraName, Category
from retentiond.domain.rule import DeletionRule
from retentiond.domain.run import WaitReason
from tests.world import BEGIN, EVERYTHING, World, book, start_of

DAY = timedelta(days=1)


def fill(world: World) -> None:
    """Ninety recordings of each of two cameras, one every eight hours, all of them young enough."""
    for camera in ("hall", "yard"):
        world.record_many(camera, BEGIN - 29 * DAY, 87, every=timedelta(hours=8))


def test_a_shorter_period_waits_and_the_old_one_goes_on(world: World) -> None:
    fill(world)
    world.start()
    world.scan()
    before = len(world.files())
    world.cycle.replace_book(book("10d"))
    world.cycle.tick()
    assert len(world.files()) == before
    plan = world.waiting()
    assert plan is not None
    world.pass_time(timedelta(hours=26))
    assert 0 < before - len(world.files()) <= 4 * 2, "what fell due under the old rules goes on without an approval"
    assert plan.why in {WaitReason.UNEXPLAINED, WaitReason.HALF_OF_STORE}
    world.approve()
    world.pass_time(timedelta(hours=2))
    plan = world.waiting()
    if plan is not None:
        world.approve()
    assert all(world.clock.wall - start_of(path) < 10 * DAY for path in world.files())


def test_a_longer_period_keeps_at_once(world: World) -> None:
    fill(world)
    world.start()
    world.scan()
    before = world.files()
    world.cycle.replace_book(book("60d"))
    world.pass_time(20 * DAY, look_every=DAY)
    assert world.files() == before
    assert world.waiting() is None


def test_what_no_rule_covers_stays_and_is_a_breach(world: World) -> None:
    world.book = book(
        "30d",
        DeletionRule("hall-only", EVERYTHING, parse_deletion_period("30d"), cameras=frozenset({CameraName("hall")})),
    )
    world.start()
    world.scan()
    covered = world.record("hall", BEGIN)
    uncovered = world.record("yard", BEGIN)
    world.scan()
    world.pass_time(40 * DAY, look_every=DAY)
    assert not covered.exists()
    assert uncovered.exists()
    assert FindingKind.UNCOVERED in world.findings()


def test_the_shortest_of_several_rules_decides(world: World) -> None:
    long = DeletionRule("all", EVERYTHING, parse_deletion_period("30d"))
    short = DeletionRule("video", frozenset({Category.VIDEO}), parse_deletion_period("72h"))
    world.book = book("30d", long, short)
    world.start()
    world.scan()
    path = world.record("hall", BEGIN)
    world.scan()
    world.pass_time(timedelta(hours=71, minutes=58), look_every=timedelta(hours=12))
    assert path.exists()
    world.pass_time(timedelta(minutes=1, seconds=1))
    assert not path.exists()
    (record,) = world.records("recording.deleted")
    assert record["rule"] == "video"


def test_a_file_that_the_layout_recognises_no_longer_is_never_deleted(world: World) -> None:
    world.start()
    world.scan()
    path = world.record("hall", BEGIN)
    world.scan()
    world.layouts = ("{camera}/%Y-%m-%d/%H-%M-%S.mkv",)
    world.restart(away=timedelta(hours=1))
    world.pass_time(40 * DAY, look_every=DAY)
    assert path.exists()
    assert FindingKind.UNCLASSIFIED_FILES in world.findings()


def test_a_layout_that_reads_other_starts_takes_them_over(world: World) -> None:
    """Day and month changed places in the configuration; after the correction, the corrected start counts."""
    world.layouts = ("{camera}/%Y-%d-%m/%H-%M-%S.mp4",)
    path = world.store_path / "hall" / "2026-03-02" / "10-00-00.mp4"  # read as 3 February at first
    world.start()
    world.scan()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    world.scan()
    world.layouts = ("{camera}/%Y-%m-%d/%H-%M-%S.mp4",)
    world.restart(away=timedelta(hours=34))
    world.pass_time(6 * DAY, look_every=DAY)
    assert path.exists(), "it is some days old"
    world.pass_time(25 * DAY, look_every=DAY)
    assert not path.exists()
