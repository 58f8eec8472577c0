"""Which rule covers which stream, from the policy and the register; nothing else decides about periods."""

from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.recording import Category, Stream
from retentiond.domain.register import Register
from retentiond.domain.rule import Coverage, Policy, cover


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The policy and register in force. Replaced as a whole on reload."""

    policy: Policy
    policy_digest: str
    register: Register
    register_digest: str

    def coverage(self, stream: Stream) -> Coverage:
        """Return the rules that decide about a stream over its history."""
        device = self.register.device_known_as(stream.store, stream.camera)

        def room_at(instant: datetime) -> str | None:
            return device.room_at(instant) if device is not None else None

        return cover(
            self.policy,
            stream,
            categories=self.categories(stream),
            room_changes=device.changes() if device is not None else (),
            room_at=room_at,
        )

    def categories(self, stream: Stream) -> frozenset[Category]:
        """Return what the recordings of a stream may hold: video counts as audio too where sound is registered."""
        device = self.register.device_known_as(stream.store, stream.camera)
        if stream.category is Category.VIDEO and device is not None and device.records_audio:
            return frozenset({Category.VIDEO, Category.AUDIO})
        return frozenset({stream.category})
