"""Configurations that must not be used: one clear line for each problem, 78, and nothing is deleted.

These are cases 46 to 50 of the catalogue of disasters that the project keeps, through the real command line. Every
case is put before a daemon that would delete at once: the store is adopted, the clock accepted, and what is old has
been approved. That it would is the last test. Which values each key takes is tried in tests/unit/settings, by
`test_yaml_is_read_strictly.py` (46, 47), `test_store_paths.py` (44, 48) and `test_loading.py` (50); layouts (49) in
tests/unit/recorders/test_pattern.py.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.commands import ROWS, Row
from tests.integration.cli.conftest import Make
from tests.integration.cli.place import NOBODY, Place
from tests.integration.cli.test_every_command import expect, ids, typed
from tests.system.warm import Done

PERIOD = "deletion_period: 30d"
LAYOUT = 'layout: "{camera}/%Y-%m-%d/%H-%M-%S.mp4"'
NO_LENGTH = "is no length of time: write a whole number and a unit (s, min, h, d, w), such as 30d"
MARGIN = "margin: 60s"


@pytest.fixture(scope="module")
def armed(make: Make) -> Iterator[Place]:
    """A place where the next `run --once` with a good configuration deletes two recordings."""
    place = make()
    assert place.call("store", "adopt", "main").status == 0
    place.accept_clock()
    assert place.call("run", "--once").status == 1
    assert place.approve_all() == 2
    yield place


@pytest.fixture
def bad(armed: Place) -> Iterator[Place]:
    """The same, with a copy of the configuration that a test spoils. Whatever it does, nothing is deleted."""
    good, before = armed.config, armed.files()
    armed.config = good.with_name("bad.yml")
    armed.config.write_text(good.read_text())
    armed.config.chmod(0o644)
    yield armed
    if armed.config.exists() or armed.config.is_symlink():
        armed.config.unlink()
    armed.config = good
    assert armed.files() == before


def spoil(place: Place, old: str, new: str) -> None:
    text = place.config.read_text()
    assert old in text
    place.config.write_text(text.replace(old, new, 1))


def refusals(place: Place) -> list[str]:
    """Return the problems that every way to use the configuration names, which are the same."""
    told: list[list[str]] = []
    for command in ("config check", "run", "run --once", "plan"):
        done = place.call(*command.split())
        assert (done.status, done.out) == (78, ""), done
        assert "Traceback" not in done.err
        told.append(done.complaints)
    assert all(lines == told[0] for lines in told)
    return [line.removeprefix("retentiond: ") for line in told[0]]


def refusal(place: Place) -> str:
    (line,) = refusals(place)
    return line


@pytest.mark.parametrize(
    "text", ["0", "0d", "-30d", "true", '"30"', "30", "30.5", ".inf", "1" + "0" * 30, "030", "0x1e", "1:30", "30D"]
)
def test_46_a_period_that_is_no_number_with_a_unit(bad: Place, text: str) -> None:
    spoil(bad, PERIOD, f"deletion_period: {text}")
    shown = text.strip('"')
    assert refusal(bad) == f"{bad.config}:4: deletion_rules[0].deletion_period: {shown!r} {NO_LENGTH}"


def test_46_a_period_that_is_empty(bad: Place) -> None:
    spoil(bad, PERIOD, "deletion_period: ")
    assert refusal(bad).startswith(f"{bad.config}:4: deletion_rules[0].deletion_period: is empty; write a text here")


def test_46_a_period_that_is_missing_has_no_default(bad: Place) -> None:
    spoil(bad, f", {PERIOD}", "")
    assert refusal(bad) == (
        f"{bad.config}:4: deletion_rules[0].deletion_period: is missing; write it with its unit, such as 30d; "
        "there is no default"
    )


@pytest.mark.parametrize("text", ["59min", "3651d", "999999999999w"])
def test_46_a_period_out_of_all_reason(bad: Place, text: str) -> None:
    spoil(bad, PERIOD, f"deletion_period: {text}")
    assert refusal(bad).startswith(f"{bad.config}:4: deletion_rules[0].deletion_period: {text!r} is ")


@pytest.mark.parametrize(
    ("old", "new", "place", "meant"),
    [
        (PERIOD, f"{PERIOD}, retention_day: 30d", "4: deletion_rules[0].retention_day", "deletion_period"),
        (PERIOD, f"{PERIOD}, camera: [hall]", "4: deletion_rules[0].camera", "cameras"),
        (MARGIN, f"{MARGIN}\nretention_days: 30", "7: retention_days", "deletion_rules"),
        (MARGIN, f"{MARGIN}\ndry_run: true", "7: dry_run", "mode"),
        (MARGIN, f"{MARGIN}\nmargins: 60s", "7: margins", "margin"),
    ],
)
def test_47_an_unknown_key_is_told_with_the_one_that_is_meant(
    bad: Place, old: str, new: str, place: str, meant: str
) -> None:
    spoil(bad, old, new)
    assert refusal(bad) == f"{bad.config}:{place}: is not a key of this file; did you mean {meant}?"


def test_47_a_key_that_stands_twice_is_told_with_both_lines(bad: Place) -> None:
    spoil(bad, MARGIN, f"{MARGIN}\nwatch: true\n{MARGIN}")
    assert f"{bad.config}:8: margin: stands here twice, first in line 6; keep one" in refusals(bad)


@pytest.mark.parametrize("text", ['""', "/", "/home", ".", "~", "$REC", '"/srv/rec\\n"', "recordings", "/proc/self"])
def test_48_a_store_that_is_no_place_for_one(bad: Place, text: str) -> None:
    spoil(bad, f"path: {bad.store}", f"path: {text}")
    line = refusal(bad)
    assert line.startswith(f"{bad.config}:9: stores[0].path: ")
    assert re.search(r"[;:] (write|name|nothing is expanded)", line)


def test_48_a_store_through_a_link_is_told_with_the_path_it_leads_to(bad: Place) -> None:
    link = bad.root / "link"
    link.symlink_to(bad.store)
    spoil(bad, f"path: {bad.store}", f"path: {link}")
    assert refusal(bad) == (
        f"{bad.config}:9: stores[0].path: '{link}': {link} is a symbolic link; write the path that it leads to: "
        f"{bad.store}"
    )
    link.unlink()


def test_48_a_store_that_contains_the_state(bad: Place) -> None:
    spoil(bad, f"path: {bad.store}", f"path: {bad.root}")
    assert refusals(bad)[0] == (
        f"{bad.config}:8: stores[0]: the store '{bad.root}' and the state directory '{bad.state}' overlap; "
        "keep them apart"
    )


def test_48_a_store_that_is_not_there_is_waited_for_and_nothing_else_is_touched(bad: Place) -> None:
    """It may be a disk that is not mounted yet: that is no mistake in the file, and the daemon says so in a finding."""
    spoil(bad, f"path: {bad.store}", f"path: {bad.store}-elsewhere")
    done = bad.call("config", "check")
    assert done.status == 0
    assert f"{bad.store}-elsewhere is not there (yet); the daemon waits for it" in done.out
    assert bad.call("run", "--once").status == 1
    assert "store_absent" in bad.call("check").out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"*"', "has '*' in its path, and '*' means itself here; write {any}"),
        ('"**"', "has '**' in its path, and '*' means itself here; write {any}"),
        ('"{camera}"', "would recognise every file; add the time (%Y-%m-%d …) or an extension such as '.mp4'"),
        ('"{any}/{camera}"', "would recognise every file; add the time (%Y-%m-%d …) or an extension such as '.mp4'"),
        ('"../{camera}/%s"', "has an empty part, '.' or '..' in its path; remove it"),
    ],
)
def test_49_a_layout_that_would_match_everything(bad: Place, text: str, what: str) -> None:
    spoil(bad, LAYOUT, f"layout: {text}")
    layout = text.strip('"')
    assert refusal(bad) == f"{bad.config}:12: store 'main': layout {layout!r} {what}"


@pytest.mark.parametrize("text", ['""', "[]"])
def test_49_a_layout_that_is_empty(bad: Place, text: str) -> None:
    spoil(bad, LAYOUT, f"layout: {text}")
    assert refusal(bad).startswith(f"{bad.config}:12: stores[0].layout: ")


def test_49_a_layout_that_matches_nothing_deletes_nothing_and_is_a_finding(bad: Place) -> None:
    spoil(bad, LAYOUT, 'layout: "{camera}/%Y-%m-%d/%H-%M-%S.avi"')
    assert bad.call("run", "--once").status == 1
    found = {item["kind"]: item["message"] for item in bad.call_json("check")["findings"]}
    assert found["unclassified_files"] == "files in store 'main' that match no layout and are never deleted: 6"


@pytest.mark.parametrize("selector", ["cameras: []", "stores: []", "rooms: []"])
def test_49_a_selector_that_is_empty_does_not_mean_everything(bad: Place, selector: str) -> None:
    spoil(bad, PERIOD, f"{PERIOD}, {selector}")
    key = selector.partition(":")[0]
    assert refusal(bad) == (
        f"{bad.config}:4: deletion_rules[0].{key}: write a list that is not empty, such as [a, b]; "
        "leave the key out to mean everything"
    )


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_50_a_file_that_others_may_write(bad: Place, mode: int) -> None:
    bad.config.chmod(mode)
    assert refusal(bad) == f"{bad.config}: others may write it (mode {mode:04o}); run: chmod go-w {bad.config}"


def test_50_a_register_that_others_may_write(bad: Place) -> None:
    bad.register.chmod(0o666)
    assert refusal(bad) == f"{bad.register}: others may write it (mode 0666); run: chmod go-w {bad.register}"
    bad.register.chmod(0o644)


def test_50_a_directory_that_others_may_write(bad: Place) -> None:
    folder = bad.config.parent
    folder.chmod(0o777)
    assert f"{folder}: others may write it (mode 0777); run: chmod go-w {folder}" in refusals(bad)
    folder.chmod(0o755)


@pytest.mark.privileged
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_50_a_file_of_somebody_else(bad: Place) -> None:
    os.chown(bad.config, NOBODY, -1)
    assert refusal(bad) == (
        f"{bad.config}: belongs to another user (uid {NOBODY}), who could change it; run: chown root {bad.config}"
    )


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("link", ": is a symbolic link; name the file itself, one that you may read"),
        ("pipe", ": is no regular file; write the configuration into one"),
        ("directory", ": is no regular file; write the configuration into one"),
        ("nothing", ": is not there; make one: retentiond config init DIRECTORY"),
        ("2 GiB", ": is larger than 1 MiB; no file of ours is"),
        ("a device", ": is no regular file; write the configuration into one"),
        ("empty", ""),
        ("not YAML", ":2: is no YAML: "),
        ("binary", ""),
    ],
)
def test_50_something_else_in_the_place_of_the_file(bad: Place, kind: str, what: str) -> None:
    kept = bad.config.rename(bad.config.with_name("kept.yml"))
    put_in_place(kind, bad.config, kept)
    try:
        problems = refusals(bad)
        assert all(line.startswith(f"{bad.config}{what}") for line in problems), problems
    finally:
        if bad.config.is_dir():
            bad.config.rmdir()


def put_in_place(kind: str, place: Path, kept: Path) -> None:
    match kind:
        case "link":
            place.symlink_to(kept)
        case "pipe":
            os.mkfifo(place)
        case "directory":
            place.mkdir()
        case "2 GiB":
            with place.open("wb") as file:
                file.truncate(2 << 30)
        case "a device":
            os.mknod(place, 0o020644, os.makedev(1, 5))
        case "empty":
            place.write_text("")
        case "not YAML":
            place.write_text("stores: [\n")
        case "binary":
            place.write_bytes(bytes(range(256)))
        case _:
            return
    if kind in ("2 GiB", "empty", "not YAML", "binary"):
        place.chmod(0o644)


def test_problems_of_both_files_are_told_at_once(bad: Place) -> None:
    kept = bad.register.read_text()
    bad.register.write_text(kept.replace("class: public", "class: publik"))
    spoil(bad, PERIOD, "deletion_period: 30")
    spoil(bad, "mode: enforce", "mode: enforced")
    told = refusals(bad)
    assert [line.split(": ")[0] for line in told] == [f"{bad.config}:2", f"{bad.config}:4", f"{bad.register}:2"]
    bad.register.write_text(kept)
    spoil(bad, "mode: enforced", "mode: enforce")
    spoil(bad, PERIOD, "deletion_period: 30d")


NEEDING = [row for row in ROWS if row.reads != "nothing"]


@pytest.mark.parametrize("row", NEEDING, ids=ids(NEEDING))
def test_no_command_goes_on_without_a_configuration(row: Row, bad: Place) -> None:
    arguments = typed(row, bad)
    bad.config.write_text("deletion_rules: [\n")
    for done in (bad.call(*arguments), without(bad, *arguments)):
        expect(done, 78)
    assert str(bad.config) in bad.call(*arguments).err


def without(place: Place, *arguments: str) -> Done:
    """Run a command whose configuration is not there, named in the way that scripts do."""
    variable = {"RETENTIOND_CONFIG": str(place.config.with_name("none.yml"))}
    return place.call(*arguments, with_config=False, environment=variable)


def test_the_reload_of_a_broken_file_leaves_the_daemon_as_it_was(make: Make) -> None:
    import signal

    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        kept = place.config.read_text()
        place.config.write_text(kept.replace(PERIOD, "deletion_period: 3"))
        assert place.daemon is not None
        place.daemon.send_signal(signal.SIGHUP)
        place.wait(lambda: "configuration" in place.call("status").out, "the finding")
        place.config.write_text(kept)
        assert len(place.files("*.mp4")) == 6


def test_with_the_good_configuration_all_that_would_have_been_deleted(armed: Place) -> None:
    """The proof that the tests above could fail; it has to be the last."""
    assert armed.call("run", "--once").status in (0, 1)
    assert len(armed.files("*.mp4")) == 4
