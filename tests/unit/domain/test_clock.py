"""Trusted time by rules C1 to C6 (rule 3, acceptance cases 1 to 7)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.clock import (
    ClockAnchor,
    ClockReading,
    ClockState,
    Credible,
    NotCredible,
    TrustedTime,
    accept,
    judge,
)
from tests.builders import NOW, a_reading, an_anchor, at

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
LONG_IN_SYNC = timedelta()
"""An anchor with this has been synchronised since boot."""


@dataclass(slots=True)
class Machine:
    """A machine whose clocks are moved by hand, and the judgement after each look."""

    reading: ClockReading
    anchor: ClockAnchor | None
    synchronised_since: timedelta | None = None

    def look(self) -> TrustedTime:
        judged = judge(self.anchor, self.reading, synchronised_since=self.synchronised_since)
        match judged:
            case Credible():
                self.anchor = judged.anchor
            case NotCredible():
                self.synchronised_since = judged.synchronised_since
        return judged

    def now(self) -> Credible:
        judged = self.look()
        assert isinstance(judged, Credible)
        return judged

    def run(self, passed: timedelta, *, synchronised: bool | None = None) -> None:
        """Let time pass on both clocks."""
        reading = self.reading
        sync = reading.synchronised if synchronised is None else synchronised
        self.reading = replace(
            reading, wall=reading.wall + passed, since_boot=reading.since_boot + passed, synchronised=sync
        )

    def step(self, by: timedelta) -> None:
        """Step the wall clock by hand, which ends synchronisation."""
        self.reading = replace(self.reading, wall=self.reading.wall + by, synchronised=False)

    def power_off(self, off: timedelta, *, wall: datetime | None = None, up: timedelta = MINUTE) -> None:
        """Switch off for a while, and on again with this wall clock or the right one."""
        real = self.reading.wall + off + up
        name = f"{self.reading.boot_id}'"
        self.reading = ClockReading(wall or real, up, name, synchronised=False)

    def synchronise(self, wall: datetime | None = None) -> None:
        self.reading = replace(self.reading, wall=wall or self.reading.wall, synchronised=True)


def trusted_machine() -> Machine:
    """Return a machine that has been up and trusted for an hour, without a time service."""
    return Machine(a_reading(), an_anchor())


def synchronised_machine() -> Machine:
    return Machine(a_reading(synchronised=True), an_anchor(synchronised_since=LONG_IN_SYNC))


# --- the acceptance cases -----------------------------------------------------------------------------------------


def test_case_1_a_month_ahead_while_running_makes_nothing_early_and_nothing_late() -> None:
    machine = trusted_machine()
    machine.step(31 * DAY)
    judged = machine.now()
    assert (judged.now, judged.state, judged.ahead) == (NOW, ClockState.AHEAD, 31 * DAY)
    machine.run(5 * HOUR)
    assert machine.now().now == NOW + 5 * HOUR
    assert machine.now().state is ClockState.AHEAD


def test_case_2_a_wrong_clock_after_a_power_off_waits_and_synchronisation_sets_it_right() -> None:
    machine = trusted_machine()
    machine.power_off(2 * HOUR, wall=NOW + 31 * DAY)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + MINUTE, ClockState.WAITING)
    real = NOW + 2 * HOUR + MINUTE
    machine.synchronise(real)
    assert machine.now().state is ClockState.WAITING
    machine.run(10 * MINUTE)
    judged = machine.now()
    assert (judged.now, judged.state) == (real + 10 * MINUTE, ClockState.TRUSTED)


def test_case_3_five_years_back_goes_on_by_the_time_that_passes() -> None:
    machine = trusted_machine()
    machine.step(-5 * 365 * DAY)
    assert machine.now().state is ClockState.BEHIND
    machine.run(HOUR)
    judged = machine.now()
    assert (judged.now, judged.ahead) == (NOW + HOUR, -5 * 365 * DAY)


def test_case_4_a_boot_in_1970_loses_no_time_and_gains_the_power_off_once_synchronised() -> None:
    machine = trusted_machine()
    machine.power_off(3 * HOUR, wall=at("1970-01-01 00:01"))
    machine.run(2 * HOUR)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + 2 * HOUR + MINUTE, ClockState.BEHIND)
    real = NOW + 5 * HOUR + MINUTE
    machine.synchronise(real)
    machine.now()
    machine.run(10 * MINUTE)
    assert machine.now().now == real + 10 * MINUTE


def test_case_5_many_small_steps_do_not_add_up_beyond_the_tolerance() -> None:
    machine = trusted_machine()
    for _ in range(60):
        machine.step(119 * SECOND)
        machine.now()
    assert machine.now().now == NOW + 119 * SECOND
    assert machine.now().state is ClockState.AHEAD


def test_case_6_without_synchronisation_no_time_is_known_until_a_person_types_it() -> None:
    machine = Machine(a_reading(), anchor=None)
    for _ in range(48):
        assert isinstance(machine.look(), NotCredible)
        machine.run(HOUR)
    machine.anchor = accept(machine.reading, machine.reading.wall + MINUTE)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + 48 * HOUR, ClockState.TRUSTED)


def test_case_7_three_days_of_suspend_count() -> None:
    machine = trusted_machine()
    machine.run(3 * DAY)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + 3 * DAY, ClockState.TRUSTED)


def test_case_7_a_paused_machine_whose_boot_clock_stood_still_is_ahead_and_held() -> None:
    machine = synchronised_machine()
    machine.reading = replace(machine.reading, wall=NOW + 2 * HOUR)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW, ClockState.AHEAD)


# --- C1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "adopted"), [(SECOND, True), (HOUR, True), (HOUR + TICK, False), (DAY, False)])
def test_c1_a_synchronised_clock_is_adopted_up_to_an_hour_ahead(ahead: timedelta, adopted: bool) -> None:
    machine = synchronised_machine()
    machine.reading = replace(machine.reading, wall=NOW + ahead)
    judged = machine.now()
    assert judged.now == (NOW + ahead if adopted else NOW)
    assert judged.state is (ClockState.TRUSTED if adopted else ClockState.AHEAD)


def test_c1_a_lying_time_server_gains_an_hour_per_boot_and_an_hour_a_day_after_that() -> None:
    machine = synchronised_machine()
    for _ in range(10):
        machine.reading = replace(machine.reading, wall=machine.reading.wall + 20 * MINUTE)
        machine.now()
    assert machine.now().now == NOW + HOUR
    machine = synchronised_machine()
    for _ in range(24 * 60):
        machine.run(MINUTE)
        machine.reading = replace(machine.reading, wall=machine.reading.wall + MINUTE)
        machine.now()
    gained = machine.now().now - NOW - DAY
    assert HOUR < gained <= 2 * HOUR + 2 * MINUTE


def test_c1_the_hour_is_refilled_by_an_hour_a_day() -> None:
    machine = synchronised_machine()
    machine.reading = replace(machine.reading, wall=NOW + HOUR)
    assert machine.now().now == NOW + HOUR
    machine.run(DAY / 2)
    machine.now()
    machine.reading = replace(machine.reading, wall=machine.reading.wall + 31 * MINUTE)
    assert machine.now().state is ClockState.AHEAD
    machine.reading = replace(machine.reading, wall=machine.reading.wall - MINUTE)
    assert machine.now().state is ClockState.TRUSTED


@pytest.mark.parametrize(("off", "adopted"), [(6 * DAY, True), (7 * DAY, True), (7 * DAY + SECOND, False)])
def test_c1_a_power_off_of_up_to_seven_days_is_credited_once_the_clock_is_synchronised(
    off: timedelta, adopted: bool
) -> None:
    machine = trusted_machine()
    machine.power_off(off)
    assert machine.now().state is ClockState.WAITING
    machine.synchronise()
    machine.now()
    machine.run(10 * MINUTE)
    judged = machine.now()
    assert judged.state is (ClockState.TRUSTED if adopted else ClockState.WAITING)
    assert judged.now == NOW + MINUTE + 10 * MINUTE + (off if adopted else timedelta())


def test_c1_the_seven_days_are_given_once_for_a_power_off() -> None:
    machine = trusted_machine()
    machine.power_off(DAY)
    machine.synchronise()
    machine.now()
    machine.run(10 * MINUTE)
    machine.now()
    machine.reading = replace(machine.reading, wall=machine.reading.wall + DAY)
    assert machine.now().state is ClockState.AHEAD


@pytest.mark.parametrize(("lasted", "adopted"), [(10 * MINUTE - TICK, False), (10 * MINUTE, True)])
def test_c1_synchronised_means_for_ten_minutes(lasted: timedelta, adopted: bool) -> None:
    machine = trusted_machine()
    machine.synchronise(NOW + 30 * MINUTE)
    machine.now()
    machine.run(lasted)
    assert machine.now().now == NOW + lasted + (30 * MINUTE if adopted else timedelta())


def test_c1_a_break_in_the_ten_minutes_begins_them_anew() -> None:
    machine = trusted_machine()
    machine.synchronise(NOW + 30 * MINUTE)
    machine.now()
    machine.run(9 * MINUTE, synchronised=False)
    machine.now()
    machine.run(MINUTE, synchronised=True)
    machine.now()
    machine.run(9 * MINUTE)
    assert machine.now().state is ClockState.AHEAD
    machine.run(MINUTE)
    assert machine.now().state is ClockState.TRUSTED


def test_c1_synchronisation_before_a_reboot_does_not_count_after_it() -> None:
    machine = synchronised_machine()
    machine.power_off(HOUR)
    machine.synchronise()
    assert machine.now().state is ClockState.WAITING


def test_c1_a_first_look_late_after_a_boot_does_not_take_over_the_ten_minutes_of_the_boot_before() -> None:
    machine = synchronised_machine()
    machine.power_off(HOUR, up=11 * MINUTE)
    machine.synchronise()
    assert machine.now().state is ClockState.WAITING


def test_c1_a_synchronised_clock_a_little_behind_is_adopted() -> None:
    machine = synchronised_machine()
    machine.reading = replace(machine.reading, wall=NOW - 120 * SECOND)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW - 120 * SECOND, ClockState.TRUSTED)


# --- C2 and C3 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "state"),
    [
        (-120 * SECOND, ClockState.TRUSTED),
        (-120 * SECOND - TICK, ClockState.BEHIND),
        (-10 * DAY, ClockState.BEHIND),
    ],
)
def test_c2_behind_without_synchronisation_goes_on_by_the_time_that_passed(ahead: timedelta, state: ClockState) -> None:
    machine = trusted_machine()
    machine.step(ahead)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW, state)


def test_c3_behind_and_synchronised_is_adopted_and_said() -> None:
    machine = synchronised_machine()
    machine.reading = replace(machine.reading, wall=NOW - 3 * HOUR)
    judged = machine.now()
    assert (judged.now, judged.state, judged.ahead) == (NOW - 3 * HOUR, ClockState.BEHIND, -3 * HOUR)
    assert (judged.adopted, judged.unsettled) == (True, None), "what came meanwhile is judged again, by this leap"
    machine.run(MINUTE)
    assert machine.now().state is ClockState.TRUSTED


def test_c3_ends_the_wait_after_a_power_off() -> None:
    machine = trusted_machine()
    machine.power_off(HOUR, wall=NOW - DAY)
    machine.synchronise()
    machine.now()
    machine.run(10 * MINUTE)
    assert machine.now().state is ClockState.BEHIND
    assert machine.anchor is not None
    assert not machine.anchor.gap


# --- C4 and C5 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "followed"), [(TICK, True), (120 * SECOND, True), (120 * SECOND + TICK, False)])
def test_c4_a_small_step_without_synchronisation_is_followed(ahead: timedelta, followed: bool) -> None:
    machine = trusted_machine()
    machine.step(ahead)
    judged = machine.now()
    assert judged.now == (NOW + ahead if followed else NOW)
    assert judged.state is (ClockState.TRUSTED if followed else ClockState.AHEAD)
    assert judged.adopted is followed


def test_c4_the_tolerance_comes_back_with_synchronisation_only() -> None:
    machine = trusted_machine()
    machine.step(120 * SECOND)
    machine.now()
    machine.run(30 * DAY)
    machine.step(SECOND)
    assert machine.now().state is ClockState.AHEAD
    machine.synchronise()
    machine.now()
    machine.run(10 * MINUTE)
    assert machine.now().state is ClockState.TRUSTED
    machine.step(120 * SECOND)
    assert machine.now().state is ClockState.TRUSTED


def test_c4_is_not_for_the_time_of_a_power_off() -> None:
    machine = trusted_machine()
    machine.power_off(SECOND)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + MINUTE, ClockState.WAITING)


def test_c5_a_clock_that_comes_back_from_ahead_is_trusted_again() -> None:
    machine = trusted_machine()
    machine.step(31 * DAY)
    machine.now()
    machine.run(HOUR)
    machine.step(-31 * DAY)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + HOUR, ClockState.TRUSTED)


# --- C6 -----------------------------------------------------------------------------------------------------------


def test_c6_the_first_anchor_comes_after_ten_minutes_of_synchronisation() -> None:
    machine = Machine(a_reading(synchronised=True), anchor=None)
    assert isinstance(machine.look(), NotCredible)
    machine.run(10 * MINUTE - TICK)
    assert isinstance(machine.look(), NotCredible)
    machine.run(TICK)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + 10 * MINUTE, ClockState.TRUSTED)


def test_c6_a_break_begins_the_wait_for_the_first_anchor_anew() -> None:
    machine = Machine(a_reading(synchronised=True), anchor=None)
    machine.look()
    machine.run(9 * MINUTE, synchronised=False)
    machine.look()
    machine.run(2 * MINUTE, synchronised=True)
    assert isinstance(machine.look(), NotCredible)


@pytest.mark.parametrize(
    ("off", "accepted"),
    [
        (timedelta(), True),
        (5 * MINUTE, True),
        (-5 * MINUTE, True),
        (5 * MINUTE + TICK, False),
        (-5 * MINUTE - TICK, False),
        (365 * DAY, False),
    ],
)
def test_c6_a_typed_time_counts_when_it_agrees_with_the_clock(off: timedelta, accepted: bool) -> None:
    reading = a_reading()
    if accepted:
        assert accept(reading, reading.wall + off).trusted == reading.wall
    else:
        with pytest.raises(ValueError, match="differ by more than 5 minutes; set the clock first"):
            accept(reading, reading.wall + off)


def test_c6_accepting_ends_a_wait_after_a_long_power_off() -> None:
    machine = trusted_machine()
    machine.power_off(60 * DAY)
    assert machine.now().state is ClockState.WAITING
    machine.anchor = accept(machine.reading, machine.reading.wall)
    judged = machine.now()
    assert (judged.now, judged.state) == (NOW + 60 * DAY + MINUTE, ClockState.TRUSTED)


# --- around it ----------------------------------------------------------------------------------------------------


def test_the_anchor_moves_with_each_look() -> None:
    machine = trusted_machine()
    machine.run(HOUR)
    assert machine.now().anchor == replace(an_anchor(NOW + HOUR), since_boot=2 * HOUR)


def test_a_restart_of_the_daemon_from_an_older_anchor_credits_the_time_between() -> None:
    machine = trusted_machine()
    saved = machine.now().anchor
    machine.run(5 * HOUR)
    machine.now()
    machine.anchor = saved
    assert machine.now().now == NOW + 5 * HOUR


def test_a_boot_clock_that_seems_to_run_back_takes_nothing_away() -> None:
    machine = trusted_machine()
    machine.reading = replace(machine.reading, since_boot=MINUTE)
    assert machine.now().now == NOW


# --- what is in doubt ---------------------------------------------------------------------------------------------


def test_a_clock_that_agrees_is_settled_unless_the_power_was_off() -> None:
    machine = trusted_machine()
    machine.run(HOUR)
    assert machine.now().unsettled is None
    machine.power_off(DAY, wall=machine.reading.wall + MINUTE)  # it went on from where it was switched off
    judged = machine.now()
    assert (judged.state, judged.unsettled) == (ClockState.TRUSTED, timedelta())


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_clock_that_stepped_is_in_doubt_until_it_is_taken_over_or_steps_back(step: timedelta) -> None:
    machine = trusted_machine()
    machine.step(step)
    assert machine.now().unsettled == step
    machine.step(-step)
    assert machine.now().unsettled is None


def test_what_is_adopted_is_settled() -> None:
    machine = trusted_machine()
    machine.power_off(DAY)
    machine.synchronise()
    assert machine.now().unsettled == DAY
    machine.run(10 * MINUTE)
    judged = machine.now()
    assert (judged.adopted, judged.ahead, judged.unsettled) == (True, DAY, None)


@pytest.mark.parametrize("other", ["0", "zz"])
def test_another_boot_is_another_whatever_its_name(other: str) -> None:
    machine = synchronised_machine()
    machine.power_off(DAY)
    machine.reading = replace(machine.reading, boot_id=other, synchronised=True)
    judged = machine.now()
    assert judged.anchor.gap, "the time of the power-off is not credited"
    assert judged.now == NOW + MINUTE
    assert judged.anchor.synchronised_since == MINUTE, "nor is what the clock was synchronised to before"
