"""The sources of devices besides the recorders, wired."""

from functools import partial
from typing import TYPE_CHECKING

from retentiond.bootstrap.parts import wall_now
from retentiond.ports import DeviceRounds, DeviceSource

if TYPE_CHECKING:
    from retentiond.settings.values import Settings
    from retentiond.sources.credentials import Credentials


def build_sources(settings: "Settings") -> tuple[DeviceSource, ...]:
    """Build every source that the configuration names."""
    if not settings.sources:
        return ()
    from retentiond.sources.onvif import OnvifSource

    return tuple(
        OnvifSource(item.name, item.addresses, partial(_credentials, item.credentials), wall_now)
        for item in settings.sources
    )


def build_rounds(settings: "Settings") -> DeviceRounds:
    """Build what has every source asked now and then."""
    from retentiond.sources.rounds import SourceRounds

    return SourceRounds(build_sources(settings))


def _credentials(path: str | None) -> "Credentials | None":
    from retentiond.sources.credentials import read_credentials

    return None if path is None else read_credentials(path)
