"""The source `onvif`: a list of devices, each asked at its own address, side by side and within limits."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from retentiond.domain.errors import ConfigurationError, RetentiondError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, StoreName
from retentiond.ports import SourceReading, Unreached
from retentiond.sources.credentials import Credentials
from retentiond.sources.onvif_client import OnvifDevice, Readout

AT_ONCE = 16
"""So many devices are asked at the same time: a device that is silent costs its time, and not that of the others."""


@dataclass(frozen=True, slots=True)
class OnvifSource:
    """`DeviceSource` over the devices at `addresses`.

    `credentials` is asked anew at each reading, so that a changed password takes no restart; it raises
    ConfigurationError where there are none to be had.
    """

    name: StoreName
    addresses: Sequence[str]
    credentials: Callable[[], Credentials | None]
    now: Callable[[], datetime]

    @property
    def kind(self) -> str:
        return "onvif"

    def read(self) -> SourceReading:
        try:
            who = self.credentials()
        except ConfigurationError as error:
            return SourceReading(unreached=(Unreached("all", str(error)),))
        seen: list[SeenDevice] = []
        unreached: list[Unreached] = []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="onvif") as pool:
            for address, found in zip(self.addresses, pool.map(partial(self._ask, who), self.addresses), strict=True):
                if isinstance(found, str):
                    unreached.append(Unreached(address, found))
                else:
                    seen.append(self._seen(address, found))
        return SourceReading(tuple(seen), tuple(unreached))

    def _ask(self, who: Credentials | None, address: str) -> Readout | str:
        try:
            return OnvifDevice(address, who, self.now).read()
        except RetentiondError as error:
            return str(error)

    def _seen(self, address: str, found: Readout) -> SeenDevice:
        sound = f"stream {', '.join(repr(name) for name in found.sound)} carries sound" if found.sound else ""
        return SeenDevice(
            self.name,
            CameraName(address),
            "the device itself",
            bool(found.sound),
            sound,
            address=address,
            place=found.location,
            noun="device",
            where="source",
        )
