"""The packets of a stretch of a transport stream.

Headers are taken out together and sought through as a whole, since most packets are never looked at.
"""

import re
from collections.abc import Collection, Iterator

LENGTH = 188
SYNC = b"\x47"

_ADAPTED = re.compile(rb"[\x20-\x3F\x60-\x7F\xA0-\xBF\xE0-\xFF]")
"""The fourth byte of a packet that may tell the clock."""


class Packets:
    """Packets that lie `step` bytes apart, the first at `begin`; one that is cut off at the end does not count."""

    def __init__(self, data: bytes, begin: int, step: int) -> None:
        self._data, self._begin, self._step = data, begin, step
        count = max(0, (len(data) - begin - LENGTH) // step + 1)
        flags, streams, self._controls = (data[begin + at : begin + count * step : step] for at in (1, 2, 3))
        self._pairs = bytearray(2 * count)
        self._pairs[0::2], self._pairs[1::2] = flags, streams
        self._beginning = [pair for pair in set(zip(flags, streams, strict=True)) if pair[0] & 0x40]

    def beginnings(self, streams: Collection[int], *, wanted: bool) -> Iterator[bytes]:
        """Yield the content of packets in which something begins: a table, a picture, a piece of sound.

        Args:
            streams: numbers of streams.
            wanted: whether to look at these, at each content that differs from the one before; or at all others, of
                each the first content that may be a picture or a sound.
        """
        for flags, low in self._beginning:
            stream = (flags & 0x1F) << 8 | low
            if (stream in streams) is not wanted:
                continue
            before = b""
            for number in _places(self._pairs, bytes((flags, low))):
                content = self._content(number)
                if content and content != before:
                    before = content
                    yield content
                    if not wanted and content.startswith(b"\x00\x00\x01"):
                        break

    def clocks(self, *, backward: bool) -> Iterator[tuple[int, int]]:
        """Yield the stream and the reading of each clock, in units of 1/90,000 s; the last first if `backward`."""
        last = len(self._controls) - 1
        for match in _ADAPTED.finditer(self._controls[::-1] if backward else self._controls):
            packet = self._packet(last - match.start() if backward else match.start())
            if packet[:1] == SYNC and packet[4] >= 7 and packet[5] & 0x10:
                yield (packet[1] & 0x1F) << 8 | packet[2], int.from_bytes(packet[6:11], "big") >> 7

    def _content(self, number: int) -> bytes:
        packet = self._packet(number)
        if packet[:1] != SYNC or not packet[3] & 0x10:
            return b""
        return packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]

    def _packet(self, number: int) -> bytes:
        at = self._begin + number * self._step
        return self._data[at : at + LENGTH]


def _places(pairs: bytearray, pair: bytes) -> Iterator[int]:
    """Yield the numbers of the packets with these two bytes."""
    at = -1
    while (at := pairs.find(pair, at + 1)) >= 0:
        if not at % 2:
            yield at // 2
