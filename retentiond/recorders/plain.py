"""What holds for a recorder that has no cleaner, no locks and no books of its own."""

from collections.abc import Collection, Mapping, Sequence

from retentiond.domain.drift import OwnRetention
from retentiond.domain.finding import Finding
from retentiond.domain.observed import Observed
from retentiond.domain.recording import CameraName, Recording


class Plain:
    """The part of `Recorder` that is about the recorder's own housekeeping, where there is none."""

    __slots__ = ()

    @property
    def reading(self) -> object | None:
        return None

    @property
    def collective(self) -> CameraName | None:
        return None

    @property
    def retentions(self) -> Sequence[OwnRetention]:
        return ()

    @property
    def observed(self) -> Sequence[Observed]:
        return ()

    @property
    def oddities(self) -> Sequence[Finding]:
        return ()

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:  # noqa: ARG002  the port's signature
        return {}

    def links_to(self, recordings: Sequence[Recording]) -> Mapping[bytes, Collection[bytes]]:  # noqa: ARG002  as above
        return {}

    def announce(self, recordings: Sequence[Recording]) -> None:
        pass

    def tell_deleted(self, recordings: Sequence[Recording]) -> None:
        pass
