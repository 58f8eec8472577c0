"""Every metric of retentiond, by name, in this one file; names are a contract (docs/interfaces.md).

What is true at one instant (gauges) comes from one immutable snapshot, read once in a scrape, so that the size of the
audit trail and the words of its root always belong together. What happens (counters, histograms) is counted live.
Labels carry store, camera, category and closed sets of words; never a path, a person or a hash (I10).
"""

import platform
import re
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client import exposition as text_format
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from retentiond.domain.clock import ClockState
from retentiond.domain.finding import SEVERITY, FindingKind, Severity
from retentiond.domain.recording import StoreName, Stream
from retentiond.observe.status import REACHABLE, overdue
from retentiond.ports import Head, Snapshot, StoreStatus

RELOAD_TASK = "reload"
"""The task of reading the configuration, at start too; it feeds the two `config_last_reload` gauges."""

ROOT_WORDS = 5
ROOT_WORD_BITS = 52

_LATENESS_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
_TASK_BUCKETS = (0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 21600)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}|[A-Z][A-Z0-9_]{0,39}")
_STREAM = ("store", "camera", "category")
_STORE = ("store",)
_VIOLATIONS = (FindingKind.PROHIBITED_ASSIGNMENT, FindingKind.PROHIBITED_COVERAGE)


class Metrics:
    """`Observer` that Prometheus reads. Safe from any thread."""

    def __init__(self, version: str) -> None:
        self._snapshot: Snapshot | None = None
        self._reload: tuple[bool, datetime | None] | None = None
        self._registry = registry = CollectorRegistry()
        registry.register(_CurrentState(lambda: self._snapshot, lambda: self._reload))
        build = Info("retentiond_build", "Version of the running daemon.", registry=registry)
        build.info({"version": version, "python": platform.python_version()})
        self._deleted = Counter(
            "retentiond_recordings_deleted_total",
            "Recordings deleted and on the record; the exemplar is the audit record's number.",
            _STREAM,
            registry=registry,
        )
        self._bytes = Counter(
            "retentiond_deleted_bytes_total", "Size of the recordings deleted.", _STORE, registry=registry
        )
        self._failures = Counter(
            "retentiond_deletion_failures_total",
            "Deletions that failed or were void, by errno name or reason.",
            ("store", "reason"),
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

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int) -> None:
        exemplar = {"audit_seq": str(seq)}
        self._deleted.labels(stream.store, stream.camera, stream.category.value).inc(exemplar=exemplar)
        self._bytes.labels(stream.store).inc(max(size_bytes, 0))
        self._lateness.labels(stream.store).observe(max(late_s, 0.0), exemplar=exemplar)

    def not_deleted(self, store: StoreName, reason: str) -> None:
        self._failures.labels(store, _word(reason)).inc()

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
            self._deleted.labels(store.name, stream.stream.camera, stream.stream.category.value)
        self._bytes.labels(store.name)
        self._lateness.labels(store.name)
        self._external.labels(store.name)


def root_words(root: bytes) -> tuple[int, ...]:
    """Return a 32-byte root as five numbers that a float holds exactly, the least significant first.

    A root as a label would make a new series of each; as numbers it is a sample that anybody's Prometheus keeps.
    """
    number = int.from_bytes(root, "big")
    return tuple((number >> ROOT_WORD_BITS * index) & ((1 << ROOT_WORD_BITS) - 1) for index in range(ROOT_WORDS))


def root_of_words(words: Sequence[int]) -> bytes:
    """Return the root that `root_words` took apart.

    Raises:
        ValueError: these are not five words of 52 bits that make up 256 bits.
    """
    if len(words) != ROOT_WORDS or any(not 0 <= word < 1 << ROOT_WORD_BITS for word in words):
        raise ValueError("a root is five whole numbers from 0 to 2^52-1")
    number = sum(word << ROOT_WORD_BITS * index for index, word in enumerate(words))
    if number >> 256:
        raise ValueError("the words make up more than 256 bits")
    return number.to_bytes(32, "big")


