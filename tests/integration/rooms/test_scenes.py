"""Every scene is played, and finds what it says and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from tests.clips import make_clip
from tests.integration.rooms.scene import FILMS, Scene, play, read_scenes
from tests.system.harness import needs

ALL = read_scenes()
LOOKS = [(scene, when, found) for scene in ALL for when, found in scene.looks]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Real films, by what a scene says of them."""
    needs("ffmpeg")
    directory = tmp_path_factory.mktemp("films")
    return {word: make_clip(directory / word, "plain.mp4", sound=word == "with sound") for word in FILMS}


@pytest.mark.parametrize(
    ("scene", "when", "found"), LOOKS, ids=[f"{scene.title} ({when:%Y-%m-%d %H:%M}Z)" for scene, when, _ in LOOKS]
)
def test_a_scene_finds_what_it_says(
    scene: Scene, when: datetime, found: set[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    films = request.getfixturevalue("films") if scene.has_films else {}
    assert play(scene, tmp_path, when, films) == found


def test_there_are_scenes_of_everything() -> None:
    assert len(ALL) >= 60
    titles = [scene.title for scene in ALL]
    assert sorted(set(titles)) == sorted(titles)
    assert sum("case" in scene.text for scene in ALL) >= 18


ELSEWHERE = {FindingKind.INTIMATE_BOOKING, FindingKind.INTIMATE_BOOKING_SEEN, FindingKind.SOURCE_OUTDATED}
"""A calendar is no part of a scene: tests/integration/sources/test_bookings.py plays these."""


def test_every_kind_that_the_room_check_knows_is_in_some_scene() -> None:
    told = {line.partition(" ")[0] for _, _, found in LOOKS for line in found}
    kinds = list(FindingKind)
    rooms = kinds[: kinds.index(FindingKind.SOURCES_DISAGREE) + 1]
    assert {kind.value for kind in rooms if kind not in ELSEWHERE} <= told


def test_sound_that_nobody_allowed_is_in_some_scene() -> None:
    assert any(line.startswith(FindingKind.UNEXPECTED_AUDIO) for _, _, found in LOOKS for line in found)


def test_scenes_show_what_is_fine_too() -> None:
    assert sum(not found for _, _, found in LOOKS) >= 25


def test_the_table_of_cases_is_that_of_the_scenes() -> None:
    table = (Path(__file__).parents[3] / "docs" / "rooms.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    cases = [scene for scene in ALL if scene.file == "cases.yml"]
    kinds = (dict.fromkeys(line.split()[0] for _, found in scene.looks for line in sorted(found)) for scene in cases)
    expected = [[scene.text["case"], scene.title, set(found)] for scene, found in zip(cases, kinds, strict=True)]
    assert [[case, title, set(found.replace("`", "").split(", "))] for case, title, found in rows] == expected
    assert all(found for _, _, found in expected)
