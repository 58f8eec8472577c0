"""What ZoneMinder's tables say of cameras, of storage areas, of what it deletes itself, and what is odd about it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retentiond.domain.drift import OwnRetention
from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.names import readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category
from retentiond.recorders import config_files
from retentiond.recorders.configured import Setup
from retentiond.recorders.zoneminder_db import EventRow, Session, StorageRow
from retentiond.recorders.zoneminder_filters import own_age

COMPARED = 100
"""So many of the oldest rows are compared with the disk."""

_SETTINGS = ("ZM_OPT_FAST_DELETE", "ZM_TIMEZONE")


@dataclass(frozen=True, slots=True)
class Looked:
    """What the tables said last. `ours` are the numbers of the storage areas that are this store."""

    storages: tuple[StorageRow, ...]
    ours: tuple[int, ...]
    monitors: tuple[Mapping[str, Any], ...]
    filters: tuple[tuple[str, str], ...]
    settings: Mapping[str, str]
    locked: frozenset[bytes]
    doubled: int
    oldest: tuple[EventRow, ...]


def look(session: Session, setup: Setup) -> Looked:
    """Read what changes seldom. Raises StorageError: the store is no storage area of this ZoneMinder."""
    storages = tuple(session.storages())
    root = config_files.real_path(setup.path)
    ours = tuple(row.ident for row in storages if row.path and config_files.real_path(row.path) == root)
    if not ours:
        raise StorageError(
            f"no storage area of ZoneMinder lies at {setup.path!r} (it has {_listed(storages)}); correct the `path` of "
            "the store"
        )
    return Looked(
        storages=storages,
        ours=ours,
        monitors=tuple(session.monitors()),
        filters=tuple(session.filters()),
        settings=session.settings(*_SETTINGS),
        locked=frozenset(row.path for row in session.locked_events(ours) if row.path is not None),
        doubled=session.doubled(ours),
        oldest=tuple(session.oldest_events(ours, COMPARED)),
    )


def cameras_of(looked: Looked) -> Mapping[int, CameraName]:
    """Return the name of each monitor; where two share one, their numbers tell them apart."""
    names = {int(row["Id"]): readable(str(row["Name"]).encode("utf-8", "surrogateescape")) for row in looked.monitors}
    shared = {name for name, count in Counter(names.values()).items() if count > 1 or not name}
    return {
        ident: CameraName(f"{name}-{ident}" if name in shared and name else name or f"monitor-{ident}")
        for ident, name in names.items()
    }


def devices_of(setup: Setup, looked: Looked) -> Sequence[SeenDevice]:
    """Return the monitors for the room check. One that was deleted in ZoneMinder is no device any more."""
    cameras = cameras_of(looked)
    return [
        SeenDevice(setup.store, cameras[int(row["Id"])], "ZoneMinder's monitors", sound is not None, sound or "")
        for row in looked.monitors
        if not row.get("Deleted")
        for sound in [_sound_of(row)]
    ]


def _sound_of(row: Mapping[str, Any]) -> str | None:
    for column in ("RecordAudio", "JanusAudioEnabled"):
        if row.get(column):
            return f"Monitors.{column} of monitor {row['Id']} is on; switch it off in the monitor's settings"
    return None


def retention_of(looked: Looked) -> OwnRetention:
    """Return what ZoneMinder deletes itself: by a filter that looks at the age of all events, or by none."""
    age = own_age(looked.filters)
    kept, setting = (None, "no filter deletes by age") if age is None else (age[0], f"filter {age[1]!r}")
    change = (
        "in ZoneMinder, make a filter: Start Date/Time less than -{days} days, Archive Status equal to Unarchived, "
        "Delete all matches, Run filter in background"
    )
    return OwnRetention(None, Category.VIDEO, kept, setting, change)


def oddities_of(setup: Setup, looked: Looked, rowless: int) -> Iterator[Finding]:
    """Yield what a person has to know besides."""
    store = setup.store
    if looked.locked:
        yield finding(
            FindingKind.LOCKED_IN_RECORDER,
            f"{store} / archived",
            f"in ZoneMinder, events of store {store!r} are archived or locked ({len(looked.locked)}): they stay past "
            "their deadline",
            "unarchive them in ZoneMinder; what has to be kept on a ground is kept by: retentiond hold place",
        )
    if looked.doubled:
        yield finding(
            FindingKind.SECOND_COPY,
            f"{store} / SecondaryStorageId",
            f"ZoneMinder has second copies of events of store {store!r} ({looked.doubled}) in another storage area",
            "name that storage area as a store as well, or they are kept there; their rows stay until both are gone",
        )
    zone = looked.settings.get("ZM_TIMEZONE", "")
    if zone and zone != str(setup.zone):
        yield finding(
            FindingKind.SOURCES_DISAGREE,
            f"{store} / ZM_TIMEZONE",
            f"ZoneMinder is set to time zone {zone!r}, and store {store!r} to {str(setup.zone)!r}",
            f"correct `timezone` of the store, or ZM_TIMEZONE in ZoneMinder (Options, System): {setup.zone}",
        )
    yield from _what_is_where(setup, looked, rowless)


def _what_is_where(setup: Setup, looked: Looked, rowless: int) -> Iterator[Finding]:
    """Compare rows and directories, both ways."""
    store = setup.store
    missing = sum(not _is_on_disk(setup, row) for row in looked.oldest)
    if missing:
        yield finding(
            FindingKind.SOURCES_DISAGREE,
            f"{store} / rows without a directory",
            f"{missing} of the {len(looked.oldest)} oldest events in ZoneMinder's database have no directory in store "
            f"{store!r}",
            "nothing is left of them to delete; look with zmaudit.pl --report, which can remove the rows",
        )
    if rowless:
        yield finding(
            FindingKind.SOURCES_DISAGREE,
            f"{store} / directories without a row",
            f"{rowless} events in store {store!r} have no row in ZoneMinder's database: nothing of ZoneMinder's will "
            "ever delete them; they go at their deadline here",
            "look why ZoneMinder lost their rows: retentiond store show " + store,
        )
    keeps_files = looked.settings.get("ZM_OPT_FAST_DELETE") == "1"
    if keeps_files or any(not row.deletes for row in looked.storages if row.ident in looked.ours):
        yield finding(
            FindingKind.RECORDER_KEEPS_LONGER,
            f"{store} / files",
            f"ZoneMinder deletes the rows of events in store {store!r} and leaves their directories",
            "switch off ZM_OPT_FAST_DELETE (Options, System), and switch on Do Deletes of the storage area",
        )


def _is_on_disk(setup: Setup, row: EventRow) -> bool:
    return row.path is None or config_files.is_there(setup.path, row.path)


def _listed(storages: Sequence[StorageRow]) -> str:
    return ", ".join(repr(row.path) for row in storages) or "none"
