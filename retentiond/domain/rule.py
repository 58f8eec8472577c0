"""Deletion rules, and which of them decides about a stream at an instant (design rule 1)."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from retentiond.domain.period import duration_text
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.validity import ALWAYS

RoomId = str


@dataclass(frozen=True, slots=True)
class DeletionRule:
    """A selector and the longest time that a recording it selects may be kept. An empty selector selects all."""

    name: str
    categories: frozenset[Category]
    deletion_period: timedelta
    stores: frozenset[StoreName] = frozenset()
    cameras: frozenset[CameraName] = frozenset()
    rooms: frozenset[RoomId] = frozenset()

    def selects(self, stream: Stream, categories: frozenset[Category], room: RoomId | None) -> bool:
        """Tell whether this rule covers recordings of `stream` that hold `categories`, made in `room`."""
        return (
            not self.categories.isdisjoint(categories)
            and (not self.stores or stream.store in self.stores)
            and (not self.cameras or stream.camera in self.cameras)
            and (not self.rooms or room in self.rooms)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """All deletion rules, and the margin by which a recording falls due before its deadline."""

    rules: tuple[DeletionRule, ...]
    margin: timedelta

    def deciding_rule(
        self, stream: Stream, categories: frozenset[Category], room: RoomId | None
    ) -> DeletionRule | None:
        """Return the rule with the shortest period that covers the stream, the first named among equals.

        None means that nothing covers it: a finding `uncovered`, never a deletion.
        """
        matching = [rule for rule in self.rules if rule.selects(stream, categories, room)]
        return min(matching, key=lambda rule: rule.deletion_period, default=None)

    def canonical(self) -> str:
        """Return one text that is equal exactly when two policies decide alike; its digest goes on the record."""
        lines = [f"margin {duration_text(self.margin)}"]
        for rule in self.rules:
            parts = [
                f"categories {_listed(rule.categories)}",
                f"stores {_listed(rule.stores)}",
                f"cameras {_listed(rule.cameras)}",
                f"rooms {_listed(rule.rooms)}",
                f"period {duration_text(rule.deletion_period)}",
            ]
            lines.append(" ".join(parts))
        return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    """Return names as a JSON list: quoted, since a camera's name may hold any separator."""
    return json.dumps(sorted(names), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Term:
    """For recordings of a stream that start in `since <= start < until`: the rule that decides, or None."""

    since: datetime | None
    until: datetime | None
    rule: DeletionRule | None

    def holds_for(self, start: datetime) -> bool:
        """Tell whether a recording that starts at `start` falls under this term."""
        return (self.since is None or start >= self.since) and (self.until is None or start < self.until)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The terms of one stream, in time order and without gaps.

    One term unless its camera moved and rooms select rules, or what it may record has changed.
    """

    stream: Stream
    terms: tuple[Term, ...]

    def rule_for(self, start: datetime) -> DeletionRule | None:
        """Return the rule that decides about a recording that starts at `start`."""
        return next((term.rule for term in self.terms if term.holds_for(start)), None)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the register says of a stream at an instant: the room of its camera, and what its recordings may hold."""

    room: RoomId | None
    categories: frozenset[Category]


def cover(
    policy: Policy,
    stream: Stream,
    *,
    room_changes: Sequence[datetime],
    track_changes: Sequence[datetime],
    at: Callable[[datetime], Circumstances],
) -> Coverage:
    """Work out which rule decides about each part of a stream's history.

    `room_changes` and `track_changes` are the instants at which the register moves the camera, and at which it changes
    what the camera may record; `at` answers for any instant.
    """
    by_room = any(rule.rooms for rule in policy.rules)
    changes = {*track_changes, *(room_changes if by_room else ())}
    bounds: list[datetime | None] = [None, *sorted(changes), None]
    terms = []
    for since, until in pairwise(bounds):
        found = at(ALWAYS if since is None else since)
        terms.append(Term(since, until, policy.deciding_rule(stream, found.categories, found.room)))
    return Coverage(stream, tuple(terms))
