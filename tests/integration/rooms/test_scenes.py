"""Every scene is played, and finds what it says and nothing else."""

from datetime import datetime
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from tests.integration.rooms.scene import Scene, play, read_scenes

ALL = read_scenes()
LOOKS = [(scene, when, found) for scene in ALL for when, found in scene.looks]


@pytest.mark.parametrize(
    ("scene", "when", "found"), LOOKS, ids=[f"{scene.title} ({when:%Y-%m-%d %H:%M}Z)" for scene, when, _ in LOOKS]
)
def test_a_scene_finds_what_it_says(scene: Scene, when: datetime, found: set[str], tmp_path: Path) -> None:
    assert play(scene, tmp_path, when) == found


def test_there_are_scenes_of_everything() -> None:
    assert len(ALL) >= 60
    titles = [scene.title for scene in ALL]
    assert sorted(set(titles)) == sorted(titles)
    assert sum("case" in scene.text for scene in ALL) >= 18


def test_every_kind_that_the_room_check_knows_is_in_some_scene() -> None:
    told = {line.partition(" ")[0] for _, _, found in LOOKS for line in found}
    kinds = list(FindingKind)
    rooms = kinds[: kinds.index(FindingKind.SOURCES_DISAGREE) + 1]
    assert {kind.value for kind in rooms} <= told


def test_scenes_show_what_is_fine_too() -> None:
    assert sum(not found for _, _, found in LOOKS) >= 25
