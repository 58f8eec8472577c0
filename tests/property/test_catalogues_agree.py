"""The real catalogue answers like the simple one, whatever happens to it, and its own books stay balanced."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from retentiond.catalogue.open import open_in_memory
from retentiond.catalogue.slots import PART, SLOT_MS, slot_of, unpack
from retentiond.domain.instants import to_ms
from retentiond.domain.recording import CameraName, Category, Place, Recording, Stream, Unit
from retentiond.domain.span import Span
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import Arrived, CatalogueRow, DirectoryStamp, Listing, ScanState, Setback, Sheaf, StreamBases
from tests.builders import STORE, a_basis, a_coverage, a_plan, a_rule, at, wait_for
from tests.contract.catalogues import told
from tests.fakes.catalogue import MemoryCatalogue

ZERO = at("2026-01-01")
MS = timedelta(milliseconds=1)

streams = st.builds(
    Stream, st.just(STORE), st.sampled_from(["ward", "lobby"]).map(CameraName), st.sampled_from([*Category][:2])
)
directories = st.sampled_from([b"", b"a", b"a/b", b"a/b/c", b"a!", b"ab", b"\xff"])
names = st.sampled_from([b"1", b"2", b"\xff"])
instants = st.integers(min_value=0, max_value=12).map(lambda halves: ZERO + halves * MS / 2) | st.sampled_from(
    [ZERO + timedelta(minutes=minutes) for minutes in (5, 6, 10, 300)]
)
recordings = st.builds(Recording, streams, st.builds(Place, directories, names), instants, st.sampled_from(Unit))
spans = st.builds(lambda stream, after, until: Span(stream, after, until, a_rule()), streams, instants, instants)
doubts = st.none() | st.sampled_from(Doubt)
sheaves = st.dictionaries(names, instants.map(to_ms), max_size=3)


@st.composite
def arrivals(draw: st.DrawFn, directory: bytes) -> list[Arrived]:
    """Draw what arrived in a directory: each name once."""
    return [
        Arrived(
            Recording(draw(streams), Place(directory, name), draw(instants), draw(st.sampled_from(Unit))),
            draw(instants),
            draw(doubts),
            draw(st.sampled_from(Arrival)),
        )
        for name in draw(st.lists(names, unique=True))
    ]


def sorted_rows(rows: Sequence[CatalogueRow]) -> list[CatalogueRow]:
    return sorted(rows, key=lambda row: (row.recording.start, row.recording.stream, row.recording.place))


class Catalogues(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.real = self._open.enter_context(open_in_memory())
        self.simple = MemoryCatalogue()

    def teardown(self) -> None:
        self._open.close()

    def known(self, data: st.DataObject) -> Recording:
        """Draw a recording, mostly one that is there."""
        there = [row.recording for row in self.simple._rows.values()]
        return data.draw(st.sampled_from(there) | recordings if there else recordings)

    @rule(data=st.data(), directory=directories, unclassified=st.lists(names, unique=True))
    def list_directory(self, data: st.DataObject, directory: bytes, unclassified: list[bytes]) -> None:
        stamp = DirectoryStamp(data.draw(st.integers(0, (1 << 64) - 1)), 1, 1)
        listing = Listing(directory, stamp, settled=data.draw(st.booleans()))
        arrived = data.draw(arrivals(directory))
        seen = told(item.recording for item in arrived)
        real, simple = (catalogue.compare(STORE, listing, seen) for catalogue in (self.real, self.simple))
        assert {stream: set(new) for stream, new in real.unknown.items()} == {
            stream: set(new) for stream, new in simple.unknown.items()
        }
        assert set(real.vanished) == set(simple.vanished)
        vanished = [item for item in simple.vanished if data.draw(st.booleans())]
        sheaf = Sheaf(data.draw(streams), data.draw(instants), data.draw(sheaves))
        arrived = [item for item in arrived if item.recording.place.name not in sheaf.starts_ms]
        for catalogue in (self.real, self.simple):
            catalogue.update(STORE, listing, arrived, vanished, unclassified, sheaves=[sheaf])

    @rule(directory=directories)
    def distrust(self, directory: bytes) -> None:
        for catalogue in (self.real, self.simple):
            catalogue.distrust(STORE, directory)

    @rule(data=st.data(), count=st.integers(1, 4), position=st.none() | st.integers(0, 9))
    def forget(self, data: st.DataObject, count: int, position: int | None) -> None:
        items = [self.known(data) for _ in range(count)]
        for catalogue in (self.real, self.simple):
            catalogue.forget(items, trail_seq=position)

    @rule(data=st.data(), start=instants, doubt=doubts)
    def restart(self, data: st.DataObject, start: datetime, doubt: Doubt | None) -> None:
        there = [row.recording for row in self.simple._rows.values()]
        if not there:
            return  # only what a catalogue holds can start anew
        former = data.draw(st.sampled_from(there))
        again = Arrived(Recording(former.stream, former.place, start, former.unit), start, doubt)
        for catalogue in (self.real, self.simple):
            catalogue.restart(former, again)

    @rule(parent=directories, children=st.sets(st.sampled_from([b"a", b"b", b"c", b"a!", b"ab", b"\xff"])))
    def forget_directories(self, parent: bytes, children: set[bytes]) -> None:
        real, simple = (catalogue.forget_directories(STORE, parent, children) for catalogue in (self.real, self.simple))
        assert sorted(item.place for item in real) == sorted(item.place for item in simple)
        assert set(real) == set(simple)

    @rule(data=st.data(), attempts=st.integers(1, 3), retry=instants)
    def note_setback(self, data: st.DataObject, attempts: int, retry: datetime) -> None:
        setback = Setback(self.known(data), attempts, "EIO", retry)
        for catalogue in (self.real, self.simple):
            catalogue.note_setback(setback)

    @rule(data=st.data(), count=st.integers(0, 6), digest=st.sampled_from(["aa" * 32, "bb" * 32]))
    def freeze(self, data: st.DataObject, count: int, digest: str) -> None:
        members = [self.known(data) for _ in range(count)]
        for catalogue in (self.real, self.simple):
            wait_for(catalogue, a_plan(digest, count=count), members)

    @rule(data=st.data(), count=st.integers(0, 6))
    def gather(self, data: st.DataObject, count: int) -> None:
        members = [self.known(data) for _ in range(count)]
        for catalogue in (self.real, self.simple):
            catalogue.gather(STORE, members)

    @rule()
    def thaw(self) -> None:
        for catalogue in (self.real, self.simple):
            catalogue.thaw(STORE)

    @rule(stream=streams, last=st.none() | instants, since=instants)
    def keep_states(self, stream: Stream, last: datetime | None, since: datetime) -> None:
        for catalogue in (self.real, self.simple):
            catalogue.set_bases(stream, StreamBases(a_basis(since, coverage=a_coverage(stream=stream)), None))
            catalogue.set_scan_state(STORE, ScanState(last, b"a"))

    @rule(asked=st.lists(spans, max_size=4), limit=st.none() | st.integers(0, 5))
    def find(self, asked: list[Span], limit: int | None) -> None:
        real, simple = (list(catalogue.find(asked)) for catalogue in (self.real, self.simple))
        assert sorted_rows(real) == sorted_rows(simple)
        assert [(row.recording.stream, row.recording.start) for row in real] == [
            (row.recording.stream, row.recording.start) for row in simple
        ]
        assert list(self.real.find(asked, limit)) == (real if limit is None else real[:limit])
        assert self.real.count(asked) == len(simple)

    @rule(stream=streams, since=st.none() | instants, until=st.none() | instants)
    def look_at_a_stream(self, stream: Stream, since: datetime | None, until: datetime | None) -> None:
        assert self.real.oldest(stream, since, until) == self.simple.oldest(stream, since, until)
        assert self.real.newest(stream) == self.simple.newest(stream)
        assert self.real.bases(stream) == self.simple.bases(stream)

    @invariant()
    def both_say_the_same(self) -> None:
        real, simple = self.real, self.simple
        assert list(real.streams(STORE)) == list(simple.streams(STORE))
        assert real.census(STORE) == simple.census(STORE)
        assert sorted_rows(real.odd(STORE)) == sorted_rows(simple.odd(STORE))
        assert set(real.setbacks(STORE)) == set(simple.setbacks(STORE))
        assert real.waiting(STORE) == simple.waiting(STORE)
        members = list(real.members(STORE))
        assert real.left_of_plan(STORE) == len(members)
        assert sorted_rows(members) == sorted_rows(list(simple.members(STORE)))
        assert [row.recording.start for row in members] == sorted(row.recording.start for row in members)
        assert real.scan_state(STORE) == simple.scan_state(STORE)
        assert real.trail_position() == simple.trail_position()
        assert real.stamps(STORE) == simple.stamps(STORE)
        assert real.count_directories(STORE) == simple.count_directories(STORE)
        count, sample = real.unclassified(STORE)
        assert (count, sorted(sample)) == (simple.unclassified(STORE)[0], sorted(simple.unclassified(STORE)[1]))

    @invariant()
    def the_books_balance(self) -> None:
        db = self.real._db
        rows: dict[tuple[int, int], list[int]] = {}
        keys: set[tuple[int, int, int, bytes]] = set()
        for stream, slot, directory, count, low, high, content in db.rows(
            "SELECT stream, slot, directory, n, lo, hi, content FROM slot"
        ):
            starts, found_names, _ = unpack(slot, count, content)
            assert 0 < count <= PART
            assert {slot_of(start) for start in starts} == {slot}
            assert (min(starts) - slot * SLOT_MS, max(starts) - slot * SLOT_MS) == (low, high)
            rows.setdefault((directory, stream), []).extend(starts)
            found = {(stream, start, directory, name) for start, name in zip(starts, found_names, strict=True)}
            assert len(found) == count
            assert not found & keys
            keys |= found
        ranges = {row[:2]: row[2:] for row in db.rows("SELECT directory, stream, n, lo, hi FROM span")}
        assert rows.keys() == ranges.keys()
        for key, starts in rows.items():
            n, lo, hi = ranges[key]
            assert n == len(starts)
            assert lo <= min(starts) <= max(starts) <= hi
        for table in ("whole", "oddity", "setback", "member"):
            assert set(db.rows(f"SELECT stream, start, directory, name FROM {table}")) <= keys
        assert not db.rows("SELECT 1 FROM sample WHERE directory NOT IN (SELECT id FROM directory)")
        assert not db.rows("SELECT 1 FROM slot WHERE directory NOT IN (SELECT id FROM directory)")


TestCataloguesAgree = Catalogues.TestCase
TestCataloguesAgree.settings = settings(max_examples=60, stateful_step_count=25)
