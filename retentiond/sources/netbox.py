"""The source `netbox`: the inventory of devices that facility management keeps in NetBox. It is only read."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from retentiond.domain.errors import ConfigurationError, RetentiondError, UnreachableError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, StoreName
from retentiond.ports import SourceReading, Unreached
from retentiond.sources.credentials import Credentials
from retentiond.sources.shown import shown
from retentiond.web.ask import Limits, Question, ask

PAGE = 100
"""So many devices are asked for at once; a NetBox may be set to give fewer, and says how many there are."""

MOST = 20_000
LIMITS = Limits(seconds=20.0, size_bytes=4 << 20)
"""For one page; a device takes two to ten kilobytes."""

PATIENCE_S = 120.0
NOT_THERE = frozenset({"planned", "inventory", "decommissioning"})
"""States of a device that hangs nowhere yet, lies in a store-room, or hangs nowhere any more."""

_SAYS_SO_ITSELF = "nbt_"


@dataclass(frozen=True, slots=True)
class NetboxSource:
    """`DeviceSource` over the devices of some roles in one NetBox, at `address`.

    `credentials` is asked anew at each reading; the password in it is the token. `roots` are the certificates (PEM)
    under which that of NetBox has to be good; empty for those of the system. Only GET is ever used, and only below
    `address`: what an answer names as the next page is not followed, the next page is counted.
    """

    name: StoreName
    address: str
    roles: Sequence[str]
    credentials: Callable[[], Credentials | None]
    roots: Callable[[], str] = str

    @property
    def kind(self) -> str:
        return "netbox"

    def read(self) -> SourceReading:
        try:
            who = self.credentials()
            return SourceReading(tuple(self._seen(item) for item in self._devices(who)), complete=True)
        except (ConfigurationError, RetentiondError) as error:
            return SourceReading(unreached=(Unreached("all", str(error)),))

    def _devices(self, who: Credentials | None) -> Iterator[dict[str, Any]]:
        """Yield the devices that are there. Raises UnreachableError."""
        end = time.monotonic() + PATIENCE_S
        found, roots = 0, self.roots()
        while True:
            if time.monotonic() > end:
                raise UnreachableError(f"{self.address}: no whole list within {PATIENCE_S:g} s")
            total, page = self._page(who, found, roots)
            for item in page:
                if _text(item, "status", "value") not in NOT_THERE:
                    yield item
            found += len(page)
            if found >= total:
                return
            if not page or found > MOST:
                raise UnreachableError(f"{self.address}: its list of {total} devices does not come to an end")

    def _page(self, who: Credentials | None, offset: int, roots: str) -> tuple[int, list[dict[str, Any]]]:
        query = urlencode([("limit", PAGE), ("offset", offset), *(("role", role) for role in self.roles)])
        base = self.address if "://" in self.address else f"https://{self.address}"
        headers = {"Accept": "application/json", **({} if who is None else {"Authorization": _token(who)})}
        answer = ask(Question(url=f"{base}/api/dcim/devices/?{query}", headers=headers, roots=roots), LIMITS)
        if answer.status in (401, 403):
            raise UnreachableError(f"{self.address}: refuses the token, or it may not view devices")
        if answer.status != 200:
            raise UnreachableError(f"{self.address}: answers with status {answer.status}, not as NetBox does")
        try:
            told = json.loads(answer.body)
            total, page = told["count"], told["results"]
            if type(total) is not int or not all(isinstance(item, dict) for item in page):
                raise TypeError
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UnreachableError(f"{self.address}: its answer is no list of NetBox's devices") from error
        return total, page

    def _seen(self, item: dict[str, Any]) -> SeenDevice:
        address = _text(item, "primary_ip", "address").partition("/")[0]
        return SeenDevice(
            self.name,
            CameraName(_text(item, "name") or _text(item, "display") or f"device {item.get('id')}"),
            "NetBox",
            address=f"[{address}]" if ":" in address else address,
            place=_text(item, "location", "name"),
            noun="device",
            where="source",
        )


def _token(who: Credentials) -> str:
    """Return the header for a token; those of NetBox 4.5 and later say so themselves."""
    return f"{'Bearer' if who.password.startswith(_SAYS_SO_ITSELF) else 'Token'} {who.password}"


def _text(item: object, *path: str) -> str:
    """Return a text in an answer that can be shown, empty where there is none."""
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return shown(item) if isinstance(item, str) else ""
