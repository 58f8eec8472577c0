"""The room check grows with the register and with what is seen, and never with their product: counted, not timed."""

import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any

import pytest

from retentiond.domain.placement import Listing, SeenDevice, check_placement
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import Register
from retentiond.domain.register_facts import facts
from tests.builders import at
from tests.clinic import FIRST_YEAR, camera_name, clinic_register
from tests.unit.settings.texts import register_of

YEARS = 4
NOW = at(f"{FIRST_YEAR + YEARS - 1}-06-01")
STORE = StoreName("main")


def steps(work: Callable[[], object]) -> int:
    """Return how many steps the interpreter takes for a piece of work: the same on every machine, at every load."""
    taken = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal taken
        frame.f_trace_opcodes = True
        taken += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return taken


def clinic(scale: int) -> tuple[Register, list[SeenDevice]]:
    """Return a register `scale` times as large as a small one, and every camera of it as a recorder knows it."""
    register = register_of(clinic_register(devices=20 * scale, rooms=6 * scale, years=YEARS))
    names = [CameraName(camera_name(number, YEARS - 1)) for number in range(20 * scale)]
    return register, [SeenDevice(STORE, name, "recorder", records_audio=True) for name in names]


def check(register: Register, seen: list[SeenDevice], now: datetime = NOW) -> object:
    listing = Listing(STORE, "the recorder", frozenset(item.camera for item in seen))
    return check_placement(register, seen, now, [listing])


@pytest.mark.parametrize("what", ["check", "facts"])
def test_twice_the_register_is_twice_the_work(what: str) -> None:
    counted = []
    for scale in (1, 2, 4):
        register, seen = clinic(scale)
        counted.append(steps(partial(check, register, seen) if what == "check" else partial(facts, register)))
    small, twice, four_times = counted
    assert twice < 2.2 * small
    assert four_times < 4.4 * small


def test_every_camera_that_nobody_knows_costs_the_same() -> None:
    register, seen = clinic(2)
    strange = [SeenDevice(STORE, CameraName(f"strange-{number}"), "disk") for number in range(40)]
    check(register, seen)  # what is made once for a register is made
    counted = []
    for number in (0, 20, 40):
        sightings = [*seen, *strange[:number]]
        counted.append(steps(partial(check, register, sightings)))
    none, some, all_of_them = counted
    assert all_of_them - none < 2.1 * (some - none)


def test_a_history_that_is_twice_as_long_is_no_more_than_twice_the_work() -> None:
    short, long = (register_of(clinic_register(devices=20, rooms=6, years=years)) for years in (4, 8))
    assert steps(lambda: check(long, [])) < 2.2 * steps(lambda: check(short, []))
