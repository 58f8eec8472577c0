"""Files of any size are read in memory and steps that grow with the file, not with its square.

Each is read in a process with 512 MiB; one that took steps by the square would not be done within the guard against
waiting for ever.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.parse_register import parse_register
from retentiond.settings.problems import MOST_SHOWN, Problems
from retentiond.settings.source import REGISTER_BYTES
from tests.clinic import clinic_register
from tests.unit.settings.texts import SETTINGS, problems_of, register_of


def many(text: str, count: int) -> str:
    """Return `text` so many times, with the number of each for `#`."""
    return "".join(text.replace("#", str(number)) for number in range(count))


def stores(count: int, path: Callable[[int], str]) -> str:
    head = SETTINGS.partition("  - name: main")[0]
    lines = (f"  - {{name: s{number}, path: {path(number)}, recorder: motion}}\n" for number in range(count))
    return head + "".join(lines)


CASES: dict[str, Callable[[], str]] = {
    "stores": lambda: stores(11_000, "/srv/a{}".format),
    "nested stores": lambda: stores(3_000, lambda number: f"/srv/a{'/b' * (number % 90)}"),
    "rules": lambda: "deletion_rules:\n" + "  - {categories: [video], deletion_period: 30d}\n" * 12_000,
    "unknown keys": lambda: many("key#: 1\n", 60_000),
    "one key": lambda: "mode: observe\n" * 40_000,
    "tabs": lambda: "\t\n" * 250_000,
    "wrong items": lambda: f"deletion_rules: [{'a,' * 250_000}]",
    "commas": lambda: "a: [" + "," * 500_000,
    "a long key": lambda: "a" * 500_000 + ": 1",
    "a long text": lambda: "controller: " + "a" * 500_000,
    "escapes": lambda: 'controller: "' + "\\x41" * 120_000 + '"',
    "anchors": lambda: many("k#: &a# x\n", 40_000),
    "brackets": lambda: "a: " + "[" * 500_000 + "]" * 500_000,
    "braces": lambda: "a: " + "{a: " * 200_000,
    "dashes": lambda: "- " * 500_000,
    "question marks": lambda: "? " * 500_000,
    "rooms": lambda: "rooms:\n" + many("  - {id: r#, class: public}\n", 30_000),
    "a hundred thousand lines": lambda: "rooms:\n" + many("- id: r#\n\n", 70_000) + "#\n" * 30_000,
    "one room often": lambda: "rooms:\n" + "  - {id: a, class: public}\n" * 30_000,
    "devices": lambda: (
        "devices:\n" + many("- {id: d#, name: n#, kind: camera, tracks: {}, known_as: {m: c#}}\n", 13_000)
    ),
    "names of a device": lambda: f"devices: [{{id: a, known_as: {{{many('s#: a,', 80_000)}}}}}]",
    "cameras of a device": lambda: f"devices: [{{id: a, known_as: {{m: [{many('c#,', 120_000)}]}}}}]",
    "classes of a room": lambda: f"rooms: [{{id: a, classes: [{'{class: public},' * 50_000}]}}]",
    "declared classes": lambda: f"room_classes: [{many('c-#,', 110_000)}]",
    "links": lambda: f"rooms: [{{id: a}}]\ndevices: [{{id: a, sees: [{'a,' * 250_000}]}}]",
}

READ_BOTH_WAYS = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
from retentiond.domain.errors import ConfigurationError
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register
data = open(sys.argv[1], "rb").read()
for read in (lambda: parse_settings(data, "f.yml", host_name="h"), lambda: parse_register(data, "f.yml")):
    try:
        read()
    except ConfigurationError as error:
        assert len(str(error)) < 200_000
"""


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_any_make_is_read_or_refused_in_bounded_memory(name: str, tmp_path: Path) -> None:
    data = CASES[name]().encode()
    assert 250_000 < len(data) <= 1 << 20
    (tmp_path / "file").write_bytes(data)
    command = [sys.executable, "-c", READ_BOTH_WAYS, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_large_register_is_read() -> None:
    """A thousand devices that move every year, for ten years."""
    text = clinic_register()
    assert 2_000_000 < len(text) < REGISTER_BYTES
    register = register_of(text)
    assert (len(register.rooms), len(register.devices)) == (300, 1_000)


def test_a_register_of_too_many_values_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("rooms: [" + "a," * (REGISTER_BYTES // 2 - 10) + "]")
    command = [sys.executable, "-c", READ_BOTH_WAYS, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ConfigurationError, match="is the 1,000,001th value; no file of ours has so many"):
        parse_register((tmp_path / "file").read_bytes(), "r.yml")


def test_of_many_problems_the_first_are_told_and_the_others_counted() -> None:
    problems = problems_of("".join(f"key{number}: 1\n" for number in range(5_000)) + SETTINGS)
    assert len(problems) == MOST_SHOWN + 1
    assert problems[0].startswith("f.yml:1: key0: is not a key of this file")
    assert problems[-1] == f"f.yml:1000: and {5_000 - MOST_SHOWN:,} problems more; mend those above first"


def test_as_many_problems_as_are_shown_are_all() -> None:
    problems = Problems("f.yml")
    for line in range(MOST_SHOWN, 0, -1):
        problems.add(line, "", "is wrong")
    assert problems.texts() == tuple(f"f.yml:{line}: is wrong" for line in range(1, MOST_SHOWN + 1))


def test_a_name_of_a_file_cannot_forge_a_line() -> None:
    problems = Problems("a\nf.yml:1: fine\x1b[0m")
    problems.add(1, "", "is wrong")
    assert problems.texts() == ("a\\x0af.yml:1: fine\\x1b[0m:1: is wrong",)
