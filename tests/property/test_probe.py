"""Whatever is in a file: no crash, no hang, no read outside of it, no more reads than are allowed."""

import struct
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from retentiond.domain.media import Media, Opaque
from retentiond.probe.formats import read_media
from retentiond.probe.window import MAX_BYTES, MAX_READS, Window


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def track(handler: bytes, ident: int = 1) -> bytes:
    tkhd = box(b"tkhd", struct.pack(">IIII", 0, 0, 0, ident), bytes(64))
    mdhd = box(b"mdhd", struct.pack(">IIIII", 0, 0, 0, 1000, 5000), bytes(4))
    return box(b"trak", tkhd, box(b"mdia", mdhd, box(b"hdlr", bytes(8), handler, bytes(12))))


def movie(*handlers: bytes, scale: int = 1000, duration: int = 5000) -> bytes:
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, scale, duration), bytes(80))
    return box(b"ftyp", b"isom") + box(b"moov", mvhd, *(track(item) for item in handlers)) + box(b"mdat", bytes(64))


def element(ident: bytes, content: bytes) -> bytes:
    return ident + (0x01 << 56 | len(content)).to_bytes(8, "big") + content


def matroska(*kinds: int) -> bytes:
    entries = b"".join(element(b"\xae", element(b"\x83", bytes((kind,)))) for kind in kinds)
    return element(b"\x1a\x45\xdf\xa3", b"") + element(b"\x18\x53\x80\x67", element(b"\x16\x54\xae\x6b", entries))


def packet(pid: int, content: bytes) -> bytes:
    return bytes((0x47, 0x40 | pid >> 8, pid & 0xFF, 0x10)) + content.ljust(184, b"\xff")


def transport(*kinds: int) -> bytes:
    pat = b"\0\0\xb0\x0d\0\1\xc1\0\0\0\1\xe1\0" + bytes(4)
    streams = b"".join(bytes((kind, 0xE1, 1 + number, 0xF0, 0)) for number, kind in enumerate(kinds))
    length = 9 + len(streams) + 4
    pmt = bytes((0, 2, 0xB0 | length >> 8, length & 0xFF, 0, 1, 0xC1, 0, 0, 0xE1, 1, 0xF0, 0)) + streams + bytes(4)
    return packet(0, pat) + packet(0x100, pmt) + packet(0x101, b"") * 4


