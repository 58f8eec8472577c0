"""Which rule covers which stream, from the policy and the register; nothing else decides about periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from retentiond.domain.incident import SUSPENDED_FOR
from retentiond.domain.recording import Category, Stream
from retentiond.domain.register import Device, KnownName, Register
from retentiond.domain.rule import Circumstances, Coverage, Policy, cover
from retentiond.domain.validity import ALWAYS


@dataclass(frozen=True)
class RuleBook:
    """The policy and register in force. Replaced as a whole on reload.

    What was worked out of a stream is remembered, since it is asked for at each look and changes with the book only.

    `incident_period` is how long an incident suspends deletion at most, while nobody has decided.
    """

    policy: Policy
    policy_digest: str
    register: Register
    register_digest: str
    incident_period: timedelta = SUSPENDED_FOR

    def coverage(self, stream: Stream) -> Coverage:
        """Return the rules that decide about a stream over its history.

        The devices that had the camera's name one after the other each decide about their own time.
        """
        found = self._coverages.get(stream)
        if found is None:
            found = self._coverages[stream] = self._work_out(stream)
        return found

    @cached_property
    def _coverages(self) -> dict[Stream, Coverage]:
        return {}

    def _work_out(self, stream: Stream) -> Coverage:
        named = self.register.devices_named(stream.store, stream.camera)
        handed_over = {end for known, _ in named for end in known.validity.ends()}
        return cover(
            self.policy,
            stream,
            room_changes=[*handed_over, *(instant for _, device in named for instant in device.changes())],
            track_changes=self._track_changes(stream, named),
            at=lambda instant: self._circumstances(stream, instant),
        )

    def _track_changes(self, stream: Stream, named: Sequence[tuple[KnownName, Device]]) -> Sequence[datetime]:
        """Return when the recordings of a stream may begin or cease to hold sound as well."""
        if stream.category is not Category.VIDEO:
            return ()
        candidates = {end for known, _ in named for end in known.validity.ends()}
        candidates |= {instant for _, device in named for instant in device.track_changes()}
        bounds = [ALWAYS, *sorted(candidates)]
        found = [self._circumstances(stream, instant).categories for instant in bounds]
        return [
            instant for instant, (before, after) in zip(bounds[1:], pairwise(found), strict=True) if before != after
        ]

    def _circumstances(self, stream: Stream, instant: datetime) -> Circumstances:
        """Return where the camera of a stream was, and what it recorded: video counts as audio too with sound."""
        device = self.register.device_known_as(stream.store, stream.camera, instant)
        categories = frozenset({stream.category})
        if device is None:
            return Circumstances(None, categories)
        if stream.category is Category.VIDEO and device.records_audio(instant):
            categories |= {Category.AUDIO}
        return Circumstances(device.room_at(instant), categories)