class _CurrentState(Collector):
    """All gauges of one scrape, from one snapshot. Nothing before the first: what is not known is absent, not 0."""

    def __init__(
        self, snapshot: Callable[[], Snapshot | None], reload: Callable[[], tuple[bool, datetime | None] | None]
    ) -> None:
        self._current = snapshot
        self._reload = reload

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        snapshot, reload = self._current(), self._reload()
        if reload is not None:
            yield from _reload_gauges(*reload)
        if snapshot is None:
            return
        yield from _daemon_gauges(snapshot)
        yield from _clock_gauges(snapshot)
        yield from _audit_gauges(snapshot.head, snapshot.heartbeat_at)
        yield from _finding_gauges(snapshot)
        yield from _store_gauges(snapshot.stores, snapshot.taken_at)
        yield from _stream_gauges(snapshot.stores)


class _WithoutCreated(Collector):
    """A registry without the `_created` series, which double the size and tell nobody anything."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def _reload_gauges(successful: bool, last_good: datetime | None) -> Iterator[Metric]:  # noqa: FBT001  a gauge's value
    yield _single(
        "retentiond_config_last_reload_successful", "1 if the configuration read last is in force.", successful
    )
    yield _single(
        "retentiond_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read.",
        last_good,
    )


def _daemon_gauges(snapshot: Snapshot) -> Iterator[Metric]:
    yield _single(
        "retentiond_armed", "1 while the mode is `enforce`, 0 while only observing.", snapshot.mode == "enforce"
    )
    yield _single("retentiond_snapshot_timestamp_seconds", "When these gauges were taken.", snapshot.taken_at)
    yield _single("retentiond_overdue", "Recordings on disk after their deadline, in all stores.", overdue(snapshot))


def _clock_gauges(snapshot: Snapshot) -> Iterator[Metric]:
    yield _single(
        "retentiond_clock_synchronized", "1 while the kernel says a time server holds the clock.", snapshot.synchronised
    )
    yield _single(
        "retentiond_clock_ahead_seconds", "What the wall clock claims beyond trusted time.", snapshot.clock_ahead_s
    )
    states = {state.value: 0 for state in ClockState} | {_word(snapshot.clock_state): 1}
    yield _family(
        "retentiond_clock_state",
        "1 for how trusted time stands to the wall clock.",
        ("state",),
        (((state,), value) for state, value in states.items()),
    )


def _audit_gauges(head: Head, heartbeat_at: datetime | None) -> Iterator[Metric]:
    yield _single("retentiond_audit_tree_size", "Records in the audit trail, over durable lines only.", head.size)
    yield _family(
        "retentiond_audit_root_word",
        "The root of the audit trail at that size, as five words of 52 bits, the least significant first.",
        ("word",),
        (((str(index),), word) for index, word in enumerate(root_words(head.root))),
    )
    yield _single("retentiond_audit_signed", "1 while heads of the audit trail are signed.", head.signed)
    yield _single("retentiond_heartbeat_timestamp_seconds", "When the last heartbeat went on the record.", heartbeat_at)


def _finding_gauges(snapshot: Snapshot) -> Iterator[Metric]:
    tally = Tally(finding.key.kind for finding in snapshot.findings)
    yield _family(
        "retentiond_findings",
        "Open findings.",
        ("kind", "severity"),
        (((kind.value, SEVERITY.get(kind, Severity.WARNING).value), tally[kind]) for kind in FindingKind),
    )
    yield _single(
        "retentiond_room_violations",
        "Cameras and microphones that see or hear a prohibited room.",
        sum(tally[kind] for kind in _VIOLATIONS),
    )
    yield _single(
        "retentiond_unregistered_devices",
        "Devices that a recorder or a store knows and the register does not.",
        tally[FindingKind.UNREGISTERED_DEVICE],
    )


_STORE_GAUGES: tuple[tuple[str, str, Callable[[StoreStatus], "float | datetime | None"]], ...] = (
    ("retentiond_held_recordings", "Kept by a suspension.", lambda store: store.suspended),
    ("retentiond_unattributed_files", "Names that no layout explains.", lambda store: store.unclassified),
    ("retentiond_uncovered_recordings", "Recordings that no deletion rule covers.", lambda store: store.uncovered),
    (
        "retentiond_waiting_recordings",
        "Due, and waiting for a person's approval.",
        lambda store: 0 if store.waiting is None else store.waiting.count,
    ),
    (
        "retentiond_next_deadline_timestamp_seconds",
        "When the next recording falls due: its deadline less the margin.",
        lambda store: store.next_due,
    ),
    ("retentiond_watch_up", "1 while the watch's canary is seen.", lambda store: store.watch_proven),
    (
        "retentiond_storage_mounted",
        "1 while the store is there and is the one that was adopted.",
        lambda store: store.condition in REACHABLE,
    ),
    (
        "retentiond_scan_last_success_timestamp_seconds",
        "When the store was last scanned completely.",
        lambda store: store.last_scan,
    ),
)


def _store_gauges(stores: Sequence[StoreStatus], taken_at: datetime) -> Iterator[Metric]:
    for name, text, value_of in _STORE_GAUGES:
        yield _family(name, text, _STORE, (((store.name,), value_of(store)) for store in stores))
    yield _family(
        "retentiond_overdue_oldest_seconds",
        "By how much the worst overdue recording is past its deadline, at most; 0 while none is.",
        _STORE,
        (((store.name,), _worst_lateness_s(store, taken_at)) for store in stores),
    )
    cameras: Tally[tuple[str, ...]] = Tally()
    for store in stores:
        for item in store.streams:
            cameras[item.stream.store, item.stream.camera] += item.overdue
    yield _family(
        "retentiond_overdue_recordings",
        "Recordings on disk after their deadline.",
        ("store", "camera"),
        cameras.items(),
    )


def _worst_lateness_s(store: StoreStatus, now: datetime) -> float:
    """Return an upper bound: the oldest recording of a stream may be one that a suspension keeps."""
    return max(
        (
            (now - item.oldest).total_seconds() - item.period_s
            for item in store.streams
            if item.overdue and item.oldest is not None and item.period_s is not None
        ),
        default=0.0,
    )


def _stream_gauges(stores: Sequence[StoreStatus]) -> Iterator[Metric]:
    items = [
        ((item.stream.store, item.stream.camera, item.stream.category.value), item)
        for store in stores
        for item in store.streams
    ]
    yield _family("retentiond_recordings", "On disk now.", _STREAM, ((key, item.recordings) for key, item in items))
    yield _family(
        "retentiond_oldest_recording_timestamp_seconds",
        "Start of the oldest recording.",
        _STREAM,
        ((key, item.oldest) for key, item in items),
    )
    yield _family(
        "retentiond_newest_recording_timestamp_seconds",
        "Start of the newest recording.",
        _STREAM,
        ((key, item.newest) for key, item in items),
    )
    yield _family(
        "retentiond_policy_retention_seconds",
        "Deletion period of the rule that decides.",
        _STREAM,
        ((key, item.period_s) for key, item in items),
    )


def _single(name: str, text: str, value: float | datetime | None) -> Metric:
    return _family(name, text, (), (((), value),))


def _family(
    name: str,
    text: str,
    labels: Sequence[str],
    samples: Iterable[tuple[tuple[str, ...], float | datetime | None]],
) -> Metric:
    """Return a gauge with one sample for each value that is known; instants become seconds since 1970."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in samples:
        if value is not None:
            family.add_metric(key, value.timestamp() if isinstance(value, datetime) else float(value))
    return family


def _openmetrics(source: Collector) -> bytes:
    encoded: bytes = openmetrics.generate_latest(source)  # type: ignore[no-untyped-call]
    return encoded


def _word(text: str) -> str:
    """Return `text` if it is a word of the program or of errno: a label never carries a path or a name."""
    return text if _WORD.fullmatch(text) else "other"
