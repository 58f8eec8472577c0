"""What Shinobi's tables say of cameras, of what it deletes itself, of what is archived, and what is odd about it."""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from retentiond.domain.drift import OwnRetention
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.names import readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.recorders import config_files
from retentiond.recorders.configured import Setup
from retentiond.recorders.shinobi_conf import ShinobiConf
from retentiond.recorders.shinobi_db import Film, Monitor, ShinobiBooks
from retentiond.recorders.yaml_config import number

DEFAULT_DAYS = 5.0
_LONGEST_DAYS = 36_500.0
_SILENT = ("jpeg", "mjpeg")
"""Types of monitors whose cameras send pictures only."""


def camera_of(monitor: Monitor) -> CameraName:
    """Return how films of a monitor are counted, as their path names it."""
    return CameraName(readable(f"{monitor.group}/{monitor.ident}".encode("utf-8", "surrogateescape")))


def seen_monitor(store: StoreName, monitor: Monitor) -> SeenDevice:
    """Return a monitor for the room check. Shinobi records sound unless its audio codec is set to none at all."""
    codec = monitor.details.get("acodec")
    loud = codec != "no" and monitor.kind not in _SILENT
    sound = "Audio Codec (acodec) of the monitor is not No Audio; set it under Recording" if loud else ""
    return SeenDevice(store, camera_of(monitor), "Shinobi's monitors", loud, sound)


def kept_by(monitor: Monitor, conf: ShinobiConf, books: ShinobiBooks) -> OwnRetention:
    """Return how long Shinobi keeps films of a monitor: its own days, or its group's, whichever are fewer."""
    own, group = monitor.details.get("max_keep_days"), books.owners.get(monitor.group, {}).get("days")
    ages = []
    if own not in (None, ""):
        ages.append((number(own), f"Number of Days to keep, monitor {monitor.ident}"))
    if conf.deletes_old:
        default = group in (None, "")
        days = DEFAULT_DAYS if default else number(group)
        ages.append((days, f"Number of Days to keep, group {monitor.group}{', the default' if default else ''}"))
    told = [(days, setting) for days, setting in ages if days is not None and days >= 0]
    if not told:
        change = f"set cron.deleteOld to true in {conf.path}, and Number of Days to keep to {{days}} in Shinobi"
        return OwnRetention(camera_of(monitor), Category.VIDEO, None, "cron.deleteOld", change)
    days, setting = min(told)
    kept = timedelta(days=min(days, _LONGEST_DAYS))
    change = f"in Shinobi, set {setting.removesuffix(', the default')}, to {{days}}"
    return OwnRetention(camera_of(monitor), Category.VIDEO, kept, setting, change)


def oddities_of(setup: Setup, conf: ShinobiConf, books: ShinobiBooks) -> Iterator[Finding]:
    """Yield what a person has to know besides."""
    store = setup.store
    if books.archived:
        yield finding(
            FindingKind.LOCKED_IN_RECORDER,
            f"{store} / archived",
            f"in Shinobi, films are archived ({len(books.archived)}): those in store {store!r} stay past their "
            "deadline",
            "unarchive them in Shinobi; what has to be kept on a ground is kept by: retentiond hold place",
        )
    for group, details in books.owners.items():
        places = _saved_to(details)
        if places:
            yield finding(
                FindingKind.SECOND_COPY,
                f"{store} / {group} / {' '.join(places)}",
                f"Shinobi is set to save films of group {group!r} elsewhere as well ({', '.join(places)})",
                "switch that off in the settings of the group, or end those copies where they lie",
            )
    ours = [film for film in books.newest if _is_ours(setup, conf, film)]
    missing = sum(
        not config_files.is_there(setup.path, b"%s.%s" % (film.name, film.extension.encode())) for film in ours
    )
    if missing:
        yield finding(
            FindingKind.SOURCES_DISAGREE,
            f"{store} / rows without a film",
            f"{missing} of the {len(ours)} newest films in Shinobi's database are not in store {store!r}",
            "look whether the store is the directory that Shinobi writes into, and whether its `timezone` is Shinobi's",
        )


def _saved_to(details: Mapping[str, Any]) -> list[str]:
    """Return the settings that send a group's films to another place, such as `webdav_save`."""
    return sorted(key for key, value in details.items() if key.endswith("_save") and str(value) == "1")


def _is_ours(setup: Setup, conf: ShinobiConf, film: Film) -> bool:
    """Tell whether a film should lie in the store, of several directories that Shinobi may write into."""
    here = config_files.real_path(setup.path)
    if film.directory:
        home = os.path.dirname(conf.path)
        return config_files.real_path(os.path.join(home, film.directory.replace("__DIR__", home))) == here
    return here not in {config_files.real_path(path) for path in conf.more_storage}
