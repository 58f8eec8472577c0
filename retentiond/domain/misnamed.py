"""Which names a wrong clock gave, as the record remembers it, so that a catalogue made anew believes none (ADR 0015).

A recorder names its files by the wall clock. While nothing shows what time it is, the catalogue keeps for each new
recording how far the wall clock was off. But the catalogue may be thrown away, and the names stay wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from retentiond.domain import instants
from retentiond.domain.starts import ARRIVAL_TOLERANCE

MOST_REMEMBERED = 500
"""So many are kept, the newest; a recording lives a few months, and clocks do not fail daily."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time, by the wall clock, for which it was `ahead` of trusted time, or behind if negative, in doubt.

    `until` is None while it goes on.
    """

    since: datetime
    until: datetime | None
    ahead: timedelta

    def holds(self, named: datetime) -> bool:
        """Tell whether a name of this instant may have been given meanwhile."""
        late_enough = named >= self.since - ARRIVAL_TOLERANCE
        return late_enough and (self.until is None or named <= self.until + ARRIVAL_TOLERANCE)


@dataclass(frozen=True, slots=True)
class Misnamed:
    """Names from `since` to `until` were given by a wall clock that was `later` behind the true time.

    Not all of them: what was named so when that time really was has the same names. It is kept as much longer.
    """

    since: datetime
    until: datetime
    later: timedelta


@dataclass(frozen=True, slots=True)
class ClockDoubts:
    """The spells of the doubt that goes on, if one does, and what former ones have left."""

    spells: tuple[Spell, ...] = ()
    misnamed: tuple[Misnamed, ...] = ()

    def later_by(self, named: datetime) -> timedelta:
        """Return how much later than its name says a recording of this name may have been made."""
        return max(
            (
                item.later
                for item in self.misnamed
                if item.since - ARRIVAL_TOLERANCE <= named <= item.until + ARRIVAL_TOLERANCE
            ),
            default=timedelta(),
        )

    def ahead_at(self, named: datetime) -> timedelta | None:
        """Return how far off the wall clock was when it gave this name, as far as that was in doubt; else None.

        Where several spells may have given it, the one in which the clock was most behind counts.
        """
        return min((spell.ahead for spell in self.spells if spell.holds(named)), default=None)

    def after(self, fields: Mapping[str, Any]) -> "ClockDoubts":
        """Return what is known after a record `clock.state` with these fields."""
        if "unsettled_s" not in fields:
            return self
        unsettled, last = fields["unsettled_s"], instants.from_text(fields["last"])
        ahead = None if unsettled is None else timedelta(seconds=unsettled)
        if ahead is not None and self.spells and abs(ahead - self.spells[-1].ahead) <= ARRIVAL_TOLERANCE:
            return self
        spells = tuple(_ended(spell, last) for spell in self.spells)
        if ahead is None:
            return ClockDoubts((), self._settled(spells, timedelta(seconds=fields["leap_s"] or 0)))
        return replace(self, spells=(*spells, Spell(instants.from_text(fields["from"]), None, ahead)))

    def _settled(self, spells: tuple[Spell, ...], leap: timedelta) -> tuple[Misnamed, ...]:
        """Work out which names are wrong now that trusted time leapt by `leap` (as `settle_again`)."""
        found = [
            Misnamed(spell.since, spell.until, max(leap, timedelta()) - spell.ahead)
            for spell in spells
            if spell.until is not None and abs(leap - spell.ahead) > ARRIVAL_TOLERANCE
        ]
        behind = [item for item in found if item.later > ARRIVAL_TOLERANCE]
        return (*self.misnamed, *behind)[-MOST_REMEMBERED:]


def _ended(spell: Spell, last: datetime) -> Spell:
    """End a spell at the last look at which it went on, which was at `last` by trusted time."""
    return spell if spell.until is not None else replace(spell, until=max(spell.since, last + spell.ahead))


def doubts_to_fields(doubts: ClockDoubts) -> dict[str, Any]:
    """Return them as values that JSON has."""
    return {
        "spells": [
            {
                "since": instants.to_text(spell.since),
                "until": None if spell.until is None else instants.to_text(spell.until),
                "ahead_s": _seconds(spell.ahead),
            }
            for spell in doubts.spells
        ],
        "misnamed": [
            {
                "since": instants.to_text(item.since),
                "until": instants.to_text(item.until),
                "later_s": _seconds(item.later),
            }
            for item in doubts.misnamed
        ],
    }


def doubts_from_fields(fields: Mapping[str, Any]) -> ClockDoubts:
    """Return what `doubts_to_fields` wrote."""
    spells = tuple(
        Spell(
            instants.from_text(item["since"]),
            None if item["until"] is None else instants.from_text(item["until"]),
            timedelta(seconds=item["ahead_s"]),
        )
        for item in fields["spells"]
    )
    misnamed = tuple(
        Misnamed(
            instants.from_text(item["since"]), instants.from_text(item["until"]), timedelta(seconds=item["later_s"])
        )
        for item in fields["misnamed"]
    )
    return ClockDoubts(spells, misnamed)


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())
