"""What is shipped, proposed and shown reads back as itself; the schema knows every key."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.names import readable
from retentiond.domain.register import Register, Relation
from retentiond.settings import keys
from retentiond.settings.load import load_register_file, load_settings
from retentiond.settings.locate import quick
from retentiond.settings.propose import Recognised, propose
from retentiond.settings.register_schema import register_schema
from retentiond.settings.render import render
from retentiond.settings.schema import settings_schema
from tests.unit.settings.texts import FULL_SETTINGS, SETTINGS, register_of, settings_of

SHIPPED = Path(__file__).parents[3] / "config"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The files as shipped, where only we may write."""
    for name in ("retentiond.yml", "register.yml"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
        (tmp_path / name).chmod(0o640)
    return tmp_path


def test_the_shipped_settings_load(shipped: Path) -> None:
    assert load_settings(str(shipped / "retentiond.yml")).controller == "Example Clinic OÜ"


def test_the_shipped_register_loads_and_has_a_room_without_devices(shipped: Path) -> None:
    register = load_register_file(str(shipped / "register.yml")).register
    assert {"procedure-2", "reception"} <= {room.ident for room in register.rooms}
    assert len(register.devices) == 2


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "retentiond.yml",
            {
                *(*keys.TOP, *keys.RULE, *keys.STORE, *keys.SOURCE),
                *(*keys.AUDIT, *keys.WITNESS, *keys.TSA, *keys.HTTP),
            },
        ),
        (
            "register.yml",
            {
                *(*keys.REGISTER, *keys.ROOM, *keys.ROOM_CLASS, *keys.NEIGHBOUR, *keys.DEVICE, *keys.TRACKS_ENTRY),
                *(*keys.KNOWN_NAME, *keys.LINK, *keys.PRESET, *keys.CLEARANCE),
                *(*keys.OWN_APPROVAL, *keys.APPROVAL, *keys.SIGN, *keys.DPIA),
            },
        ),
    ],
)
def test_the_shipped_files_show_every_key_with_a_comment_beside_or_above_it(name: str, known: set[str]) -> None:
    lines = (SHIPPED / name).read_text().splitlines()
    explained = "\n".join(
        line for above, line in pairwise(["", *lines]) if "# " in line.strip() or above.strip().startswith("# ")
    )
    assert {key for key in known if not re.search(rf"\b{key}:", explained)} == set()


def test_what_the_shipped_settings_have_in_comments_is_good_too(shipped: Path) -> None:
    _uncomment(shipped / "retentiond.yml")
    loaded = load_settings(str(shipped / "retentiond.yml"))
    assert {frozenset(rule.rooms) for rule in loaded.policy.rules} == {frozenset(), frozenset({"reception"})}
    assert loaded.stores[0].layouts


def test_what_the_shipped_register_has_in_comments_is_good_too(shipped: Path) -> None:
    _uncomment(shipped / "register.yml")
    register = load_register_file(str(shipped / "register.yml")).register
    assert any(link.relation is Relation.HEARS for link in register.devices[0].links)


def _uncomment(path: Path) -> None:
    text = re.sub(r"(?m)^( *)# ([a-z_]+: [^.\n]*(?:\.[^.\n]*)?)$", r"\1\2", path.read_text())
    assert text != path.read_text()
    path.write_text(text)


def test_what_is_shown_reads_back_as_the_same_settings() -> None:
    for text in (SETTINGS + "mode: enforce\nmargin: 90s\ndispute_grace: 0s\naudit: {keep: 36mo}\n", FULL_SETTINGS):
        shown = settings_of(text)
        assert settings_of(render(shown)) == shown


def recognised(
    recorder: str, layout: str | None, cameras: tuple[str, ...], config: str | None, timezone: str
) -> Recognised:
    return Recognised(recorder, layout, cameras, config, timezone, host="nvr1.clinic.example", looked_at=9, matched=8)


PROPOSALS = [
    recognised(
        "motion", None, ("Cam 1", "cam 1", "2", "no", "ünï", 'a"b'), "/etc/motion/motion.conf", "Europe/Tallinn"
    ),
    recognised("template", "{camera}/%Y-%m-%d/%H-%M-%S.mp4", (), None, "UTC"),
]


@pytest.mark.parametrize("found", PROPOSALS)
def test_proposed_settings_load_and_delete_nothing(found: Recognised) -> None:
    proposed = settings_of(propose("/srv/my store: 1", found).settings)
    (store,) = proposed.stores
    assert proposed.enforcing is False
    assert (store.path, store.recorder, store.timezone) == ("/srv/my store: 1", found.recorder, found.timezone)
    assert store.recorder_config == found.recorder_config
    assert store.layouts == (() if found.layout is None else (found.layout,))
    assert proposed.audit.origin == "nvr1.clinic.example/retentiond"


