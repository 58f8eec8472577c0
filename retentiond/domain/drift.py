"""What recorders are themselves set to keep, beside the rules (drift)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.period import duration_text
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.rule import DeletionRule

_DAY = timedelta(days=1)
_NAMED = 5
"""So many cameras are named in one message."""


@dataclass(frozen=True, slots=True)
class OwnRetention:
    """How long a recorder itself keeps recordings of a camera and category, by its own configuration.

    Attributes:
        camera: None where the setting is for all cameras alike.
        kept: None where nothing of the recorder's ever deletes them.
        setting: what says so, for people, such as `record.alerts.retain.days, the default`.
        change: what to write instead; `{days}` in it stands for the days of the rule.
        deleted_by_us: whether this program deletes what the recorder keeps longer.
    """

    camera: CameraName | None
    category: Category
    kept: timedelta | None
    setting: str
    change: str
    deleted_by_us: bool = True


@dataclass(frozen=True, slots=True)
class Compared:
    """What a recorder keeps beside the rule that decides about the same recordings."""

    own: OwnRetention
    camera: CameraName
    rule: DeletionRule


def drift_findings(store: StoreName, recorder: str, compared: Iterable[Compared]) -> tuple[Finding, ...]:
    """Return one finding for each setting of the recorder that differs from a rule, with the line to change."""
    together: dict[tuple[FindingKind, str, str], list[Compared]] = {}
    for item in compared:
        kind = _kind(item)
        if kind is not None:
            together.setdefault((kind, item.own.setting, item.rule.name), []).append(item)
    return tuple(_finding(store, recorder, kind, items) for (kind, _, _), items in together.items())


def _kind(item: Compared) -> FindingKind | None:
    if item.own.kept is None or item.own.kept > item.rule.deletion_period:
        return FindingKind.RECORDER_KEEPS_LONGER
    return FindingKind.RECORDER_KEEPS_SHORTER if item.own.kept < item.rule.deletion_period else None


def _finding(store: StoreName, recorder: str, kind: FindingKind, items: list[Compared]) -> Finding:
    first = items[0]
    own, rule = first.own, first.rule
    kept = "without end" if own.kept is None else f"for {_length(own.kept)}"
    what = f"{recorder} keeps {_listed(item.own.category for item in items)} recordings of {_cameras(items)} {kept}"
    then = "what it deletes by itself is on no record"
    if kind is FindingKind.RECORDER_KEEPS_LONGER:
        ours = "retentiond deletes them then, and the recorder still believes that it has them"
        then = ours if own.deleted_by_us else "nobody deletes them then, since only the recorder itself may"
    return finding(
        kind,
        f"{store} / {own.setting} / {rule.name}",
        f"{what} ({own.setting}), and rule {rule.name!r} for {duration_text(rule.deletion_period)}: {then}",
        own.change.replace("{days}", f"{rule.deletion_period / _DAY:g}"),
    )


def _length(length: timedelta) -> str:
    return duration_text(length) if length >= timedelta(seconds=1) else "less than a second"


def _listed(categories: Iterable[Category]) -> str:
    return " and ".join(dict.fromkeys(categories))


def _cameras(items: list[Compared]) -> str:
    names = sorted({item.camera for item in items})
    shown = ", ".join(repr(str(name)) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"camera{'s' if len(names) > 1 else ''} {shown}{more}"
