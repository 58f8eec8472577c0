"""Asks one device what it is set to do, over ONVIF: who it is, where it says it is, and whether it streams sound.

Only reading calls are made. The device is asked at the address that a person wrote and nowhere else: an answer may name
other addresses, and of those only the path is used. The password never travels as it is (WS-UsernameToken, digest).
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from retentiond.domain.errors import UnreachableError
from retentiond.sources.credentials import Credentials
from retentiond.sources.hostile_xml import Element, read_xml
from retentiond.sources.shown import shown
from retentiond.web.ask import Answer, Limits, Question, ask

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_SCOPE = "onvif://www.onvif.org/"
_DEVICE_PATH = "/onvif/device_service"

LIMITS = Limits(seconds=5.0, size_bytes=256 * 1024)
"""For one answer. Those that are asked for here have a few kilobytes."""

_A_DAY = timedelta(days=1)
_STATUSES = frozenset({200, 400, 500})
"""Of an answer, and of a fault (SOAP 1.2)."""

_NOT_SUPPORTED = frozenset({"ActionNotSupported", "AudioNotSupported"})


class _NotSupportedError(UnreachableError):
    """The device has nothing of what it was asked about."""


@dataclass(frozen=True, slots=True)
class Readout:
    """What a device says of itself.

    Attributes:
        name, location: as somebody wrote them into the device; empty where nobody did.
        microphones: how many sources of sound it has.
        sound: the stream profiles that carry sound, by their names.
        clock_ahead: by how much its clock is ahead of ours.
    """

    make: str
    name: str
    location: str
    microphones: int
    sound: tuple[str, ...]
    clock_ahead: timedelta


class OnvifDevice:
    """One device at `host[:port]`."""

    def __init__(self, address: str, credentials: Credentials | None, now: Callable[[], datetime]) -> None:
        self._address = address
        self._credentials = credentials
        self._now = now

    def read(self) -> Readout:
        """Ask everything that there is to know.

        Raises:
            UnreachableError: no answer within the limits, one that cannot be read, or the device refused.
            UsageError: the address is none.
        """
        ahead = self._clock_ahead()
        about = self._call(_DEVICE_PATH, DEVICE, "GetDeviceInformation", ahead)
        scopes = self._scopes(ahead)
        media = self._media_path(ahead)
        microphones = self._microphones(media, ahead)
        profiles = self._call(media, MEDIA, "GetProfiles", ahead).all("Profiles")
        return Readout(
            make=" ".join(filter(None, (shown(about.words("Manufacturer")), shown(about.words("Model"))))),
            name=scopes.get("name", ""),
            location=scopes.get("location", ""),
            microphones=microphones,
            sound=tuple(_profile_name(profile) for profile in profiles if _carries_sound(profile)),
            clock_ahead=ahead,
        )

    def _clock_ahead(self) -> timedelta:
        """Return by how much the device's clock is ahead: it takes no password that is not of its own time."""
        answer = self._call(_DEVICE_PATH, DEVICE, "GetSystemDateAndTime", None)
        told = answer.first("UTCDateTime")
        if told is None:
            return timedelta()
        numbers = [
            told.words(*path)
            for path in (("Date", "Year"), ("Date", "Month"), ("Date", "Day"), ("Hour",), ("Minute",), ("Second",))
        ]
        try:
            year, month, day, hour, minute, second = (int(text) for text in numbers)
            theirs = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            ahead = theirs - self._now()
            self._now() + ahead + _A_DAY  # no call that is signed in this time may fall off the end of the calendar
        except (ValueError, OverflowError) as error:
            raise UnreachableError(f"{self._address}: says a time that is none") from error
        return ahead

    def _scopes(self, ahead: timedelta) -> dict[str, str]:
        """Return what somebody wrote into the device as its name and its place; the first of several counts."""
        found: dict[str, str] = {}
        for element in self._call(_DEVICE_PATH, DEVICE, "GetScopes", ahead).all("ScopeItem"):
            kind, _, value = element.text.strip().removeprefix(_SCOPE).partition("/")
            if value and kind not in found:
                found[kind] = shown(unquote(value))
        return found

    def _microphones(self, media: str, ahead: timedelta) -> int:
        """Count the sources of sound. One that has none says so, or, as the standard has it, answers with a fault."""
        try:
            return len(self._call(media, MEDIA, "GetAudioSources", ahead).all("AudioSources"))
        except _NotSupportedError:
            return 0

    def _media_path(self, ahead: timedelta) -> str:
        body = "<Category>Media</Category>"
        answer = self._call(_DEVICE_PATH, DEVICE, "GetCapabilities", ahead, body)
        told = answer.words("Media", "XAddr")
        path = _path_of(told)
        if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
            raise UnreachableError(f"{self._address}: names no media service; is it a camera?")
        return path

    # --- one call ---------------------------------------------------------------------------------------------

    def _call(self, path: str, namespace: str, name: str, ahead: timedelta | None, body: str = "") -> Element:
        """Call `name` and return the body of the answer; without `ahead`, without a password."""
        url = f"{self._address if '://' in self._address else f'http://{self._address}'}{path}"
        envelope = (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{_SOAP}">'
            f"<s:Header>{'' if ahead is None else self._security(ahead)}</s:Header>"
            f'<s:Body><{name} xmlns="{namespace}">{body}</{name}></s:Body></s:Envelope>'
        )
        content_type = f'application/soap+xml; charset=utf-8; action="{namespace}/{name}"'
        question = Question(url=url, method="POST", body=envelope.encode(), headers={"Content-Type": content_type})
        return self._body(ask(question, LIMITS), name)

    def _body(self, answer: Answer, name: str) -> Element:
        if answer.status == 401:
            raise UnreachableError(f"{self._address}: refuses user or password")
        strange = f"{self._address}: answers {name} with status {answer.status}, not as ONVIF does"
        if answer.status not in _STATUSES:
            raise UnreachableError(strange)
        top = read_xml(answer.body, self._address)
        body = top.first("Body")
        fault = None if body is None else body.first("Fault")
        if fault is not None:
            codes = {item.text.strip().rpartition(":")[2] for item in fault.all("Value")}
            if "NotAuthorized" in codes:
                raise UnreachableError(f"{self._address}: refuses user or password")
            error = UnreachableError if codes.isdisjoint(_NOT_SUPPORTED) else _NotSupportedError
            raise error(f"{self._address}: refuses {name}")
        if answer.status != 200 or body is None:
            raise UnreachableError(strange)
        return body

    def _security(self, ahead: timedelta) -> str:
        """Return the token of WS-Security: SHA-1 over nonce, time and password, in the time of the device."""
        if self._credentials is None:
            return ""
        nonce = secrets.token_bytes(16)
        created = (self._now() + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + created.encode() + self._credentials.password.encode()).digest()  # noqa: S324
        return (
            f'<w:Security xmlns:w="{_WSSE}" xmlns:u="{_WSU}" s:mustUnderstand="1"><w:UsernameToken>'
            f"<w:Username>{escape(self._credentials.user)}</w:Username>"
            f'<w:Password Type="{_DIGEST}">{base64.b64encode(digest).decode()}</w:Password>'
            f'<w:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</w:Nonce>'
            f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
        )


def _path_of(url: str) -> str:
    """Return the path in an address that a device names; empty where it is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.path if parts.scheme in {"http", "https"} else ""


def _carries_sound(profile: Element) -> bool:
    """Tell whether a stream has sound: a source of it and an encoder for it."""
    parts = {child.name for child in profile.children}
    if {"AudioSourceConfiguration", "AudioEncoderConfiguration"} <= parts:
        return True
    return profile.first("Configurations", "AudioSource") is not None and profile.first("AudioEncoder") is not None


def _profile_name(profile: Element) -> str:
    return shown(profile.words("Name")) or shown(profile.attributes.get("token", "")) or "?"
