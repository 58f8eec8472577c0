"""The source `discovery`: which devices of ONVIF answer in the network of this host (WS-Discovery 2005/04)."""

import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from retentiond.domain.errors import UnreachableError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, StoreName
from retentiond.ports import SourceReading, Unreached
from retentiond.sources.hostile_xml import Element, read_xml
from retentiond.sources.shown import shown

GROUP = ("239.255.255.250", 3702)
LISTEN_S = 4.0
ASKED_TIMES = 2
"""A datagram may be lost, and a device answers after a while that it chooses itself, of up to half a second."""

MOST_ANSWERS = 2_000
LARGEST_BYTES = 65_535
_SCOPE = "onvif://www.onvif.org/"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NETWORK = "http://www.onvif.org/ver10/network/wsdl"


@dataclass(frozen=True, slots=True)
class DiscoverySource:
    """`DeviceSource` over whatever answers a probe for video transmitters, in the network that `interface` is in.

    A device is named by the address that its answer came from: what the answer says of addresses could be anybody's.
    That nothing answers shows nothing; a device may be set not to, or hang behind a router.
    """

    name: StoreName
    interface: str = ""
    group: tuple[str, int] = GROUP
    listen_s: float = LISTEN_S

    @property
    def kind(self) -> str:
        return "discovery"

    def read(self) -> SourceReading:
        try:
            answers = self._answers()
        except OSError as error:
            why = f"devices cannot be looked for ({error.strerror}); let the daemon use the network, or leave this out"
            return SourceReading(unreached=(Unreached("all", why),))
        return SourceReading(tuple(self._seen(host, answer) for host, answer in sorted(answers.items())))

    def _answers(self) -> dict[str, Element]:
        """Return the first answer of each host. Raises OSError."""
        message = f"urn:uuid:{uuid.uuid4()}"
        found: dict[str, Element] = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            if self.interface:
                asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.interface))
            asking.bind((self.interface, 0))
            for _ in range(ASKED_TIMES):
                asking.sendto(_probe(message), self.group)
                for host, data in _datagrams(asking, self.listen_s / ASKED_TIMES):
                    match = _match(data, message)
                    if match is not None and len(found) < MOST_ANSWERS:
                        found.setdefault(host, match)
        return found

    def _seen(self, host: str, answer: Element) -> SeenDevice:
        return SeenDevice(
            self.name,
            CameraName(host),
            "an answer in the network",
            address=host,
            place=_scope(answer, "location"),
            noun="device",
            where="source",
        )


def _datagrams(asking: socket.socket, seconds: float) -> Iterator[tuple[str, bytes]]:
    """Yield what comes within so many seconds, and from whom; not more than a network of cameras would send."""
    end = time.monotonic() + seconds
    for _ in range(MOST_ANSWERS):
        left = end - time.monotonic()
        if left <= 0:
            return
        asking.settimeout(left)
        try:
            data, sender = asking.recvfrom(LARGEST_BYTES)
        except TimeoutError:
            return
        except ConnectionRefusedError:  # nobody listens at an address that was asked alone
            continue
        yield str(sender[0]), data


def _match(data: bytes, message: str) -> Element | None:
    """Return the answer to our question in a datagram; None for anything else, which may be anybody's."""
    try:
        top = read_xml(data, "a device")
    except UnreachableError:
        return None
    if top.words("Header", "RelatesTo") != message:
        return None
    return top.first("Body", "ProbeMatches", "ProbeMatch")


def _scope(answer: Element, kind: str) -> str:
    for item in answer.words("Scopes").split():
        found, _, value = item.removeprefix(_SCOPE).partition("/")
        if item.startswith(_SCOPE) and found == kind and value:
            return shown(unquote(value))
    return ""


def _probe(message: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{_SOAP}" xmlns:a="{_ADDRESSING}" '
        f'xmlns:d="{_DISCOVERY}" xmlns:n="{_NETWORK}"><s:Header><a:Action>{_DISCOVERY}/Probe</a:Action>'
        f"<a:MessageID>{message}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>"
        "<s:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()
