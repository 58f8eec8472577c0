"""How long Motion 5 (`cleandir_params`) and motionEye (`@preserve_…`) keep recordings themselves.

Motion 4 has no cleaner, and without `cleandir_params` nor has Motion 5: there is nothing to compare then.
"""

from collections.abc import Iterator
from datetime import timedelta

from retentiond.domain.drift import OwnRetention
from retentiond.domain.names import readable
from retentiond.domain.recording import CameraName, Category
from retentiond.recorders.motion_conf import ParsedCamera

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MOST_DIGITS = 5
_ALL = (Category.VIDEO, Category.STILL, Category.DERIVED)


def cleandir_of(parsed: ParsedCamera) -> Iterator[OwnRetention]:
    """Yield what Motion deletes itself: 2 weeks where `cleandir_params` does not say how long."""
    given = {
        key.strip(): value.strip()
        for key, _, value in (item.partition("=") for item in parsed.settings["cleandir_params"].split(","))
        if key.strip()
    }
    if not given or given.get("action", "delete") != "delete":
        return
    unit = _UNITS.get(given.get("dur_unit", "w"), _UNITS["d"])
    count = _number(given.get("dur_val", "2")) or 7
    for category in _ALL:
        change = f"write cleandir_params with dur_unit=d,dur_val={{days}} in {parsed.path}"
        yield OwnRetention(_name(parsed), category, count * unit, "cleandir_params", change)


def preserved_by(parsed: ParsedCamera) -> Iterator[OwnRetention]:
    """Yield what motionEye deletes itself: nothing unless a number of days is set, nor what is switched off."""
    writes = parsed.camera.writes
    for category, key, label, wanted in (
        (Category.VIDEO, "@preserve_movies", "Movies, Preserve Movies", {"movies"}),
        (Category.STILL, "@preserve_pictures", "Still Images, Preserve Pictures", {"pictures", "snapshots"}),
    ):
        if not writes & wanted:
            continue
        days = _number(parsed.settings.get(key, "0"))
        kept = timedelta(days=days) if days else None
        change = f"write `# {key} {{days}}` in {parsed.path} (in motionEye: {label})"
        yield OwnRetention(_name(parsed), category, kept, key, change)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def _name(parsed: ParsedCamera) -> CameraName:
    return CameraName(readable(parsed.camera.label.encode("utf-8", "surrogateescape")))
