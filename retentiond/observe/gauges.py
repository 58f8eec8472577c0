"""What Prometheus reads of the newest snapshot: gauges of the present, all of one instant."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from retentiond.domain.clock import ClockState
from retentiond.domain.finding import SEVERITY, FindingKind, Severity
from retentiond.domain.incident import Stage
from retentiond.domain.root_words import root_words
from retentiond.observe.status import REACHABLE, overdue
from retentiond.ports import REGISTER, Head, HoldStatus, IncidentStatus, Inventory, RoomStatus, Snapshot, StoreStatus

_STREAM = ("store", "camera", "category")
_STORE = ("store",)


class CurrentState(Collector):
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
        yield _family(
            "retentiond_audit_last_anchor_timestamp_seconds",
            "When a head was last cosigned by a witness or stamped, by the clock of who did it.",
            ("kind",),
            (((kind,), at) for kind, at in sorted(snapshot.anchors.items())),
        )
        yield _counter(
            "retentiond_audit_append_failures",
            "Times that records could not be written, since the start.",
            (),
            (((), snapshot.append_failures),),
        )
        yield _single(
            "retentiond_audit_noted_records",
            "What was done while the audit trail took no records, and waits to get into it.",
            snapshot.noted,
        )
        yield from _finding_gauges(snapshot)
        yield from _hold_gauges(snapshot.holds)
        yield from _incident_gauges(snapshot.incidents)
        yield from _room_gauges(snapshot.rooms, snapshot.inventory)
        yield from _store_gauges(snapshot.stores, snapshot.taken_at)
        yield from _stream_gauges(snapshot.stores)


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
    yield _counter(
        "retentiond_clock_jumps",
        "How often the wall clock was set, since the start.",
        (),
        (((), snapshot.clock_steps),),
    )
    states = {state.value: 0 for state in ClockState} | {snapshot.clock_state: 1}
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
    if head.origin:
        yield _family(
            "retentiond_audit_info",
            "1, with the name of the audit trail that size and root belong to.",
            ("origin",),
            (((head.origin,), 1),),
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
    known = Tally(key.kind for key in snapshot.acknowledged)
    yield _family(
        "retentiond_acknowledged_findings",
        "Open findings that a person knows of as they are, until a date that has not passed.",
        ("kind", "severity"),
        (((kind.value, SEVERITY.get(kind, Severity.WARNING).value), known[kind]) for kind in FindingKind),
    )
    yield _single(
        "retentiond_unregistered_devices",
        "Devices that a recorder or a store knows and the register does not.",
        tally[FindingKind.UNREGISTERED_DEVICE],
    )


def _room_gauges(rooms: Sequence[RoomStatus], inventory: Sequence[Inventory]) -> Iterator[Metric]:
    yield _family(
        "retentiond_room_violations",
        "Devices that hang in a prohibited room, or see or hear into it, or may; 0 for each such room without one.",
        ("room", "device_kind"),
        (((item.room, item.kind.value), item.devices) for item in rooms),
    )
    yield _family(
        "retentiond_inventory_devices",
        "Devices that a source knows.",
        ("source", "device_kind"),
        (((item.source, item.kind.value), item.devices) for item in inventory),
    )
    unassigned: Tally[tuple[str, ...]] = Tally()
    for item in inventory:
        if item.source == REGISTER:
            unassigned[(item.source,)] += item.unassigned
    yield _family("retentiond_inventory_unassigned_devices", "Devices without a room.", ("source",), unassigned.items())


def _hold_gauges(holds: Sequence[HoldStatus]) -> Iterator[Metric]:
    approved = sum(item.approved for item in holds)
    yield _family(
        "retentiond_holds",
        "Suspensions in force, by whether a second person has approved them.",
        ("approved",),
        ((("yes",), approved), (("no",), len(holds) - approved)),
    )
    yield _single(
        "retentiond_hold_next_end_timestamp_seconds",
        "When the next suspension ends, or lapses because nobody has approved it.",
        min((item.effective_until for item in holds), default=None),
    )


def _incident_gauges(incidents: Sequence[IncidentStatus]) -> Iterator[Metric]:
    stages = Tally(item.stage for item in incidents)
    undecided = [item for item in incidents if item.stage in {Stage.OPEN, Stage.DECIDED}]
    yield _family(
        "retentiond_incidents",
        "Incidents that are not closed, by how far they are.",
        ("stage",),
        (((stage.value,), stages[stage.value]) for stage in Stage),
    )
    yield _single(
        "retentiond_incident_recordings",
        "Recordings that incidents cover, and that are listed nowhere.",
        sum(item.recordings for item in incidents),
    )
    yield _single(
        "retentiond_incident_oldest_timestamp_seconds",
        "When the oldest incident was found that two persons have not decided about.",
        min((item.found_at for item in undecided), default=None),
    )
    yield _single(
        "retentiond_incident_notify_by_timestamp_seconds",
        "When the 72 hours of article 33 GDPR end for the oldest incident that two persons have not decided about.",
        min((item.notify_by for item in undecided), default=None),
    )
    yield _single(
        "retentiond_incident_next_end_timestamp_seconds",
        "When the next incident ends, if two persons have not decided by then.",
        min((item.ends_at for item in undecided), default=None),
    )


_STORE_GAUGES: tuple[tuple[str, str, Callable[[StoreStatus], "float | datetime | None"]], ...] = (
    (
        "retentiond_held_recordings",
        "Kept past the deadline by a suspension that is on the record.",
        lambda store: store.suspended,
    ),
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
    ("retentiond_watch_up", "1 while the watch's canary is seen.", lambda store: store.watching.proven),
    (
        "retentiond_watch_directories",
        "Directories that are watched for changes.",
        lambda store: store.watching.directories,
    ),
    (
        "retentiond_storage_size_bytes",
        "Size of the file system that the store lies on.",
        lambda store: None if store.space is None else store.space.size_bytes,
    ),
    (
        "retentiond_storage_free_bytes",
        "What of it can still be written.",
        lambda store: None if store.space is None else store.space.free_bytes,
    ),
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
    yield _counter(
        "retentiond_watch_lost_events",
        "How often the kernel dropped events of the watch; the scan finds what they would have told.",
        _STORE,
        (((store.name,), store.watching.losses) for store in stores),
    )
    yield _family(
        "retentiond_overdue_oldest_seconds",
        "By how much the worst overdue recording is past its deadline; 0 while none is.",
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
    return max(
        ((now - item.overdue_since).total_seconds() for item in store.streams if item.overdue_since is not None),
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


def _counter(name: str, text: str, labels: Sequence[str], samples: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    """Return what has been counted elsewhere; `_total` is added to the name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in samples:
        family.add_metric(key, value)
    return family
