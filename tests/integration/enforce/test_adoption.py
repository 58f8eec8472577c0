"""Rule 4 and ADR 0009: what lay in a store before it was watched goes only when a person says so."""

from datetime import timedelta

import pytest

from retentiond.domain.errors import TryAgainError, UsageError
from retentiond.domain.finding import FindingKind
from retentiond.domain.run import WaitReason
from retentiond.services.approve import Consent
from tests.world import BEGIN, World

DAY = timedelta(days=1)


def test_a_first_start_deletes_nothing_by_itself(world: World) -> None:
    old = {world.record("hall", BEGIN - 40 * DAY + DAY * number) for number in range(3)}
    young = world.record("hall", BEGIN - DAY)
    world.start()
    world.scan()
    world.pass_time(2 * DAY)
    assert world.files() == {*old, young}
    plan = world.waiting()
    assert plan is not None
    assert (plan.count, plan.why) == (3, WaitReason.ADOPTION)
    assert {FindingKind.WAITING_FOR_APPROVAL, FindingKind.OVERDUE} <= world.findings()


def test_an_approval_releases_the_set_and_nothing_else(world: World) -> None:
    world.record_many("hall", BEGIN - 45 * DAY, 60, every=timedelta(hours=6))
    young = set(world.record_many("hall", BEGIN - 20 * DAY, 70, every=timedelta(hours=6)))
    world.start()
    world.scan()
    assert world.approve() == 60
    assert world.files() == young
    assert world.waiting() is None
    assert FindingKind.WAITING_FOR_APPROVAL not in world.findings()
    (given,) = world.records("approval.given")
    assert given["count"] == 60
    assert len(world.records("recording.deleted")) == 60


def test_what_arrives_after_the_plan_was_shown_is_not_in_it(world: World) -> None:
    world.record_many("hall", BEGIN - 45 * DAY, 60)
    world.record_many("hall", BEGIN - 10 * DAY, 70)
    world.start()
    world.scan()
    plan = world.waiting()
    assert plan is not None
    late = set(world.record_many("yard", BEGIN - 44 * DAY, 55))
    world.scan()
    world.cycle.approve(Consent(plan.run, plan.count, plan.digest, "op-test"))
    world.cycle.tick()
    assert late <= world.files()
    assert len(world.records("recording.deleted")) == 60


@pytest.mark.parametrize(
    ("count", "digest", "run"),
    [(1, None, None), (0, None, None), (None, "0" * 64, None), (None, None, "main-00000000"), (None, "", None)],
)
def test_an_approval_of_anything_but_the_exact_plan_is_refused(
    world: World, count: int | None, digest: str | None, run: str | None
) -> None:
    world.record_many("hall", BEGIN - 45 * DAY, 60)
    world.start()
    world.scan()
    plan = world.waiting()
    assert plan is not None
    wrong = Consent(
        plan.run if run is None else run,
        plan.count if count is None else count,
        plan.digest if digest is None else digest,
        "op-test",
    )
    with pytest.raises((TryAgainError, UsageError)):
        world.cycle.approve(wrong)
    world.pass_time(timedelta(hours=2))
    assert len(world.files()) == 60
    assert world.records("approval.given") == []


def test_an_approval_outlives_a_restart_and_is_used_once(world: World) -> None:
    world.record_many("hall", BEGIN - 45 * DAY, 60)
    world.record_many("hall", BEGIN - 10 * DAY, 70)
    world.start()
    world.scan()
    plan = world.waiting()
    assert plan is not None
    consent = Consent(plan.run, plan.count, plan.digest, "op-test")
    world.cycle.approve(consent)
    world.stop()
    world.start()
    world.cycle.tick()
    assert len(world.files()) == 70
    with pytest.raises((TryAgainError, UsageError)):
        world.cycle.approve(consent)


def test_observing_deletes_nothing_and_takes_no_approval(world: World) -> None:
    world.mode = type(world.mode)(enforcing=False)
    files = set(world.record_many("hall", BEGIN - 45 * DAY, 60))
    world.start()
    world.scan()
    world.pass_time(3 * DAY)
    assert world.files() == files
    assert world.records("deletion.intent", "store.adopted") == []
    assert FindingKind.NOT_ENFORCING in world.findings()
    with pytest.raises(TryAgainError):
        world.cycle.approve(Consent("main-00000000", 60, "0" * 64, "op-test"))


def test_a_store_without_its_catalogue_waits_again(world: World) -> None:
    world.start()
    world.scan()
    kept = set(world.record_many("hall", BEGIN - 3 * DAY, 60))
    world.scan()
    world.pass_time(25 * DAY, look_every=DAY)
    kept |= set(world.record_many("hall", world.clock.wall - timedelta(hours=70), 70))
    world.restart(away=5 * DAY, without_catalogue=True)
    assert world.files() == kept
    assert world.approve() == 60
    assert len(world.files()) == 70
    assert all(record["outcome"] == "success" for record in world.records("recording.deleted"))


def test_what_is_left_of_an_approved_plan_waits_for_nobody_and_holds_up_no_other(world: World) -> None:
    paths = world.record_many("hall", BEGIN - 45 * DAY, 60)
    world.record_many("hall", BEGIN - 20 * DAY, 70, every=timedelta(hours=6))
    world.start()
    world.scan()
    with paths[0].open("ab"):
        assert world.approve() == 60
        assert world.is_approved(), "one is still being written, and tried again"
        assert FindingKind.WAITING_FOR_APPROVAL not in world.findings(), "nobody has to say it twice"
        (stream,) = [item for item in world.cycle.report().findings if item.key.kind is FindingKind.OVERDUE]
        assert "1 are still being written" in stream.message
        late = world.record_many("yard", BEGIN - 44 * DAY, 55)
        world.pass_time(2 * timedelta(hours=1))
        world.scan()
        world.pass_time(DAY)
        assert FindingKind.WAITING_FOR_APPROVAL in world.findings(), "the approval has lapsed, and others came"
        assert set(late) <= world.files()
    world.approve()
    world.pass_time(DAY)
    assert not world.files() & {paths[0], *late}
