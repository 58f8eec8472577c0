"""MPEG transport streams: packets of 188 bytes, tables that name their streams (ISO/IEC 13818-1).

A table may change within a file, so the end is looked at as well as the begin: at both as much as it takes to see a
table of streams and a clock there, 64 KiB at least and 512 KiB at most. Packets of sound count in there even where no
table names them.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from retentiond.domain.media import Media
from retentiond.probe.mpegts_packets import Packets
from retentiond.probe.window import Window

_SYNC = b"\x47"
_SYNC_WITHIN = 212
_STRIDES = ((188, 0), (192, 4), (204, 0))
_ENDS = (64 << 10, 512 << 10)

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
    return _stride(head) in {(first, step) for step, first in _STRIDES}


def read_mpegts(window: Window) -> Media | None:
    """Return what the stream says of itself; None if no table names its streams. Raises as `read_mp4`."""
    found = _Streams()
    seen, looked_at = False, 0
    for length in _ENDS:
        if not seen and looked_at < window.size:
            looked_at = min(length, window.size)
            seen = _read_packets(window.read(0, looked_at), found)
    seen = False
    for length in _ENDS:
        begin = max(looked_at, window.size - length)
        if not seen and begin < window.size:
            seen = _read_packets(window.read(begin, window.size - begin), found)
    if not found.there:
        return None
    return Media("mpegts", found.video, found.audio, _duration(found))


def _duration(found: _Streams) -> timedelta | None:
    if found.first_clock is None or found.last_clock is None:
        return None
    seconds = ((found.last_clock - found.first_clock) % _WRAP) / _CLOCK
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST_S else None


def _stride(data: bytes) -> tuple[int, int] | None:
    """Return where the first byte of the first whole packet is, and how far packets lie apart."""
    at = -1
    while (at := data.find(_SYNC, at + 1, _SYNC_WITHIN)) >= 0:
        for step, first in _STRIDES:
            if at >= first and data[at + step : at + 2 * step + 1 : step] == _SYNC * 2:
                return at, step
    return None


def _read_packets(data: bytes, found: _Streams) -> bool:
    """Read the packets of a stretch. Returns whether a table of streams and a clock are among them."""
    told = _stride(data)
    if told is None:
        return False
    packets = Packets(data, *told)
    tables = _read_tables(packets, found)
    for content in packets.beginnings(found.tables | {0}, wanted=False):
        if content[:3] == b"\x00\x00\x01" and len(content) > 3:
            found.audio |= 0xC0 <= content[3] <= 0xDF
            found.video |= 0xE0 <= content[3] <= 0xEF
    return _note_clocks(packets, found) and tables


def _read_tables(packets: Packets, found: _Streams) -> bool:
    """Read what names programs, then what names their streams. Returns whether one of these was read."""
    for content in packets.beginnings({0}, wanted=True):
        _read_programs(content, found)
    read = [_read_section(content, found) for content in packets.beginnings(found.tables, wanted=True)]
    return any(read)


def _note_clocks(packets: Packets, found: _Streams) -> bool:
    if found.clock_pid is None:
        for found.clock_pid, found.first_clock in packets.clocks(backward=False):
            break
    for pid, clock in packets.clocks(backward=True):
        if pid == found.clock_pid:
            found.last_clock = clock
            return True
    return False


def _section(content: bytes) -> tuple[bytes, int]:
    """Return a table as far as it lies in one packet, and where what it says ends."""
    section = content[1 + content[0] :]
    if len(section) < 12:
        return b"", 0
    return section, min(len(section), 3 + ((section[1] & 0x0F) << 8 | section[2]) - 4)


def _read_programs(content: bytes, found: _Streams) -> None:
    section, end = _section(content)
    if section[:1] == b"\x00":
        for at in range(8, end - 3, 4):
            if section[at : at + 2] != b"\x00\x00":
                found.tables.add((section[at + 2] & 0x1F) << 8 | section[at + 3])


def _read_section(content: bytes, found: _Streams) -> bool:
    section, end = _section(content)
    if section[:1] != b"\x02":
        return False
    found.there = True
    _read_streams(section, 12 + ((section[10] & 0x0F) << 8 | section[11]), end, found)
    return True


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
