"""Devices are asked what they do: as the standard says, within limits, and one never holds up another."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from retentiond.domain.errors import UnreachableError
from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import StoreName
from retentiond.domain.register import Register
from retentiond.services.check_placement import check_rooms
from retentiond.sources.credentials import Credentials
from retentiond.sources.onvif import OnvifSource
from retentiond.sources.onvif_client import LIMITS, OnvifDevice, Readout
from tests.integration.sources.device import PASSWORD, USER, Device, envelope, plugged_in
from tests.unit.settings.texts import register_of

WHO = Credentials(USER, PASSWORD)
MEGABYTES = b"x" * (10 << 20)
BOMB = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "ha"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><b>&c;</b>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><b>&a;</b>'


def now() -> datetime:
    return datetime.now(UTC)


def read(device: Device, who: Credentials | None = WHO) -> Readout:
    with plugged_in(device):
        return OnvifDevice(device.address, who, now).read()


def refusal(device: Device, who: Credentials | None = WHO) -> str:
    with pytest.raises(UnreachableError) as caught:
        read(device, who)
    text = str(caught.value)
    assert text.startswith(device.address)
    assert PASSWORD not in text
    return text.removeprefix(f"{device.address}: ")


# --- what a device says -------------------------------------------------------------------------------------------


def test_a_silent_device_says_who_and_where_it_is() -> None:
    found = read(Device())
    assert (found.make, found.name, found.location, found.microphones, found.sound) == (
        *("Example X100", "Reception", "reception", 0, ()),
    )


def test_a_microphone_that_is_off_is_no_sound() -> None:
    found = read(Device(microphones=1))
    assert (found.microphones, found.sound) == (1, ())


def no_such(*codes: str) -> bytes:
    """Return a fault with these codes, each within the one before, as the standard has it."""
    inner = ""
    for code in reversed(codes):
        inner = f"<s:Subcode><s:Value>ter:{code}</s:Value>{inner}</s:Subcode>"
    return envelope(f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value>{inner}</s:Code></s:Fault>")


@pytest.mark.parametrize("codes", [("ActionNotSupported", "AudioNotSupported"), ("ActionNotSupported",)])
def test_a_device_that_knows_no_sound_at_all_says_so_with_a_fault(codes: tuple[str, ...]) -> None:
    found = read(Device(raw={"GetAudioSources": no_such(*codes)}))
    assert (found.microphones, found.location) == (0, "reception")


@pytest.mark.parametrize(
    ("call", "codes"), [("GetAudioSources", ("Action", "Busy")), ("GetProfiles", ("ActionNotSupported",))]
)
def test_another_fault_says_nothing_about_sound(call: str, codes: tuple[str, ...]) -> None:
    assert refusal(Device(raw={call: no_such(*codes)})) == f"refuses {call}"


@pytest.mark.parametrize("status", [302, 404])
def test_a_device_that_sends_elsewhere_is_told_by_its_status(status: int) -> None:
    class Elsewhere(Device):
        def answer(self, call: str, request: str) -> tuple[int, bytes]:
            return status, b""

    assert refusal(Elsewhere()) == f"answers GetSystemDateAndTime with status {status}, not as ONVIF does"


def test_a_stream_that_carries_sound_is_named() -> None:
    assert read(Device(microphones=1, sound=True)).sound == ("main",)


def test_a_name_and_a_place_are_decoded() -> None:
    found = read(Device(name="%C3%95endus%202", place="Room%2F2"))
    assert (found.name, found.location) == ("Õendus 2", "Room/2")


@pytest.mark.parametrize("ahead", [timedelta(days=-400), timedelta(hours=-3), timedelta(hours=5), timedelta(days=4000)])
def test_a_device_whose_clock_is_wrong_is_asked_in_its_own_time(ahead: timedelta) -> None:
    assert abs(read(Device(clock_ahead=ahead)).clock_ahead - ahead) < timedelta(seconds=5)


def test_what_a_device_writes_cannot_forge_a_line() -> None:
    found = read(Device(make=("A\nB\t", "x" * 5000), name="a%0Ab%1B"))
    assert found.make.isprintable()
    assert len(found.make) < 500
    assert found.name == "a?b?"


# --- passwords ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [None, Credentials(USER, "wrong"), Credentials("nobody", PASSWORD)])
def test_a_wrong_password_is_told_without_the_password(who: Credentials | None) -> None:
    assert refusal(Device(), who) == "refuses user or password"


def test_a_wrong_password_is_tried_once_a_reading() -> None:
    """A device that locks a user out after some attempts is not brought to it by one reading."""
    device = Device()
    refusal(device, Credentials(USER, "wrong"))
    assert device.asked == ["GetSystemDateAndTime", "GetDeviceInformation"]


def test_the_password_never_travels() -> None:
    sent: list[str] = []

    class Listening(Device):
        def answer(self, call: str, request: str) -> tuple[int, bytes]:
            sent.append(request)
            return super().answer(call, request)

    read(Listening())
    assert len(sent) == 6
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()):
        assert not any(secret in request for request in sent)
    assert "UsernameToken" not in sent[0]  # its clock is asked before there is a token


def test_each_call_has_a_nonce_of_its_own() -> None:
    nonces: list[str] = []

    class Listening(Device):
        def answer(self, call: str, request: str) -> tuple[int, bytes]:
            if "Nonce" in request:
                nonces.append(request.partition("Nonce")[2].partition("<")[0])
            return super().answer(call, request)

    read(Listening())
    assert len(nonces) == 5
    assert len(set(nonces)) == 5


# --- devices that mean harm, or are broken ------------------------------------------------------------------------


def test_a_device_is_asked_where_a_person_wrote_and_nowhere_else() -> None:
    """Its answer names another host, which is not asked, and gets no token."""
    with plugged_in(Device()) as other, plugged_in(Device(media_host=other.address)) as device:
        OnvifDevice(device.address, WHO, now).read()
        assert other.asked == []
        assert device.asked[-2:] == ["GetAudioSources", "GetProfiles"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (MEGABYTES, "its answer is longer than"),
        (BOMB, "its answer declares a document type"),
        (OUTSIDE, "its answer declares a document type"),
        (b"<a>" * 100_000, "its answer is longer than"),
        (b"<a>" * 60 + b"</a>" * 60, "its answer has more elements than any answer of ONVIF"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "its answer has more elements than any answer of ONVIF"),
        (b"", "its answer is no XML"),
        (b"\xff\xfe\x00", "its answer is no XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "its answer is"),
        (b"<e><Body/></e>", "names no media service; is it a camera?"),
        (b"<html><body>Log in</body></html>", "answers GetCapabilities with status 200, not as ONVIF does"),
        (b"<a/>", "answers GetCapabilities with status 200, not as ONVIF does"),
        (b'<?xml version="1.0" encoding="rot13"?><a>\xe4</a>', "its answer is in an encoding that nobody uses"),
        (b'<?xml version="1.0" encoding="base64"?><a>\xe4</a>', "its answer is in an encoding that nobody uses"),
        (envelope("<Media><XAddr>http://[x/onvif/media</XAddr></Media>"), "names no media service; is it a camera?"),
        (envelope("<Media><XAddr>file:///etc/passwd</XAddr></Media>"), "names no media service; is it a camera?"),
    ],
)
def test_whatever_a_device_answers_is_bounded_and_told(answer: bytes, told: str) -> None:
    assert refusal(Device(raw={"GetCapabilities": answer})).startswith(told)


def clock(year: str, month: str = "12", day: str = "31") -> bytes:
    date = f"<Date><Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></Date>"
    time = "<Time><Hour>23</Hour><Minute>59</Minute><Second>59</Second></Time>"
    return envelope(f"<UTCDateTime>{time}{date}</UTCDateTime>")


@pytest.mark.parametrize("told", [clock("0"), clock("9" * 30), clock("9999"), clock("9" * 5000), clock("2026", "13")])
def test_a_clock_that_tells_no_time_is_told(told: bytes) -> None:
    assert refusal(Device(raw={"GetSystemDateAndTime": told})) == "says a time that is none"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid"])
def test_a_device_that_is_not_there_is_told(address: str) -> None:
    with pytest.raises(UnreachableError, match="no answer"):
        OnvifDevice(address, WHO, now).read()


# --- several devices ----------------------------------------------------------------------------------------------


@pytest.fixture
def silence() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def source(*addresses: str) -> OnvifSource:
    return OnvifSource(StoreName("cameras"), addresses, lambda: WHO, now)


def test_what_goes_wrong_with_one_device_stops_no_other(silence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retentiond.sources.onvif_client.LIMITS", type(LIMITS)(seconds=0.5, size_bytes=65_536))
    with ExitStack() as stack:
        good, loud, bomb, large = (
            stack.enter_context(plugged_in(device))
            for device in (
                Device(),
                Device(microphones=1, sound=True),
                Device(raw={"GetScopes": BOMB}),
                Device(raw={"GetProfiles": MEGABYTES}),
            )
        )
        reading = source(good.address, silence, bomb.address, loud.address, large.address).read()
    assert [(item.camera, item.records_audio) for item in reading.seen] == [(good.address, False), (loud.address, True)]
    assert [item.what for item in reading.unreached] == [silence, bomb.address, large.address]
    assert "no whole answer within 0.5 s" in reading.unreached[0].why


# --- devices that do not even speak HTTP as they should ------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"


@contextmanager
def talking(opening: bytes, piece: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """Let somebody say `opening` to whoever connects, and then `piece` for as long as it is listened to."""
    over, heard = threading.Event(), list[bytes]()
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        listening.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    caller, _ = listening.accept()
                except TimeoutError:
                    continue
                with closing(caller), suppress(OSError):
                    caller.settimeout(60)
                    heard.append(caller.recv(65_536))
                    caller.sendall(opening)
                    while piece and not over.wait(0.01):
                        caller.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}", heard
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("opening", "piece", "why"),
    [
        (OK + b"\r\n", b"<", "no whole answer within 1 s"),
        (OK, b"X: y\r\n" * 200, "no answer"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096, "no answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", "no whole answer within 1 s"),
        (OK + b"Content-Length: 99\r\n\r\n<a/>", b"", "no answer"),
        (OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 65_536, "its answer is longer than 65536 bytes"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"", "no answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", b"", "no answer"),
        (bytes(range(256)) * 64, b"", "no answer"),
        (b"", b"", "no answer"),
    ],
    ids=[
        "trickle",
        "endless headers",
        "endless header",
        "endless continue",
        "short",
        "huge",
        "chunks",
        "ssh",
        "garbage",
        "closed",
    ],
)
def test_whatever_comes_instead_of_http_ends_and_another_device_is_read(
    opening: bytes, piece: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with talking(opening, piece) as (bad, _):
        with monkeypatch.context() as patched:
            seconds = 1.0 if "within 1 s" in why else 60.0
            patched.setattr("retentiond.sources.onvif_client.LIMITS", type(LIMITS)(seconds, size_bytes=65_536))
            reading = source(bad).read()
        with plugged_in(Device()) as good:
            beside = source(good.address).read()
    assert [item.what for item in reading.unreached] == [bad]
    assert reading.unreached[0].why.startswith(f"{bad}: {why}")
    assert len(beside.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_device_that_leads_elsewhere_is_not_followed(status: int) -> None:
    with plugged_in(Device()) as other:
        to_other = f"HTTP/1.1 {status} Moved\r\nLocation: http://{other.address}/\r\nContent-Length: 0\r\n\r\n"
        with talking(to_other.encode()) as (bad, heard):
            reading = source(bad).read()
        assert other.asked == []
    assert (len(reading.unreached), len(heard)) == (1, 1)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("GetSystemDateAndTime", clock("9" * 30)),
        ("GetCapabilities", envelope("<Media><XAddr>http://[x</XAddr></Media>")),
        ("GetScopes", b'<?xml version="1.0" encoding="rot13"?><a>\xe4</a>'),
    ],
)
def test_what_one_device_says_ends_the_reading_of_no_other(call: str, answer: bytes) -> None:
    with plugged_in(Device()) as good, plugged_in(Device(raw={call: answer})) as bad:
        reading = source(bad.address, good.address).read()
    assert [item.camera for item in reading.seen] == [good.address]
    assert [item.what for item in reading.unreached] == [bad.address]


REGISTER = """\
rooms: [{{id: reception, class: public}}, {{id: lobby, name: Main lobby, class: public}}]
devices:
  - id: d-1
    name: Reception
    kind: camera
    tracks: {{video: true}}
    address: "rtsp://{}/stream"
    assignments: [{{room: reception}}]
