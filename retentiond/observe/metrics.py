"""What Prometheus reads; the names are a contract (docs/metrics.md).

What is true at one instant (`observe.gauges`) comes from one immutable snapshot, read once in a scrape, so that the
size of the audit trail and the words of its root always belong together. What happens is counted here, live. Labels
carry store, camera, category, room and closed sets of words; never a path, a person or a hash (I10).
"""

import platform
import re
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client import exposition as text_format
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from retentiond.domain.recording import StoreName, Stream
from retentiond.observe.gauges import CurrentState
from retentiond.ports import Snapshot, StoreStatus

RELOAD_TASK = "reload"
"""The task of reading the configuration, at start too; it feeds the two `config_last_reload` gauges."""

DEADLINE = "deadline"
APPROVED = "approved"
"""Why a recording was deleted: its time explains it, or a person released it."""

_LATENESS_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
_TASK_BUCKETS = (0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 21600)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}|[A-Z][A-Z0-9_]{0,39}")
_STREAM = ("store", "camera", "category")
_STORE = ("store",)


class Metrics:
    """`Observer` that Prometheus reads. Safe from any thread."""

    def __init__(self, version: str) -> None:
        self._snapshot: Snapshot | None = None
        self._reload: tuple[bool, datetime | None] | None = None
        self._registry = registry = CollectorRegistry()
        registry.register(CurrentState(lambda: self._snapshot, lambda: self._reload))
        build = Info("retentiond_build", "Version of the running daemon.", registry=registry)
        build.info({"version": version, "python": platform.python_version()})
        self._deleted = Counter(
            "retentiond_recordings_deleted_total",
            "Recordings deleted and on the record; the exemplar is the audit record's number.",
            (*_STREAM, "reason"),
            registry=registry,
        )
        self._bytes = Counter(
            "retentiond_deleted_bytes_total", "Size of the recordings deleted.", _STORE, registry=registry
        )
        self._failures = Counter(
            "retentiond_deletion_failures_total",
            "Deletions that failed or were void: why, and the errno where there is one.",
            ("store", "reason", "errno"),
            registry=registry,
        )
        self._lateness = Histogram(
            "retentiond_deletion_lateness_seconds",
            "How long after it fell due a recording was deleted.",
            _STORE,
            registry=registry,
            buckets=_LATENESS_BUCKETS,
        )
        self._external = Counter(
            "retentiond_external_removals_total",
            "Recordings that vanished and that retentiond did not delete.",
            _STORE,
            registry=registry,
        )
        self._task_success = Gauge(
            "retentiond_task_last_success_timestamp_seconds",
            "When the task last ended well.",
            ("task",),
            registry=registry,
        )
        self._task_seconds = Histogram(
            "retentiond_task_duration_seconds",
            "How long the task took.",
            ("task",),
            registry=registry,
            buckets=_TASK_BUCKETS,
        )
        self._task_failures = Counter(
            "retentiond_task_failures_total", "Times that the task ended badly.", ("task",), registry=registry
        )

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot published, None before the first."""
        return self._snapshot

    def watch_process(self) -> None:
        """Add the `process_*` metrics of this process. Reads /proc."""
        ProcessCollector(registry=self._registry)

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int, approved: bool) -> None:
        exemplar = {"audit_seq": str(seq)} if seq >= 0 else None  # only noted, the trail has no number for it yet
        reason = APPROVED if approved else DEADLINE
        self._deleted.labels(stream.store, stream.camera, stream.category.value, reason).inc(exemplar=exemplar)
        self._bytes.labels(stream.store).inc(max(size_bytes, 0))
        self._lateness.labels(stream.store).observe(max(late_s, 0.0), exemplar=exemplar)

    def not_deleted(self, store: StoreName, reason: str) -> None:
        word = _word(reason)
        self._failures.labels(store, word, word if word.isupper() else "").inc()

    def removed_by_others(self, store: StoreName, count: int) -> None:
        self._external.labels(store).inc(max(count, 0))

    def task(self, name: str, *, ok: bool, seconds: float, at: datetime) -> None:
        task = _word(name)
        self._task_seconds.labels(task).observe(max(seconds, 0.0))
        failures = self._task_failures.labels(task)
        if ok:
            self._task_success.labels(task).set(at.timestamp())
        else:
            failures.inc()
        if name == RELOAD_TASK:
            last_good = self._reload[1] if self._reload is not None else None
            self._reload = (ok, at if ok else last_good)

    def publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for store in snapshot.stores:
            self._begin_at_zero(store)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics with their content type: OpenMetrics if `accept` names it, else the text format."""
        source = _WithoutCreated(self._registry)
        if "application/openmetrics-text" in accept:
            return _openmetrics(source), openmetrics.CONTENT_TYPE_LATEST
        return text_format.generate_latest(source), text_format.CONTENT_TYPE_PLAIN_0_0_4

    def _begin_at_zero(self, store: StoreStatus) -> None:
        """Make the series exist before the first event, or `increase()` never sees that one."""
        for stream in store.streams:
            for reason in (DEADLINE, APPROVED):
                self._deleted.labels(store.name, stream.stream.camera, stream.stream.category.value, reason)
        self._bytes.labels(store.name)
        self._lateness.labels(store.name)
        self._external.labels(store.name)


class _WithoutCreated(Collector):
    """A registry without the `_created` series, which double the size and tell nobody anything."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _openmetrics(source: Collector) -> bytes:
    encoded: bytes = openmetrics.generate_latest(source)  # type: ignore[no-untyped-call]
    return encoded


def _word(text: str) -> str:
    """Return `text` if it is a word of the program or of errno: a label never carries a path or a name."""
    return text if _WORD.fullmatch(text) else "other"