def names_in(register: Register) -> list[list[tuple[str, str]]]:
    return [[(known.source, known.name) for known in device.known_as] for device in register.devices]


def test_a_proposed_register_names_every_camera_and_gives_none_a_room() -> None:
    register = register_of(propose("/srv/recordings", PROPOSALS[0]).register)
    assert names_in(register) == [[("main", name)] for name in PROPOSALS[0].cameras]
    assert [device.name for device in register.devices] == list(PROPOSALS[0].cameras)
    assert all(device.links == () for device in register.devices)
    assert len({device.ident for device in register.devices}) == len(register.devices)


def test_a_proposed_register_without_cameras_loads() -> None:
    assert register_of(propose("/srv/recordings", PROPOSALS[1]).register).devices == ()


@settings(deadline=None, database=None, max_examples=100)
@given(
    st.lists(st.binary(min_size=1, max_size=8).map(readable), unique=True, max_size=4),
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="/$"), min_size=1, max_size=10),
)
@example([" ", "  ", readable(b"\\x20")], "a b")
def test_a_proposal_loads_whatever_the_names_on_the_disk_are(cameras: list[str], directory: str) -> None:
    found = recognised("template", "{camera}/%s.mp4", tuple(cameras), None, "Europe/Tallinn")
    proposal = propose(f"/srv/{directory}x", found)
    (store,) = settings_of(proposal.settings).stores
    assert store.path == f"/srv/{directory}x"
    register = register_of(proposal.register)
    assert names_in(register) == [[("main", name)] for name in cameras]


@pytest.mark.parametrize(
    ("store", "timezone"), [("/srv/recordings", "Mars/Olympus"), ("/etc", "UTC"), ("/srv/$REC", "UTC")]
)
def test_a_proposal_that_would_not_load_is_not_made(store: str, timezone: str) -> None:
    with pytest.raises(ConfigurationError):
        propose(store, recognised("motion", None, (), None, timezone))


def test_a_relative_configuration_of_the_recorder_is_named_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = recognised("motion", None, (), "motion.conf", "UTC")
    (store,) = settings_of(propose("/srv/recordings", found).settings).stores
    assert store.recorder_config == str(tmp_path / "motion.conf")


def _objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in _objects(item)]
    if not isinstance(schema, dict):
        return []
    return [*([schema] if "properties" in schema else []), *_objects(list(schema.values()))]


@pytest.mark.parametrize("schema", [settings_schema(), register_schema()])
def test_the_schemas_are_closed_and_need_only_what_they_know(schema: dict[str, Any]) -> None:
    for item in _objects(schema):
        assert item["additionalProperties"] is False
        assert set(item["required"]) <= set(item["properties"])


# --- locate ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", "state: /var/lib/other\n", "state: /var/lib/other\nsocket: /run/x/y.sock\n"])
def test_the_quick_look_finds_what_the_full_reading_finds(tmp_path: Path, more: str) -> None:
    path = tmp_path / "retentiond.yml"
    path.write_text(SETTINGS + more)
    path.chmod(0o640)
    loaded = load_settings(str(path))
    assert (quick(str(path)).state, quick(str(path)).socket) == (loaded.state, loaded.socket)


@pytest.mark.parametrize(
    "more", ["state: relative\n", "socket: $HOME/x\n", "\tx: y\n", "state: &a /var/lib/x\n", "---\n"]
)
def test_the_quick_look_refuses_what_the_full_reading_refuses(tmp_path: Path, more: str) -> None:
    path = tmp_path / "retentiond.yml"
    path.write_text(SETTINGS + more)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError):
        quick(str(path))


def test_the_quick_look_follows_no_file_that_others_may_write(tmp_path: Path) -> None:
    """It would ask whoever answers at the socket that they name."""
    path = tmp_path / "retentiond.yml"
    path.write_text(SETTINGS)
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod go-w"):
        quick(str(path))


def test_the_quick_look_imports_nothing_heavy() -> None:
    code = "import sys, retentiond.settings.locate; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "yaml" in loaded
    assert not {"pydantic", "click", "rich", "structlog", "cryptography", "prometheus_client"} & set(loaded)


@pytest.mark.skipif(shutil.which("timeout") is None, reason="timeout(1) is not installed")
def test_the_quick_look_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe", 0o600)
    code = (
        f"from retentiond.settings.locate import quick\ntry: quick({str(tmp_path / 'pipe')!r})\nexcept Exception: pass"
    )
    assert subprocess.run(["timeout", "5", sys.executable, "-c", code], check=False).returncode == 0
