"""Devices that answer in the network are met with the register; whatever else comes is passed over."""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading
from retentiond.services.check_placement import check_rooms
from retentiond.sources.discovery import DiscoverySource
from tests.unit.settings.texts import register_of

Answers = Callable[[str], Sequence[bytes]]


def match(relates_to: str, *, scopes: str = "onvif://www.onvif.org/location/Ward%201") -> bytes:
    """Return an answer as devices give it; the address in it is somebody else's."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header>'
        f"<a:RelatesTo>{relates_to}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>"
        "<a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference>"
        f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/ptz {scopes}</d:Scopes>"
        "<d:XAddrs>http://198.51.100.9/onvif/device_service</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        "</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
    ).encode()


@contextmanager
def network(answers: Answers) -> Iterator[tuple[str, int]]:
    """Let somebody answer each probe that comes to a loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, sender = device.recvfrom(65_535)
                except TimeoutError:
                    continue
                found = re.search(rb"MessageID>([^<]*)<", data)
                assert found is not None
                for answer in answers(found[1].decode()):
                    device.sendto(answer, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield device.getsockname()
        finally:
            over.set()
            thread.join()


def read(answers: Answers, listen_s: float = 2.0) -> SourceReading:
    with network(answers) as group:
        return DiscoverySource(StoreName("lan"), "127.0.0.1", group, listen_s).read()


def test_a_device_is_named_by_where_its_answer_came_from() -> None:
    (device,) = read(lambda message: [match(message)]).seen
    assert (device.camera, device.address, device.place) == ("127.0.0.1", "127.0.0.1", "Ward 1")


def test_several_answers_of_one_host_are_one_device() -> None:
    reading = read(lambda message: [match(message, scopes=""), match(message)] * 3)
    assert [device.place for device in reading.seen] == [""]
    assert not reading.complete, "a device may be set not to answer"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"",
        lambda _: b"\x00\xff" * 1000,
        lambda _: match("urn:uuid:of-somebody-else"),
        lambda message: match(message)[:-20],
        lambda message: match(message).replace(b"ProbeMatch", b"Hello"),
        lambda message: b'<!DOCTYPE x [<!ENTITY a "b">]>' + match(message).partition(b"?>")[2],
        lambda message: b"<a>" * 10_000 + message.encode(),
        lambda message: match(message).replace(b"UTF-8", b"rot13").replace(b"Ward", b"W\xe4rd"),
    ],
    ids=["empty", "noise", "another question", "cut", "hello", "entities", "deep", "encoding"],
)
def test_whatever_is_no_answer_to_us_is_passed_over_and_a_device_beside_it_is_seen(
    answer: Callable[[str], bytes],
) -> None:
    assert read(lambda message: [answer(message)], listen_s=0.2).seen == ()
    assert len(read(lambda message: [answer(message), match(message)]).seen) == 1


def test_a_flood_ends() -> None:
    assert len(read(lambda message: [b"x"] * 3_000 + [match(message)]).seen) <= 1


def test_silence_is_no_trouble() -> None:
    assert read(lambda _: [], listen_s=0.2) == SourceReading()


def test_no_network_is_told() -> None:
    (unreached,) = DiscoverySource(StoreName("lan"), "192.0.2.77", ("127.0.0.1", 9)).read().unreached
    assert "devices cannot be looked for" in unreached.why


@pytest.mark.parametrize(("address", "kind"), [("127.0.0.1", None), ("192.0.2.1", FindingKind.UNREGISTERED_DEVICE)])
def test_who_answers_has_to_be_registered(address: str, kind: FindingKind | None) -> None:
    register = register_of(
        "rooms: [{id: hall, class: public}]\ndevices: [{id: d-1, name: Hall, kind: camera, tracks: {video: true}, "
        f'address: "{address}", assignments: [{{room: hall}}]}}]\n'
    )
    with network(lambda message: [match(message)]) as group:
        source = DiscoverySource(StoreName("lan"), "127.0.0.1", group, listen_s=2.0)
        found = check_rooms(register, (), (), datetime.now(UTC), [(source, source.read())]).findings
    assert [item.key.kind for item in found] == ([] if kind is None else [kind])
