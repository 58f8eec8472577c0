"""The sources of devices besides the recorders, wired."""

from functools import partial
from typing import TYPE_CHECKING

from retentiond.bootstrap.parts import wall_now
from retentiond.ports import DeviceRounds, DeviceSource

if TYPE_CHECKING:
    from retentiond.settings.values import Settings, SourceSettings
    from retentiond.sources.credentials import Credentials


def build_sources(settings: "Settings") -> tuple[DeviceSource, ...]:
    """Build every source that the configuration names."""
    return tuple(_build(item) for item in settings.sources)


def _build(item: "SourceSettings") -> DeviceSource:
    credentials = partial(_credentials, item.credentials)
    match item.kind:
        case "discovery":
            from retentiond.sources.discovery import DiscoverySource

            return DiscoverySource(item.name, item.interface)
        case "netbox":
            from retentiond.sources.netbox import NetboxSource

            return NetboxSource(
                item.name, item.addresses[0], item.roles, credentials, partial(_certificates, item.ca_file)
            )
        case "sound":
            from retentiond.sources.sound import SoundSource

            return SoundSource(item.name)
        case "bookings":
            from retentiond.sources.bookings import BookingSource

            return BookingSource(item.name, item.file, item.categories, item.timezone, item.max_age, wall_now)
        case _:
            from retentiond.sources.onvif import OnvifSource

            return OnvifSource(item.name, item.addresses, credentials, wall_now)


def build_rounds(settings: "Settings") -> DeviceRounds:
    """Build what has every source asked now and then."""
    from retentiond.sources.rounds import SourceRounds

    return SourceRounds(build_sources(settings))


def _credentials(path: str | None) -> "Credentials | None":
    from retentiond.sources.credentials import read_credentials

    return None if path is None else read_credentials(path)


def _certificates(path: str | None) -> str:
    from retentiond.sources.credentials import read_certificates

    return "" if path is None else read_certificates(path)