"""


def findings(register: Register, *addresses: str) -> set[tuple[FindingKind, str]]:
    asked = source(*addresses)
    check = check_rooms(register, (), (), now(), [(asked, asked.read())])
    return {(item.key.kind, item.key.subject) for item in check.findings}


def test_a_device_is_the_registered_one_at_its_address() -> None:
    with plugged_in(Device()) as device:
        assert findings(register_of(REGISTER.format(device.address)), device.address) == set()


def test_a_device_that_streams_sound_which_the_register_forbids_is_a_finding() -> None:
    with plugged_in(Device(microphones=1, sound=True)) as device:
        found = findings(register_of(REGISTER.format(device.address)), device.address)
        assert found == {(FindingKind.AUDIO_ENABLED, f"cameras / {device.address}")}


@pytest.mark.parametrize("place", ["lobby", "LOBBY", "Main%20lobby"])
def test_a_device_that_says_it_hangs_in_another_room_is_a_finding(place: str) -> None:
    with plugged_in(Device(place=place)) as device:
        found = findings(register_of(REGISTER.format(device.address)), device.address)
        assert found == {(FindingKind.SOURCES_DISAGREE, "d-1 / cameras")}


@pytest.mark.parametrize("place", ["", "country/china", "reception", "Dr%20Example"])
def test_a_place_that_is_no_other_room_of_the_register_says_nothing(place: str) -> None:
    with plugged_in(Device(place=place)) as device:
        assert findings(register_of(REGISTER.format(device.address)), device.address) == set()


def test_a_device_that_nobody_registered_is_a_finding() -> None:
    with plugged_in(Device()) as device:
        found = findings(register_of("rooms: []\n"), device.address)
        assert found == {(FindingKind.UNREGISTERED_DEVICE, f"cameras / {device.address}")}


def test_a_device_that_cannot_be_asked_is_a_finding() -> None:
    assert findings(register_of("rooms: []\n"), "127.0.0.1:1") == {
        (FindingKind.SOURCE_UNREACHABLE, "cameras / 127.0.0.1:1")
    }


# --- the simulator is ONVIF enough for others ---------------------------------------------------------------------


def test_a_client_of_somebody_else_understands_the_simulator() -> None:
    """onvif-python reads the WSDL of the standard and validates what it gets."""
    onvif = pytest.importorskip("onvif", reason="onvif-python is not installed")
    with plugged_in(Device(microphones=1, sound=True)) as device:
        client = onvif.ONVIFClient("127.0.0.1", device.port, USER, PASSWORD)
        about = client.devicemgmt().GetDeviceInformation()
        assert (about.Manufacturer, about.Model) == device.make
        media = client.media()
        assert len(media.GetAudioSources()) == 1
        profiles = media.GetProfiles()
        assert [profile.AudioEncoderConfiguration is not None for profile in profiles] == [True, False]
        assert OnvifDevice(device.address, WHO, now).read().sound == ("main",)
