"""`retentiond config init`: two files that load as they are, and delete nothing."""

import json
import os
import shlex
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.place import Place


@pytest.fixture
def out(fresh: Place) -> Path:
    folder = fresh.root / "proposed"
    folder.mkdir()
    return folder


def test_what_it_proposes_can_be_typed_and_changes_nothing(fresh: Place, out: Path) -> None:
    before = fresh.files()
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), "--timezone", "UTC", with_config=False)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == (
        f"{fresh.store} looks like recorder template with layout {{camera}}/%Y-%m-%d/%H-%M-%S.mp4: "
        "6 of 6 names match; cameras: entrance, hall"
    )
    assert lines[1:3] == [f"wrote {out}/retentiond.yml", f"wrote {out}/register.yml"]
    typed = [line.strip() for line in lines if line.startswith("  retentiond ")]
    assert len(typed) == 3
    state = f"state: {fresh.state}\n"
    (out / "retentiond.yml").write_text((out / "retentiond.yml").read_text() + state)
    statuses = [fresh.call(*shlex.split(line)[1:], with_config=False).status for line in typed]
    assert statuses == [0, 1, 0]  # `check` finds what is overdue, and that no camera has a room
    assert fresh.files() == before
    assert not fresh.state.exists()
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o644}


def test_it_names_the_record_after_this_host(fresh: Place, out: Path) -> None:
    fresh.call("config", "init", str(fresh.store), "--out", str(out), with_config=False)
    text = (out / "retentiond.yml").read_text()
    assert f'audit: {{origin: "{os.uname().nodename}/retentiond"}}   # the name of this record, for good' in text
    shown = fresh.call("config", "show", "--config", str(out / "retentiond.yml"), with_config=False).out
    assert f'origin: "{os.uname().nodename}/retentiond"' in shown


def test_programs_get_what_was_seen_and_written(fresh: Place, out: Path) -> None:
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), "--json", with_config=False)
    assert json.loads(done.out) == {
        "schema": "retentiond.config.init/1",
        "recorder": "template",
        "layout": "{camera}/%Y-%m-%d/%H-%M-%S.mp4",
        "cameras": ["entrance", "hall"],
        "looked_at": 6,
        "matched": 6,
        "wrote": [f"{out}/retentiond.yml", f"{out}/register.yml"],
    }


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("{store}", "--out", "{out}/none"), 73, "{out}/none: is not there; run: mkdir -p {out}/none"),
        (("{store}", "--out", "{register}"), 73, "cannot be written (Not a directory)"),
        (("{store}", "--out", ""), 2, "config init: invalid value for '--out': is empty; name the file"),
        (("{store}", "--timezone", "Mars/Olympus"), 2, "'Mars/Olympus' is no time zone; write one such as"),
        (("{store}", "--recorder-config", "{register}"), 2, "{register}: cannot be used for {store}; name"),
        (("{out}",), 2, "{out}: nothing in it looks like recordings of a recorder that is known here"),
        (("{out}/none",), 74, "{out}/none: cannot be listed (No such file or directory); name a directory"),
        (("{register}",), 2, "{register}: is no directory; name the one that the recorder writes into"),
        (("/etc",), 2, "'/etc' is a system directory or too near the root"),
        (("/",), 2, "'/' is a system directory or too near the root"),
        ((), 2, "config init: missing argument 'STORE'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    fresh: Place, out: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    values = {"store": fresh.store, "out": out, "register": fresh.register}
    typed = [item.format(**values) for item in arguments]
    done = fresh.call("config", "init", *typed, with_config=False, directory=str(out))
    assert (done.status, done.out) == (status, "")
    (line,) = done.complaints
    assert line.startswith(f"retentiond: {words.format(**values)}") or words in line
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", ["retentiond.yml", "register.yml"])
@pytest.mark.parametrize("kind", ["file", "link to nowhere"])
def test_a_file_that_is_there_is_never_replaced(fresh: Place, out: Path, name: str, kind: str) -> None:
    if kind == "file":
        (out / name).write_text("mine\n")
    else:
        (out / name).symlink_to(out / "nowhere")
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), with_config=False)
    assert done.status == 73
    assert done.complaints == [f"retentiond: {out}/{name}: exists already; move it away, or write elsewhere with --out"]
    assert [path.name for path in out.iterdir()] == [name]


def test_hostile_names_in_the_store_make_files_that_load_all_the_same(fresh: Place, out: Path) -> None:
    for camera in (b"line\nmode: enforce", b"\xff", b'"quoted": {x', b"# no comment", b"\x1b[2J"):
        folder = os.path.join(os.fsencode(fresh.store), camera, b"2026-01-01")
        os.makedirs(folder)
        with open(os.path.join(folder, b"10-00-00.mp4"), "wb") as file:
            file.write(b"x")
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), with_config=False)
    assert (done.status, done.err) == (0, "")
    assert all(line.isprintable() for line in done.out.splitlines())
    checked = fresh.call("config", "check", "--config", str(out / "retentiond.yml"), with_config=False)
    assert (checked.status, checked.err) == (0, "")
    shown = fresh.call("config", "show", "--config", str(out / "retentiond.yml"), with_config=False)
    assert "\nmode: observe\n" in shown.out
    assert "7 devices" in checked.out


def test_it_looks_at_a_large_store_no_longer_than_it_has_to(fresh: Place, out: Path) -> None:
    """It reads some thousand names; a recorder may have written millions."""
    crowd = fresh.store / "crowd"
    crowd.mkdir()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(6000):
        (crowd / f"{start + timedelta(seconds=number):%Y%m%d%H%M%S}.mp4").touch()
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), "--json", with_config=False)
    assert json.loads(done.out)["looked_at"] <= 5000


@pytest.mark.privileged
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_is_closed_is_77(fresh: Place, out: Path) -> None:
    fresh.store.chmod(0o700)
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), with_config=False, user=65534)
    assert done.status == 77
    assert done.complaints == [
        f"retentiond: {fresh.store}: cannot be listed (Permission denied); name a directory that you may read"
    ]
    fresh.store.chmod(0o755)
    done = fresh.call("config", "init", str(fresh.store), "--out", str(out), with_config=False, user=65534)
    assert done.status == 77
    assert "cannot be written (Permission denied)" in done.err
