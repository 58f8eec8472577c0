"""What Prometheus reads."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from retentiond.domain.clock import ClockState
from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import Category, StoreName
from retentiond.domain.register import DeviceKind
from retentiond.domain.root_words import root_of_words, root_words
from retentiond.observe.metrics import Metrics
from retentiond.ports import Head, Inventory, Observer, RoomStatus, Watching
from tests.unit.observe.builders import (
    NOW,
    ROOT,
    a_finding,
    a_hold,
    a_plan,
    a_snapshot,
    a_store_status,
    a_stream,
    a_stream_status,
)

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
MAIN = StoreName("main")


def samples_of(metrics: Metrics) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.expose("text/plain")[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples_of(metrics).get((f"retentiond_{name}", tuple(sorted(labels.items()))))


def names(metrics: Metrics) -> set[str]:
    return {name for name, _ in samples_of(metrics)}


def test_metrics_are_an_observer() -> None:
    observer: Observer = Metrics("1.2.3")
    observer.publish(a_snapshot())


def test_before_the_first_snapshot_nothing_is_claimed() -> None:
    metrics = Metrics("1.2.3")
    assert "retentiond_overdue" not in names(metrics)
    assert "retentiond_armed" not in names(metrics)
    assert "retentiond_build_info" in names(metrics)


def test_overdue_is_there_with_zero_in_total_and_for_each_camera() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    assert value(metrics, "overdue") == 0
    assert value(metrics, "overdue_recordings", store="main", camera="reception") == 0


def test_overdue_of_a_camera_is_the_sum_over_its_categories() -> None:
    streams = (
        a_stream_status(overdue=2),
        a_stream_status(a_stream(category=Category.STILL), overdue=3),
        a_stream_status(a_stream("yard"), overdue=1),
    )
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(a_store_status(streams=streams),)))
    assert value(metrics, "overdue_recordings", store="main", camera="reception") == 5
    assert value(metrics, "overdue") == 6


def test_holds_are_counted_by_their_approval_and_the_next_end_is_shown() -> None:
    metrics = Metrics("1.2.3")
    holds = (a_hold(), a_hold("H-2", approved=True), a_hold("H-3", effective_until=NOW + timedelta(hours=5)))
    metrics.publish(a_snapshot(holds=holds))
    assert value(metrics, "holds", approved="yes") == 1
    assert value(metrics, "holds", approved="no") == 2
    assert value(metrics, "hold_next_end_timestamp_seconds") == (NOW + timedelta(hours=5)).timestamp()


@pytest.mark.parametrize(
    ("late", "shown"), [((), 0), ((0,), 0), ((2,), 2 * 86_400), ((2, 5), 5 * 86_400), ((None, 2), 2 * 86_400)]
)
def test_the_worst_lateness_is_that_of_the_worst_stream(late: tuple[int | None, ...], shown: float) -> None:
    streams = tuple(
        a_stream_status(
            a_stream(str(number)),
            overdue=1 if days else 0,
            overdue_since=NOW - timedelta(days=days) if days else None,
        )
        for number, days in enumerate(late)
    )
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(a_store_status(streams=streams),)))
    assert value(metrics, "overdue_oldest_seconds", store="main") == shown


def test_what_is_old_and_not_overdue_is_not_late() -> None:
    held = a_stream_status(overdue=0, oldest=NOW - timedelta(days=40))
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(a_store_status(streams=(held,)),)))
    assert value(metrics, "overdue_oldest_seconds", store="main") == 0


def test_every_kind_of_finding_has_a_series_so_that_absence_is_visible() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(findings=(a_finding(FindingKind.OVERDUE), a_finding(FindingKind.OVERDUE, "other"))))
    found = {
        dict(labels)["kind"]: number
        for (name, labels), number in samples_of(metrics).items()
        if name == "retentiond_findings"
    }
    assert found.keys() == {kind.value for kind in FindingKind}
    assert found["overdue"] == 2
    assert sum(found.values()) == 2


def test_what_somebody_knows_of_is_counted_beside_what_is_open() -> None:
    known, new = a_finding(FindingKind.OVERDUE), a_finding(FindingKind.OVERDUE, "other")
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(findings=(known, new), acknowledged=frozenset({known.key})))
    labels = {"kind": "overdue", "severity": "breach"}
    assert value(metrics, "findings", **labels) == 2
    assert value(metrics, "acknowledged_findings", **labels) == 1


def test_every_prohibited_room_has_a_series_for_each_kind_of_device() -> None:
    rooms = (RoomStatus("procedure-2", DeviceKind.CAMERA, 2), RoomStatus("procedure-2", DeviceKind.MICROPHONE, 0))
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(rooms=rooms, findings=(a_finding(FindingKind.UNREGISTERED_DEVICE),)))
    assert value(metrics, "room_violations", room="procedure-2", device_kind="camera") == 2
    assert value(metrics, "room_violations", room="procedure-2", device_kind="microphone") == 0
    assert value(metrics, "unregistered_devices") == 1


def test_devices_are_counted_by_source_and_only_the_register_knows_rooms() -> None:
    inventory = (
        Inventory("register", DeviceKind.CAMERA, 5, 1),
        Inventory("register", DeviceKind.MICROPHONE, 2, 2),
        Inventory("motion/main", DeviceKind.CAMERA, 4),
    )
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(inventory=inventory))
    assert value(metrics, "inventory_devices", source="register", device_kind="camera") == 5
    assert value(metrics, "inventory_devices", source="motion/main", device_kind="camera") == 4
    assert value(metrics, "inventory_unassigned_devices", source="register") == 3
    assert value(metrics, "inventory_unassigned_devices", source="motion/main") is None


def test_records_that_could_not_be_written_are_counted() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(append_failures=3, clock_steps=2))
    assert value(metrics, "audit_append_failures_total") == 3
    assert value(metrics, "clock_jumps_total") == 2


def test_a_store_that_is_away_has_no_size() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    assert value(metrics, "storage_size_bytes", store="main") == 1 << 40
    assert value(metrics, "storage_free_bytes", store="main") == 1 << 38
    metrics.publish(a_snapshot(stores=(a_store_status(space=None),)))
    assert value(metrics, "storage_size_bytes", store="main") is None


def test_what_a_deletion_was_for_is_a_label() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=1, approved=True)
    counted = {
        dict(labels)["reason"]: number for (name, labels), number in samples_of(metrics).items() if "deleted_t" in name
    }
    assert counted == {"deadline": 0, "approved": 1}


def test_a_store_shows_what_its_status_says() -> None:
    store = a_store_status(
        condition="absent",
        unclassified=4,
        uncovered=5,
        suspended=6,
        waiting=a_plan(7),
        watching=Watching(directories=8, losses=9),
    )
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(store,)))
    shown = {
        name: value(metrics, name, store="main")
        for name in (
            "unattributed_files",
            "uncovered_recordings",
            "held_recordings",
            "waiting_recordings",
            "watch_up",
            "watch_directories",
            "watch_lost_events_total",
            "storage_mounted",
            "scan_last_success_timestamp_seconds",
            "next_deadline_timestamp_seconds",
        )
    }
    assert shown == {
        "unattributed_files": 4,
        "uncovered_recordings": 5,
        "held_recordings": 6,
        "waiting_recordings": 7,
        "watch_up": 0,
        "watch_directories": 8,
        "watch_lost_events_total": 9,
        "storage_mounted": 0,
        "scan_last_success_timestamp_seconds": (NOW - timedelta(hours=1)).timestamp(),
        "next_deadline_timestamp_seconds": (NOW + timedelta(days=1)).timestamp(),
    }


def test_a_stream_without_rule_or_recordings_has_no_period_and_no_instants() -> None:
    bare = a_stream_status(recordings=0, oldest=None, newest=None, period_s=None)
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(a_store_status(streams=(bare,)),)))
    assert value(metrics, "recordings", store="main", camera="reception", category="video") == 0
    shown = names(metrics)
    assert "retentiond_policy_retention_seconds" not in shown
    assert "retentiond_oldest_recording_timestamp_seconds" not in shown


def test_a_camera_that_is_gone_from_the_snapshot_is_gone_from_the_gauges() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    metrics.publish(a_snapshot(stores=()))
    assert value(metrics, "recordings", store="main", camera="reception", category="video") is None


def test_counters_are_there_with_zero_before_anything_happens() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    stream = {"store": "main", "camera": "reception", "category": "video"}
    assert value(metrics, "recordings_deleted_total", **stream, reason="deadline") == 0
    assert value(metrics, "clock_jumps_total") == 0
    assert value(metrics, "deleted_bytes_total", store="main") == 0
    assert value(metrics, "external_removals_total", store="main") == 0
    assert value(metrics, "deletion_lateness_seconds_count", store="main") == 0


def test_a_deletion_counts_and_carries_the_number_of_its_audit_record() -> None:
    metrics = Metrics("1.2.3")
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=4711, approved=False)
    body, content_type = metrics.expose(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(body.decode())}  # type: ignore[no-untyped-call]
    [deleted] = families["retentiond_recordings_deleted"].samples
    assert deleted.labels["reason"] == "deadline"
    assert deleted.value == 1
    assert deleted.exemplar is not None
    assert deleted.exemplar.labels == {"audit_seq": "4711"}
    marked = [item for item in families["retentiond_deletion_lateness_seconds"].samples if item.exemplar is not None]
    assert [item.labels["le"] for item in marked] == ["0.5"]
    assert value(metrics, "deleted_bytes_total", store="main") == 1000


def test_the_text_format_is_given_to_everybody_else() -> None:
    body, content_type = Metrics("1.2.3").expose("*/*")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# EOF" not in body


def test_no_created_series_are_shown() -> None:
    metrics = Metrics("1.2.3")
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=1, approved=False)
    assert b"_created" not in metrics.expose(OPENMETRICS)[0]
    assert b"_created" not in metrics.expose("")[0]


def test_a_reason_that_is_no_plain_word_is_never_a_label() -> None:
    metrics = Metrics("1.2.3")
    metrics.not_deleted(MAIN, "EACCES")
    metrics.not_deleted(MAIN, "/srv/recordings/reception/x.mp4")
    assert value(metrics, "deletion_failures_total", store="main", reason="EACCES", errno="EACCES") == 1
    assert value(metrics, "deletion_failures_total", store="main", reason="other", errno="") == 1
    assert b"/srv" not in metrics.expose("")[0]


@pytest.mark.parametrize("size", [-5, 0])
def test_an_observer_never_raises_for_odd_numbers(size: int) -> None:
    metrics = Metrics("1.2.3")
    metrics.deleted(a_stream(), late_s=-3, size_bytes=size, seq=1, approved=False)
    metrics.removed_by_others(MAIN, size)
    metrics.task("scan", ok=True, seconds=-1, at=NOW)
    assert value(metrics, "deletion_lateness_seconds_sum", store="main") == 0


def test_a_task_that_fails_keeps_the_instant_of_its_last_success() -> None:
    metrics = Metrics("1.2.3")
    metrics.task("scan", ok=True, seconds=1.5, at=NOW)
    metrics.task("scan", ok=False, seconds=0.5, at=NOW + timedelta(hours=1))
    assert value(metrics, "task_last_success_timestamp_seconds", task="scan") == NOW.timestamp()
    assert value(metrics, "task_failures_total", task="scan") == 1
    assert value(metrics, "task_duration_seconds_count", task="scan") == 2


def test_a_failed_reload_shows_while_the_last_good_instant_stays() -> None:
    metrics = Metrics("1.2.3")
    assert value(metrics, "config_last_reload_successful") is None
    metrics.task("reload", ok=True, seconds=0.1, at=NOW)
    metrics.task("reload", ok=False, seconds=0.1, at=NOW + timedelta(hours=1))
    assert value(metrics, "config_last_reload_successful") == 0
    assert value(metrics, "config_last_reload_success_timestamp_seconds") == NOW.timestamp()


@pytest.mark.parametrize("state", list(ClockState))
def test_exactly_one_clock_state_is_one(state: ClockState) -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(clock_state=state.value))
    shown = {item.value: value(metrics, "clock_state", state=item.value) for item in ClockState}
    assert shown == {item.value: float(item is state) for item in ClockState}


def test_size_and_root_in_a_scrape_belong_together() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(head=Head(42, ROOT, signed=True)))
    words = [value(metrics, "audit_root_word", word=str(index)) for index in range(5)]
    assert value(metrics, "audit_tree_size") == 42
    assert root_of_words([int(word or 0) for word in words]) == ROOT


@given(root=st.binary(min_size=32, max_size=32))
def test_a_root_survives_floats_as_text(root: bytes) -> None:
    through_text = [int(float(repr(float(word)))) for word in root_words(root)]
    assert root_of_words(through_text) == root


@pytest.mark.parametrize("words", [[0] * 4, [0, 0, 0, 0, 1 << 52], [0, 0, 0, 0, 1 << 48], [-1, 0, 0, 0, 0]])
def test_words_that_are_no_root_are_refused(words: list[int]) -> None:
    with pytest.raises(ValueError, match=r"a root is|more than 256"):
        root_of_words(words)


def published() -> Mapping[str, tuple[str, str]]:
    """Return the table of docs/metrics.md, the contract with alerts and dashboards: type and labels of each name."""
    document = Path(__file__).parents[3] / "docs" / "metrics.md"
    rows = re.findall(
        r"^\| `retentiond_(\w+)` \| (\w+) \| ([^|]*) \|", document.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: (kind, " ".join(sorted(re.findall(r"\w+", labels)))) for name, kind, labels in rows}


def test_names_types_and_labels_are_as_published() -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(stores=(a_store_status(waiting=a_plan()),), holds=(a_hold(),)))
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=1, approved=False)
    metrics.not_deleted(MAIN, "EACCES")
    metrics.task("reload", ok=True, seconds=0.1, at=NOW)
    families = text_string_to_metric_families(metrics.expose("")[0].decode())
    shown = {
        family.name.removeprefix("retentiond_") + ("_total" if family.type == "counter" else ""): (
            family.type,
            " ".join(sorted({label for sample in family.samples for label in sample.labels} - {"le"})),
        )
        for family in families
    }
    assert shown == published()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_complain_about() -> None:
    metrics = Metrics("1.2.3")
    metrics.watch_process()
    metrics.publish(a_snapshot(findings=(a_finding(),), stores=(a_store_status(waiting=a_plan()),)))
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=1, approved=False)
    metrics.not_deleted(MAIN, "EACCES")
    metrics.task("reload", ok=False, seconds=0.1, at=NOW)
    lint = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.expose("")[0], capture_output=True, check=False
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, b"")
