"""Trusted time survives a restart."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.clock import ClockAnchor
from retentiond.domain.errors import StorageError
from retentiond.domain.instants import EPOCH
from retentiond.observe.clock_memory import ClockFile, format_anchor, parse_anchor
from retentiond.ports import ClockMemory

ANCHOR = ClockAnchor(
    trusted=datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    since_boot=timedelta(hours=5, microseconds=7),
    boot_id="5a5d1c9e-0000-4000-8000-000000000000",
    gap=True,
    drifted=timedelta(seconds=12.5),
    advanced=timedelta(minutes=3),
    synchronised_since=timedelta(seconds=40),
)
SPANS = st.timedeltas(timedelta(), timedelta(days=10_000))


def test_there_is_no_anchor_before_the_first_is_saved(tmp_path: Path) -> None:
    assert ClockFile(str(tmp_path / "clock.json")).load() is None


def test_the_anchor_saved_last_is_loaded(tmp_path: Path) -> None:
    memory: ClockMemory = ClockFile(str(tmp_path / "clock.json"))
    memory.save(ANCHOR)
    later = replace(ANCHOR, trusted=ANCHOR.trusted + timedelta(minutes=1), synchronised_since=None)
    memory.save(later)
    assert ClockFile(str(tmp_path / "clock.json")).load() == later
    assert os.listdir(tmp_path) == ["clock.json"]
    assert (tmp_path / "clock.json").stat().st_mode & 0o777 == 0o640


@given(
    st.builds(
        ClockAnchor,
        trusted=st.integers(0, 10**16).map(lambda us: EPOCH + timedelta(microseconds=us)),
        since_boot=SPANS,
        boot_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        gap=st.booleans(),
        drifted=SPANS,
        advanced=SPANS,
        synchronised_since=st.none() | SPANS,
    )
)
def test_no_anchor_changes_on_its_way_through_the_file(anchor: ClockAnchor) -> None:
    assert parse_anchor(format_anchor(anchor)) == anchor


def with_field(key: str, value: Any) -> bytes:
    return json.dumps(json.loads(format_anchor(ANCHOR)) | {key: value}).encode()


def without_field(key: str) -> bytes:
    fields = json.loads(format_anchor(ANCHOR))
    del fields[key]
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 300,
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        format_anchor(ANCHOR)[:-20],
        without_field("gap"),
        with_field("surplus", 1),
        with_field("schema", "retentiond.clock/2"),
        with_field("trusted", "2026-03-01T12:00:00"),
        with_field("trusted", 1772366400),
        with_field("trusted", "yesterday"),
        with_field("since_boot_us", True),
        with_field("since_boot_us", 1.5),
        with_field("since_boot_us", -1),
        with_field("since_boot_us", 10**30),
        with_field("boot_id", None),
        with_field("gap", 0),
        with_field("synchronised_since_us", "now"),
    ],
)
def test_a_damaged_anchor_is_no_fresh_start(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clock.json"
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"clock\.json.*retentiond clock accept"):
        ClockFile(str(path)).load()


def test_neither_a_link_nor_a_pipe_nor_a_directory_is_an_anchor(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(format_anchor(ANCHOR))
    (tmp_path / "link.json").symlink_to("real.json")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "directory.json").mkdir()
    for name in ("link.json", "pipe.json", "directory.json"):
        with pytest.raises(StorageError, match=name):
            ClockFile(str(tmp_path / name)).load()


def test_an_anchor_that_cannot_be_saved_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"clock\.json"):
        ClockFile(str(tmp_path / "missing" / "clock.json")).save(ANCHOR)