def riff(*kinds: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content

    streams = b"".join(chunk(b"LIST", b"strl" + chunk(b"strh", kind + bytes(52))) for kind in kinds)
    return chunk(b"RIFF", b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", bytes(56)) + streams))


def fragment(number: int, samples: int = 10, *, data: bytes = b"") -> bytes:
    """A second of pictures, the `number`th, at 1,000 units a second."""
    tfhd = box(b"tfhd", struct.pack(">II", 0, 1))
    tfdt = box(b"tfdt", struct.pack(">II", 0, number * 1000))
    trun = box(b"trun", struct.pack(">II", 0x100, samples), struct.pack(">I", 1000 // samples) * samples)
    traf = box(b"traf", tfhd, tfdt, trun)
    return box(b"moof", box(b"mfhd", struct.pack(">II", 0, number + 1)), traf) + box(b"mdat", data)


def fragmented(count: int, *, index: bool, data: bytes = b"") -> bytes:
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 0), bytes(80))
    tracks = track(b"vide").replace(struct.pack(">II", 1000, 5000), struct.pack(">II", 1000, 0))
    out, places = box(b"ftyp", b"isom") + box(b"moov", mvhd, tracks), []
    for number in range(count):
        places.append(len(out))
        out += fragment(number, data=data)
    if index:
        entries = b"".join(struct.pack(">IIBBB", number * 1000, at, 1, 1, 1) for number, at in enumerate(places))
        content = box(b"tfra", struct.pack(">IIII", 0, 1, 0, count), entries)
        out += box(b"mfra", content, box(b"mfro", struct.pack(">II", 0, 8 + len(content) + 16)))
    return out


SEEDS = (
    movie(b"vide", b"soun"),
    fragmented(3, index=True),
    fragmented(3, index=False),
    matroska(1, 2),
    transport(0x1B, 0x0F),
    riff(b"vids", b"auds"),
)


class Watched:
    """A file that notes what is read of it."""

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self.reads: list[tuple[int, int]] = []

    def read_at(self, length: int, offset: int) -> bytes:
        self.reads.append((length, offset))
        return self.data[offset : offset + length]

    def look(self) -> Media | Opaque:
        return read_media(Window(self.read_at, self.size))


def hold(watched: Watched) -> None:
    watched.look()
    assert len(watched.reads) <= MAX_READS
    assert sum(length for length, _ in watched.reads) <= MAX_BYTES
    assert all(length > 0 and 0 <= offset < max(watched.size, 1) for length, offset in watched.reads)


def test_each_seed_is_understood() -> None:
    """Else the mutations below would try nothing."""
    found = [Watched(seed).look() for seed in SEEDS]
    assert [(item.video, item.audio) for item in found if isinstance(item, Media)] == [
        (True, True),
        (True, False),
        (True, False),
        (True, True),
        (True, True),
        (True, True),
    ]


def test_silent_ones_are_silent() -> None:
    for silent in (movie(b"vide"), matroska(1), transport(0x1B), riff(b"vids")):
        looked = Watched(silent).look()
        assert isinstance(looked, Media)
        assert (looked.video, looked.audio) == (True, False)


def test_an_hour_of_fragments_takes_a_few_reads() -> None:
    decoy = b"\0\0\0\x18moof\0\0\0\x10mfhd" + bytes(8)
    for index, data in ((True, b""), (False, b""), (False, decoy * 3), (False, bytes(60_000))):
        watched = Watched(fragmented(3600 if len(data) < 1000 else 100, index=index, data=data))
        looked = watched.look()
        assert isinstance(looked, Media)
        assert looked.duration == timedelta(seconds=3600 if len(data) < 1000 else 100)
        assert len(watched.reads) < 20


def test_fragments_that_pictures_imitate_are_counted_by_walking() -> None:
    """More imitations than are tried, near the end: the boxes themselves tell, and nothing hangs."""
    decoys = (b"\0\0\0\x18moof\0\0\0\x10mfhd" + bytes(7)) * 200_000
    data = fragmented(5, index=False) + box(b"mdat", decoys)
    looked = Watched(data).look()
    assert isinstance(looked, Media)
    assert looked.duration == timedelta(seconds=5)


def test_the_end_of_a_broken_fragment_does_not_count() -> None:
    whole = fragmented(9, index=False, data=bytes(3000))
    looked = Watched(whole[: whole.rindex(b"moof") + 30]).look()
    assert isinstance(looked, Media)
    assert looked.duration is None or looked.duration <= timedelta(seconds=9)


def test_sound_that_begins_within_a_stream_is_heard_at_its_end() -> None:
    silent, loud = transport(0x1B), transport(0x1B, 0x0F)
    filler = packet(0x1FFF, b"") * 8000
    for data, sound in (
        (silent + filler + silent, False),
        (silent + filler + loud, True),
        (loud + filler + silent, True),
        (packet(0x1FFF, b"") * 1000 + loud + filler + silent, True),
    ):
        looked = Watched(data).look()
        assert isinstance(looked, Media)
        assert looked.audio is sound


@given(st.binary(max_size=600))
@example(b"")
@example(b"\0\0\0\0ftyp")
@example(b"\0\0\0\1moov" + b"\xff" * 8)
@example(b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xff" * 7 + b"\x18\x53\x80\x67\xff" + b"\xec\x80" * 200)
def test_anything_at_all_is_read_within_limits(data: bytes) -> None:
    hold(Watched(data))


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, 2000),
    grown=st.sampled_from((0, 1, 1 << 20, 1 << 40, 1 << 62)),
)
def test_broken_films_are_read_within_limits(seed: bytes, changes: list[tuple[int, int]], cut: int, grown: int) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    shorter = bytes(data[: max(1, len(data) - cut % 64)]) if cut % 3 == 0 else bytes(data)
    hold(Watched(shorter, len(shorter) + grown))


@given(number=st.integers(0, 3000), seed=st.sampled_from(SEEDS[:1]))
def test_a_hidden_track_of_sound_is_found_or_nothing_is_said(number: int, seed: bytes) -> None:
    """Fillers before a track never turn a film with sound into one that is said to be silent."""
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 5000), bytes(80))
    data = box(b"ftyp", b"isom") + box(b"moov", mvhd, track(b"vide"), box(b"free") * number, track(b"soun"))
    looked = Watched(data).look()
    assert isinstance(looked, Opaque) or looked.audio


def test_a_tree_of_boxes_without_end_stops_at_the_limit() -> None:
    watched = Watched(box(b"ftyp") + box(b"free", bytes(8000)) * 3, 1 << 40)
    watched.data = b"\0\0\0\x08free" * 4096 * 40
    watched.data = box(b"ftyp") + watched.data
    assert isinstance(watched.look(), Opaque)
    assert len(watched.reads) <= MAX_READS
