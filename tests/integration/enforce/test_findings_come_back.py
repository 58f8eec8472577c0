"""An acknowledged finding counts as known until its date, and only while it is the same matter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKey, FindingKind
from retentiond.domain.register import Register
from retentiond.services.answer import answer
from tests.builders import a_device, a_link, a_register, at
from tests.world import BEGIN, World

IN_CARE = FindingKey(FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / procedure-2")


def in_care(since: str = "2026-02-01") -> Register:
    return a_register(a_device(a_link("procedure-2", since=at(since))))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A camera hangs where none may be, and somebody knows of it for two weeks."""
    world = World(tmp_path)
    world.book = replace(world.book, register=in_care(), register_digest="r1")
    world.start()
    world.cycle.report()
    answer(world.cycle, acknowledgement("14d"), "op-1")
    yield world
    world.stop()


def acknowledgement(lasts: str) -> dict[str, str]:
    return {
        "verb": "acknowledge", "kind": IN_CARE.kind.value, "subject": IN_CARE.subject, "why": "works", "lasts": lasts,
    }  # fmt: skip


def known(world: World) -> bool:
    return IN_CARE in world.cycle.report().acknowledged


def load(world: World, register: Register, digest: str) -> None:
    world.cycle.replace_book(replace(world.book, register=register, register_digest=digest))


def test_who_knows_of_it_why_and_until_when_is_on_the_record(world: World) -> None:
    assert known(world)
    (record,) = world.records("finding.acknowledged")
    assert (record["kind"], record["subject"], record["actor"], record["why"], record["until"]) == (
        *(IN_CARE.kind.value, IN_CARE.subject, "op-1", "works"),
        "2026-03-15T00:00:00.000Z",
    )


def test_it_comes_back_when_its_date_passes(world: World) -> None:
    world.clock.pass_time(timedelta(days=14) - timedelta(seconds=1))
    assert known(world)
    world.clock.pass_time(timedelta(seconds=1))
    assert not known(world)


def test_it_comes_back_when_its_facts_change_and_the_record_says_so(world: World) -> None:
    load(world, in_care("2026-02-15"), "r2")
    assert not known(world)
    first, second = (item for item in world.records("finding.opened") if item["subject"] == IN_CARE.subject)
    assert first["facts"] != second["facts"]
    assert world.journal.decisions.opened_at[IN_CARE] == BEGIN


def test_it_stays_known_when_the_register_changes_elsewhere(world: World) -> None:
    other = a_device(a_link("reception"), ident="d-2", name="other", known_as=[])
    load(world, a_register(*in_care().devices, other), "r2")
    assert known(world)


def test_it_comes_back_when_it_was_gone_meanwhile(world: World) -> None:
    load(world, a_register(a_device(a_link("reception"))), "r2")
    assert IN_CARE not in {item.key for item in world.cycle.report().findings}
    load(world, in_care(), "r3")
    assert not known(world)


def test_a_restart_forgets_nothing_of_it(world: World) -> None:
    world.restart()
    assert known(world)
    load(world, in_care("2026-02-15"), "r2")
    world.cycle.report()
    world.book = replace(world.book, register=in_care("2026-02-15"), register_digest="r2")
    world.restart()
    assert not known(world)
