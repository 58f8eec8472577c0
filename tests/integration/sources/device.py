"""A device that speaks ONVIF, on a loopback address: as it should, or in one of the ways in which devices go wrong."""

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

USER, PASSWORD = "reader", "s3cret & <more>"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_NAMESPACES = (
    f'xmlns:s="{_SOAP}" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"'
)
_MEDIA_CALLS = frozenset({"GetProfiles", "GetAudioSources"})


@dataclass(slots=True)
class Device:
    """What the simulated device is. `raw` answers the calls that it names with these bytes, whatever was asked."""

    make: tuple[str, str] = ("Example", "X100")
    name: str = "Reception"
    place: str = "reception"
    microphones: int = 0
    sound: bool = False
    clock_ahead: timedelta = timedelta()
    media_host: str = ""
    raw: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, call: str, request: str) -> tuple[int, bytes]:
        self.asked.append(call)
        if call in self.raw:
            return 200, self.raw[call]
        if call != "GetSystemDateAndTime" and not self._knows(request):
            return 400, envelope(
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode>"
                '</s:Code><s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
            )
        prefix = "trt" if call in _MEDIA_CALLS else "tds"
        return 200, envelope(f"<{prefix}:{call}Response>{self._told(call)}</{prefix}:{call}Response>")

    def _knows(self, request: str) -> bool:
        """Check the token as the standard says: digest of nonce, time and password, of a time that is ours."""
        found = {key: re.search(rf"<(?:\w+:)?{key}\b[^>]*>([^<]*)<", request) for key in _TOKEN}
        if any(match is None for match in found.values()):
            return False
        user, digest, nonce, created = (match[1] for match in found.values() if match is not None)
        at = datetime.fromisoformat(created.replace("Z", "+00:00"))
        if abs(at - (datetime.now(UTC) + self.clock_ahead)) > timedelta(seconds=30):
            return False
        expected = hashlib.sha1(base64.b64decode(nonce) + created.encode() + PASSWORD.encode()).digest()
        return user == USER and base64.b64decode(digest) == expected

    def _told(self, call: str) -> str:
        match call:
            case "GetSystemDateAndTime":
                now = datetime.now(UTC) + self.clock_ahead
                return (
                    "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false"
                    f"</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}"
                    f"</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
                    f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
                    "</tds:SystemDateAndTime>"
                )
            case "GetDeviceInformation":
                make, model = map(escape, self.make)
                return (
                    f"<tds:Manufacturer>{make}</tds:Manufacturer><tds:Model>{model}</tds:Model>"
                    "<tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>1</tds:SerialNumber>"
                    "<tds:HardwareId>1</tds:HardwareId>"
                )
            case "GetScopes":
                return "".join(
                    f"<tds:Scopes><tt:ScopeDef>Configurable</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/{item}"
                    "</tt:ScopeItem></tds:Scopes>"
                    for item in (f"name/{self.name}", f"location/{self.place}", "type/video_encoder")
                )
            case "GetCapabilities":
                host = self.media_host or self.address
                return (
                    f"<tds:Capabilities><tt:Media><tt:XAddr>http://{host}/onvif/media</tt:XAddr><tt:StreamingCapabilities>"
                    "<tt:RTPMulticast>false</tt:RTPMulticast></tt:StreamingCapabilities></tt:Media></tds:Capabilities>"
                )
            case "GetAudioSources":
                return "".join(
                    f'<trt:AudioSources token="mic{number}"><tt:Channels>1</tt:Channels></trt:AudioSources>'
                    for number in range(self.microphones)
                )
            case "GetProfiles":
                return self._profiles()
            case _:
                return ""

    def _profiles(self) -> str:
        sound = (
            '<tt:AudioSourceConfiguration token="a"><tt:Name>a</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>'
            "mic0</tt:SourceToken></tt:AudioSourceConfiguration>"
            '<tt:AudioEncoderConfiguration token="e"><tt:Name>e</tt:Name>'
            "<tt:UseCount>1</tt:UseCount><tt:Encoding>AAC</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>16"
            "</tt:SampleRate><tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type></tt:Address><tt:Port>0</tt:Port><tt:TTL>0"
            "</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
            "</tt:AudioEncoderConfiguration>"
        )
        profile = '<trt:Profiles token="{0}" fixed="true"><tt:Name>{0}</tt:Name>{1}</trt:Profiles>'
        return profile.format("main", sound if self.sound else "") + profile.format("small", "")


_TOKEN = ("Username", "Password", "Nonce", "Created")


def envelope(body: str) -> bytes:
    """Return an answer of SOAP with this in its body."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_NAMESPACES}><s:Body>{body}</s:Body></s:Envelope>'
    return text.encode()


@contextmanager
def plugged_in(device: Device) -> Iterator[Device]:
    """Let the device answer on a loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            body = request.partition("Body")[2]
            call = re.search(r"<(?:\w+:)?(Get\w+)", body)
            status, answer = device.answer(call[1] if call else "", request)
            self.send_response(status)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            try:
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True  # whoever asked has heard enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    device.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield device
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
