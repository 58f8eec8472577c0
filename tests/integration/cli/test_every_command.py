"""Every command answers for people and for programs, with the exit status that is promised, wherever it is typed."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.integration.cli.commands import ELSEWHERE, ROWS, Row, every_command, now_as_typed
from tests.integration.cli.place import OFFSET, Place
from tests.system.warm import Done, Warm

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(.*)")
_SITUATIONS = ("fresh", "alone", "beside")
LOOKS = [row for row in ROWS if row.looks]
JSON = [row for row in ROWS if row.schema]


def ids(rows: list[Row]) -> list[str]:
    return [row.typed for row in rows]


def typed(row: Row, place: Place) -> list[str]:
    values = {"register": place.register, "store": place.store, "config": place.config, "now": now_as_typed()}
    return [word.format(**values) for word in row.typed.split()]


def carry_out(row: Row, place: Place, *more: str) -> Done:
    return place.call(*typed(row, place), *more, with_config=row.reads != "nothing")


def expect(done: Done, status: int) -> None:
    """An answer and no complaint, or one complaint and no answer; and never a trace of how it is made."""
    assert done.status == status, done
    for word in ("Traceback", "internal error", "Errno", "retentiond/"):
        assert word not in done.out + done.err, done
    if status in (0, 1):
        assert done.err == "", done
        assert done.out, done
    else:
        assert done.out == "", done
        (line,) = done.complaints
        assert re.fullmatch(r"retentiond: .+[;:] .+", line), line


def objects(done: Done) -> Iterator[dict[str, object]]:
    """Return the objects that a command printed: one, or one a line."""
    text = done.out
    while text.strip():
        found, end = json.JSONDecoder().raw_decode(text.lstrip())
        assert isinstance(found, dict)
        yield found
        text = text.lstrip()[end:]


def texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)
        case str():
            yield value
        case _:
            return


def test_every_command_has_a_row_or_a_test_elsewhere() -> None:
    assert {row.name for row in ROWS} | set(ELSEWHERE) == set(every_command())


@pytest.mark.parametrize("command", ["", *every_command()])
def test_help_fits_a_terminal_and_says_what_the_command_does(warm: Warm, command: str) -> None:
    done = warm.call(*command.split(), "--help", environment={"COLUMNS": "80"})
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: retentiond {command}".rstrip())
    assert len(done.out.splitlines()) > 5
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "..." not in done.out.replace("[ARGS]...", "")


@pytest.mark.parametrize("command", every_command())
def test_an_option_that_there_is_not_is_one_line_with_the_way_to_help(warm: Warm, command: str) -> None:
    done = warm.call(*command.split(), "--zzzz")
    assert (done.status, done.out) == (2, "")
    assert done.complaints == [f"retentiond: {command}: no such option '--zzzz'; see: retentiond {command} --help"]


@pytest.mark.parametrize("command", [name for name, item in every_command().items() if item.params])
def test_an_empty_name_of_a_configuration_is_not_the_default_one(warm: Warm, command: str) -> None:
    if "--config" not in {name for item in every_command()[command].params for name in item.opts}:
        pytest.skip("needs no configuration")
    for arguments in ((*command.split(), "--config", ""), ("--config", "", *command.split())):
        done = warm.call(*arguments)
        assert done.status == 2
        assert "'--config': is empty; name the file" in done.err or "missing" in done.err


@pytest.mark.parametrize("row", LOOKS, ids=ids(LOOKS))
@pytest.mark.parametrize("situation", _SITUATIONS)
def test_people_read_whole_lines_with_times_of_their_zone(
    row: Row, situation: str, request: pytest.FixtureRequest
) -> None:
    place = request.getfixturevalue("left" if situation == "alone" else situation)
    before = place.everything()
    done = carry_out(row, place)
    expect(done, getattr(row, situation))
    assert all(line.isprintable() for line in (done.out + done.err).splitlines())
    if row.name != "config schema":
        for line in done.out.splitlines():
            for rest in _INSTANT.findall(line):
                assert rest.lstrip().startswith(OFFSET), line
    if situation != "beside":
        assert place.everything() == before
    else:
        assert place.files() == {path for path in map(type(place.root), before) if path in place.files()}


@pytest.mark.parametrize("row", JSON, ids=ids(JSON))
@pytest.mark.parametrize("situation", _SITUATIONS)
def test_programs_read_json_with_a_versioned_schema_and_times_in_utc(
    row: Row, situation: str, request: pytest.FixtureRequest
) -> None:
    place = request.getfixturevalue("left" if situation == "alone" else situation)
    done = carry_out(row, place, "--json")
    expect(done, getattr(row, situation))
    for found in objects(done):
        assert found["schema"] == row.schema
        assert all(match[1].endswith("Z") for text in texts(found) if (match := _INSTANT.match(text)))
    assert len(place.files("*.mp4")) == 6


@pytest.mark.parametrize("row", ROWS, ids=ids(list(ROWS)))
def test_with_the_disk_away_every_command_ends_well_and_deletes_nothing(row: Row, away: Place) -> None:
    statuses = {"doctor": 1, "store adopt": 74}
    done = carry_out(row, away)
    expect(done, statuses.get(row.name, row.alone))
    assert len(away.files("*.mp4")) == 6


@pytest.fixture(scope="module")
def away(make: object, ground: object, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The disk with the store is not mounted: its mount point is an empty directory of another identity."""
    place: Place = request.getfixturevalue("make")()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
    kept = place.store
    place.store = kept.rename(kept.with_name("elsewhere"))
    yield place
