"""Exports: everything is there, in the form that others read, and nothing in it can harm them."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.audit.reader import AuditFilter
from retentiond.domain.errors import AuditDamagedError
from retentiond.domain.event import EventType, finding_closed, finding_opened, not_deleted
from retentiond.evidence.export.forms import Form, written
from retentiond.evidence.export.source import Exported, exported_records
from retentiond.evidence.export.table import COLUMNS, to_csv
from tests.builders import a_finding, a_recording, an_event
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, leaf, needs
from tests.integration.audit.merkle import includes
from tests.integration.evidence.desk import Desk, delete_one, take_apart

HOSTILE = "=cmd|' /C calc'!A0/\u202egpj.\n<script>\x1b[2J/\uff1dx.mp4".encode()
JSON_FORMS = (Form.OCSF, Form.ECS, Form.CLOUDEVENTS)


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail with a deletion of every outcome, findings, a scan and others, under hostile names."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    delete_one(disk, HOSTILE)
    with disk.open() as trail:
        recording = a_recording(path=HOSTILE)
        for kind, why in ((EventType.DELETION_FAILED, "EPERM"), (EventType.DELETION_VOID, "changed")):
            trail.append([not_deleted(kind, 1, "run-1-1", recording, why)])
        found = a_finding()
        trail.append([finding_opened(found), finding_closed(found.key)])
        trail.append([an_event(EventType.SCAN_COMPLETED, store="main", recordings=7, directories=3, oldest=None)])
        trail.append([an_event(EventType.APPROVAL_GIVEN, actor="op-12345678", why="+1", count=-5)])
        trail.append(beats(2))
    return disk


def export(disk: DiskTrail, form: Form, **wanted: Any) -> list[str]:
    return list(written(exported_records(str(disk.path), AuditFilter(**wanted)), form))


def objects(disk: DiskTrail, form: Form, **wanted: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export(disk, form, **wanted)]


def rows(disk: DiskTrail, **wanted: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(export(disk, Form.CSV, **wanted)), newline="")))


# --- everything is there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", JSON_FORMS)
def test_every_record_is_one_line_in_order_and_the_trail_can_be_had_back(disk: DiskTrail, form: Form) -> None:
    lines = disk.lines()
    found = objects(disk, form)
    carried: Callable[[dict[str, Any]], bytes] = {
        Form.OCSF: lambda item: item["raw_data"].encode(),
        Form.ECS: lambda item: item["event"]["original"].encode(),
        Form.CLOUDEVENTS: lambda item: json.dumps(
            item["data"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode(),
    }[form]
    assert [carried(item) for item in found] == lines
    assert len({json.dumps(item) for item in found}) == len(lines)


def test_a_line_out_of_an_export_is_proved_by_a_certificate(tmp_path: Path) -> None:
    desk = Desk(tmp_path, signer=SIGNER)
    seq = delete_one(desk.disk, more=3)
    (event,) = [item for item in objects(desk.disk, Form.OCSF) if item["metadata"]["sequence"] == seq]
    proof = take_apart(desk.run("audit", "prove", str(seq)).encode())
    assert includes(event["raw_data"].encode(), seq, proof.size, proof.root, proof.path)
    assert event["unmapped"]["leaf_hash"] == leaf(proof.entry).hex()
    assert event["raw_data_hash"]["value"] == hashlib.sha256(proof.entry).hexdigest()


def test_a_table_has_every_field_somewhere(disk: DiskTrail) -> None:
    for row, fields in zip(rows(disk), disk.fields(), strict=True):
        assert list(row) == list(COLUMNS)
        found = {key: value.removeprefix("'") for key, value in row.items() if value} | json.loads(row["more"] or "{}")
        rec = fields.get("rec", {})
        for key, value in {**fields, **rec}.items():
            if key in {"v", "prev", "salt", "rec"} or value is None:
                continue
            shown = found[key]
            assert shown == value or shown == str(value) or json.loads(shown) == value, key


def test_filters_are_those_of_show(disk: DiskTrail) -> None:
    assert [row["type"] for row in rows(disk, type="deletion.void")] == ["deletion.void"]
    assert {row["camera"] for row in rows(disk, camera="reception")} == {"reception", ""}
    assert rows(disk, camera="nobody") == []
    assert rows(disk, since=datetime(2999, 1, 1, tzinfo=UTC)) == []


def test_damage_ends_an_export_after_what_is_good(disk: DiskTrail) -> None:
    path = disk.files()[0]
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], b"{}", *lines[4:]]))
    taken: list[str] = []
    with pytest.raises(AuditDamagedError, match=r"line 4 \(record 3\)"):
        taken.extend(written(exported_records(str(disk.path), AuditFilter()), Form.ECS))
    assert len(taken) == 3
    path.write_bytes(b"\n".join([*lines[:3], b""]))
    with pytest.raises(AuditDamagedError, match="3 records are there, and the head on disk attests"):
        export(disk, Form.CSV)


# --- nothing in it can harm ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", JSON_FORMS)
def test_json_is_printable_ascii_whatever_a_file_was_called(disk: DiskTrail, form: Form) -> None:
    for line in export(disk, form):
        assert line.endswith("\n")
        assert line[:-1].isascii()
        assert line[:-1].isprintable()


@given(
    text=st.text()
    | st.tuples(st.sampled_from("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20|%"), st.text(max_size=5)).map("".join)
)
def test_no_cell_is_a_formula_ends_the_row_or_hides_anything(text: str) -> None:
    fields = {"v": 1, "seq": 5, "ts": "x", "type": "finding.opened", "prev": "", "salt": "", "subject": text,
              "message": text, "other": text, "rec": {"path": text}}  # fmt: skip
    row = to_csv(Exported(origin=ORIGIN, line="", fields=fields, leaf="00"))
    assert row.endswith("\r\n")
    assert row[:-2].isprintable()
    (cells,) = csv.reader(io.StringIO(row, newline=""))
    assert len(cells) == len(COLUMNS)
    for cell in cells:
        assert cell[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def test_numbers_below_zero_stay_numbers(disk: DiskTrail) -> None:
    (row,) = rows(disk, type="approval.given")
    assert json.loads(row["more"])["count"] == -5
    assert row["why"] == "'+1"


# --- as others read it --------------------------------------------------------------------------------------------

OCSF_REQUIRED = {
    0: {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"},
    1001: {"actor", "device", "file"},
    2003: {"finding_info", "compliance"},
    6002: {"app"},
    6007: {"scan"},
}
"""What OCSF 1.6.0 requires of every event, and of each class further."""


def test_ocsf_events_have_what_their_class_requires(disk: DiskTrail) -> None:
    by_type = {}
    for item in objects(disk, Form.OCSF):
        assert set(item) >= OCSF_REQUIRED[0] | OCSF_REQUIRED[item["class_uid"]]
        assert item["type_uid"] == item["class_uid"] * 100 + item["activity_id"]
        assert item["category_uid"] == item["class_uid"] // 1000
        assert item["metadata"]["version"] == "1.6.0"
        assert item["metadata"]["product"]["name"]
        by_type[item["activity_name"]] = item
    deleted = by_type["recording.deleted"]
    assert (deleted["class_uid"], deleted["activity_id"], deleted["status_id"]) == (1001, 4, 1)
    assert deleted["time"] == 1_774_958_400_000
    assert deleted["file"]["name"] == "\\xef\\xbc\\x9dx.mp4"
    assert (deleted["file"]["size"], deleted["file"]["volume"], deleted["file"]["is_deleted"]) == (5, "main", True)
    failed = by_type["deletion.failed"]
    assert (failed["status_id"], failed["status_code"], failed["file"]["is_deleted"]) == (2, "EPERM", False)
    assert [by_type[name]["status_id"] for name in ("finding.opened", "finding.closed")] == [1, 4]
    assert (by_type["scan.completed"]["num_files"], by_type["scan.completed"]["num_folders"]) == (7, 3)
    assert by_type["heartbeat"]["class_uid"] == 0


ECS_KINDS = {"alert", "enrichment", "event", "metric", "state", "pipeline_error", "signal"}
ECS_CATEGORIES = {"configuration", "file", "host", "process"}
ECS_TYPES = {"change", "deletion", "error", "info", "start"}


def test_ecs_documents_keep_to_the_words_that_are_allowed(disk: DiskTrail) -> None:
    by_type = {}
    for item in objects(disk, Form.ECS):
        event = item["event"]
        assert event["kind"] in ECS_KINDS
        assert set(event["category"]) <= ECS_CATEGORIES
        assert set(event["type"]) <= ECS_TYPES
        assert event["outcome"] in {"success", "failure", "unknown"}
        assert item["@timestamp"].endswith("Z")
        assert item["ecs"]["version"]
        by_type[event["action"]] = item
    deleted = by_type["recording.deleted"]
    assert (deleted["event"]["outcome"], deleted["event"]["type"]) == ("success", ["deletion"])
    assert deleted["file"]["size"] == 5
    assert by_type["deletion.failed"]["event"]["type"] == ["deletion", "error"]
    assert by_type["approval.given"]["user"] == {"id": "op-12345678"}
    assert by_type["finding.opened"]["event"]["kind"] == "alert"


def test_cloudevents_have_what_the_specification_requires(disk: DiskTrail) -> None:
    found = objects(disk, Form.CLOUDEVENTS)
    for item in found:
        assert {"id", "source", "specversion", "type"} <= set(item)
        assert item["specversion"] == "1.0"
        assert all(name.islower() and name.isalnum() and len(name) <= 20 for name in item)
        assert datetime.fromisoformat(item["time"]).tzinfo is UTC
    assert len({(item["source"], item["id"]) for item in found}) == len(found)
    assert found[2]["id"] == f"{ORIGIN}#2"
    assert found[2]["type"] == "org.retentiond.recording.deleted.v1"
    assert found[2]["subject"] == "main/reception"


# --- much of it ---------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_trail(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    with disk.open() as trail:
        for _ in range(12):
            trail.append(beats(1000))
    size = 0
    tracemalloc.start()
    try:
        for line in written(exported_records(str(disk.path), AuditFilter()), Form.OCSF):
            size += len(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 << 20 < size  # a block of the file is read at a time


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, signer=SIGNER)
    delete_one(desk.disk, HOSTILE, more=2)
    yield desk


def test_the_command_writes_to_standard_output_or_a_new_file(desk: Desk, tmp_path: Path) -> None:
    needs("jq")
    text = desk.run("audit", "export", "--format", "ecs", "--type", "recording.deleted")
    assert len(text.splitlines()) == 3
    asked = subprocess.run(["jq", "-r", ".file.size"], input=text, capture_output=True, text=True, check=True)
    assert asked.stdout == "5\n5\n5\n"
    out = tmp_path / "table.csv"
    assert "wrote 7 records to" in desk.run("audit", "export", "--format", "csv", "--out", str(out))
    with out.open(newline="") as file:
        assert len(list(csv.reader(file))) == 8
    assert "is there already" in desk.run("audit", "export", "--format", "csv", "--out", str(out), status=73)
    told = desk.ask("audit", "export", "--format", "cloudevents", "--out", str(tmp_path / "events"))
    assert (told["format"], told["records"]) == ("cloudevents", 7)
    assert "name one with --out" in desk.run("audit", "export", "--format", "csv", "--json", status=2)
    assert "there is no such type" in desk.run("audit", "export", "--format", "csv", "--type", "x", status=2)


def test_a_reader_that_goes_away_ends_it_quietly(desk: Desk) -> None:
    with desk.disk.open() as trail:
        for _ in range(20):
            trail.append(beats(500))
    program = f"{sys.executable} -m retentiond audit export --format ocsf --config {desk.config}"
    command = f"{program} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[1] == "141"
    assert done.stderr == ""
