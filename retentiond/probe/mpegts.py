"""MPEG transport streams: packets of 188 bytes, tables that name their streams (ISO/IEC 13818-1).

A table may change within a file, so the end is looked at as well as the begin, and packets of sound count even where
no table names them.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from retentiond.domain.media import Media
from retentiond.probe.window import Window

_PACKET = 188
_SYNC = 0x47
_STRIDES = ((188, 0), (192, 4), (204, 0))
_LOOKED_AT = 512 << 10

_VIDEO = frozenset((0x01, 0x02, 0x10, 0x1B, 0x1E, 0x1F, 0x20, 0x21, 0x24, 0x25, 0x33, 0x42, 0x80, 0xD1, 0xD2, 0xEA))
_AUDIO_STANDARD = frozenset((0x03, 0x04, 0x0F, 0x11, 0x1C, 0x2D, 0x2E, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8A))
# What makers of cameras use for G.711, G.722, G.723, G.726 and G.729.
_AUDIO = _AUDIO_STANDARD | {0x90, 0x91, 0x92, 0x93, 0x94, 0x96, 0x99, 0x9B, 0x9C, 0xA1, 0xC1}
_AUDIO_DESCRIPTORS = frozenset((0x6A, 0x7A, 0x7B, 0x7C, 0x81, 0xCC))
_AUDIO_FORMATS = frozenset((b"AC-3", b"EAC3", b"Opus", b"DTS1", b"DTS2", b"DTS3", b"BSSD", b"AC-4", b"mlpa"))
_VIDEO_FORMATS = frozenset((b"HEVC", b"AV01", b"VVC ", b"avc1", b"h264"))
_CLOCK = 90_000
_WRAP = 1 << 33
_LONGEST_S = 10 * 86_400


@dataclass(slots=True)
class _Streams:
    there: bool = False
    video: bool = False
    audio: bool = False
    tables: set[int] = field(default_factory=set)
    first_clock: int | None = None
    last_clock: int | None = None
    clock_pid: int | None = None


def is_mpegts(head: bytes) -> bool:
    """Tell whether a file that begins so is one."""
    return _stride(head) is not None


def read_mpegts(window: Window) -> Media | None:
    """Return what the stream says of itself; None if no table names its streams. Raises as `read_mp4`."""
    found = _Streams()
    head = window.read_up_to(0, _LOOKED_AT)
    _read_packets(head, found)
    if window.size > len(head):
        begin = max(len(head), window.size - _LOOKED_AT)
        _read_packets(window.read_up_to(begin, _LOOKED_AT), found)
    if not found.there:
        return None
    return Media("mpegts", found.video, found.audio, _duration(found))


def _duration(found: _Streams) -> timedelta | None:
    if found.first_clock is None or found.last_clock is None:
        return None
    seconds = ((found.last_clock - found.first_clock) % _WRAP) / _CLOCK
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST_S else None


def _stride(data: bytes, begin: int = 0) -> tuple[int, int] | None:
    """Return how far packets lie apart, and where in each its first byte is."""
    for step, first in _STRIDES:
        places = range(begin + first, begin + first + 3 * step, step)
        if len(data) > places[-1] and all(data[at] == _SYNC for at in places):
            return step, first
    return None


def _read_packets(data: bytes, found: _Streams) -> None:
    begin = next((at for at in range(min(len(data), 208)) if _stride(data, at)), None)
    told = None if begin is None else _stride(data, begin)
    if begin is None or told is None:
        return
    step, first = told
    for at in range(begin + first, len(data) - _PACKET + 1, step):
        if data[at] == _SYNC:
            _read_packet(data[at : at + _PACKET], found)


def _read_packet(packet: bytes, found: _Streams) -> None:
    pid = (packet[1] & 0x1F) << 8 | packet[2]
    adaptation, payload = packet[3] & 0x20, packet[3] & 0x10
    at = 4
    if adaptation:
        at += 1 + packet[4]
        if packet[4] >= 7 and packet[5] & 0x10:
            _note_clock(packet, pid, found)
    if not payload or at >= _PACKET or not packet[1] & 0x40:
        return
    content = packet[at:]
    if pid == 0 or pid in found.tables:
        _read_section(content, pid, found)
    elif content[:3] == b"\x00\x00\x01" and len(content) > 3:
        found.audio |= 0xC0 <= content[3] <= 0xDF
        found.video |= 0xE0 <= content[3] <= 0xEF


def _note_clock(packet: bytes, pid: int, found: _Streams) -> None:
    clock = int.from_bytes(packet[6:11], "big") >> 7
    if found.clock_pid is None:
        found.clock_pid, found.first_clock = pid, clock
    if found.clock_pid == pid:
        found.last_clock = clock


def _read_section(content: bytes, pid: int, found: _Streams) -> None:
    """Read a table of programs, or of the streams of one, as far as it lies in one packet."""
    section = content[1 + content[0] :]
    if len(section) < 12:
        return
    end = min(len(section), 3 + ((section[1] & 0x0F) << 8 | section[2]) - 4)
    if pid == 0 and section[0] == 0x00:
        for at in range(8, end - 3, 4):
            if section[at : at + 2] != b"\x00\x00":
                found.tables.add((section[at + 2] & 0x1F) << 8 | section[at + 3])
    elif pid != 0 and section[0] == 0x02:
        found.there = True
        _read_streams(section, 12 + ((section[10] & 0x0F) << 8 | section[11]), end, found)


def _read_streams(section: bytes, at: int, end: int, found: _Streams) -> None:
    while at + 5 <= end:
        kind = section[at]
        length = (section[at + 3] & 0x0F) << 8 | section[at + 4]
        described = _described(section[at + 5 : min(at + 5 + length, end)])
        found.video |= kind in _VIDEO or described == "video"
        found.audio |= kind in _AUDIO or described == "audio"
        at += 5 + length


def _described(descriptors: bytes) -> str:
    """Return what the descriptors of a private stream say that it is."""
    at = 0
    while at + 2 <= len(descriptors):
        tag, length = descriptors[at], descriptors[at + 1]
        name = descriptors[at + 2 : at + 6]
        if tag in _AUDIO_DESCRIPTORS or (tag == 0x05 and name in _AUDIO_FORMATS):
            return "audio"
        if tag == 0x05 and name in _VIDEO_FORMATS:
            return "video"
        at += 2 + length
    return ""
