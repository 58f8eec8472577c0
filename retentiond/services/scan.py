"""Brings the catalogue in step with the disk. The scan is the truth; the watcher only says where to look (I8)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from retentiond.domain import instants
from retentiond.domain.errors import MustRestartError, RetentiondError
from retentiond.domain.names import join
from retentiond.domain.recording import Recognised, Recording, Stream, Unclassified
from retentiond.domain.starts import Arrival
from retentiond.ports import (
    Catalogue,
    Entry,
    EntryKind,
    Listing,
    Observer,
    Recorder,
    ScanProgress,
    ScanState,
    Stamps,
    Store,
    Unchanged,
    Unlisted,
    WalkStep,
)
from retentiond.services.arrive import Arrivals, Met, Moment
from retentiond.services.rulebook import RuleBook

TOGETHER = 16
"""So many directories are taken in together: a transaction for each takes as long as a small one itself."""

REMEMBER_EVERY = 500
"""The position of a scan is kept after so many directories; a restart repeats at most these."""


@dataclass(slots=True)
class ScanResult:
    """What one scan met.

    `unchanged` of the `directories` were not listed again. `unlisted` are directories that proved nothing. Into
    `streams` something new came; `perhaps_due` says how many of that may be due already, `unexplained` which of these
    time does not explain.
    """

    directories: int = 0
    unchanged: int = 0
    recordings: int = 0
    arrived: int = 0
    perhaps_due: int = 0
    unexplained: int = 0
    removed_by_others: int = 0
    unlisted: list[Unlisted] = field(default_factory=list)
    streams: set[Stream] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Omitted:
    """What a scan leaves out: what one before it that broke off took in, and what is known and has not changed."""

    up_to: bytes | None = None
    unchanged: Stamps | None = None


class StoreScan:
    """One pass over one store. `take` is called for each step of the walk, in order, then `complete` once.

    `known` is what its walk may pass over.
    """

    def __init__(
        self,
        store: Store,
        recorder: Recorder,
        catalogue: Catalogue,
        observer: Observer,
        *,
        omitted: "Omitted | None" = None,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._catalogue = catalogue
        self._observer = observer
        self.known = None if omitted is None else omitted.unchanged
        self._resume_after = None if omitted is None else omitted.up_to
        self._arrivals = Arrivals(store, recorder, catalogue)
        self._began: datetime | None = None
        self._expected: int | None = None
        self.result = ScanResult()

    def begin(self, now: datetime) -> None:
        """Note when the scan begins, and how much it has before it, as far as an earlier one shows that."""
        known = self._catalogue.count_directories(self._store.name)
        self._began, self._expected = now, known if known and self._resume_after is None else None

    @property
    def progress(self) -> ScanProgress | None:
        """How far it has come, once it has begun."""
        began = self._began
        return None if began is None else ScanProgress(began, self.result.directories, self._expected)

    def descends(self, directory: bytes, entry: Entry) -> bool:
        """Tell the walk whether to enter a subdirectory.

        Not if it is a recording as a whole, nor if a scan that was broken off has been there: a walk goes in the
        order of names, so everything that sorts before where it stood is done.
        """
        if self._resume_after is not None and _is_before(join(directory, entry.name), self._resume_after):
            return False
        (sighting,) = self._recorder.classify(directory, (entry,))
        return not isinstance(sighting, Recognised)

    def take_together(self, steps: Sequence[WalkStep], book: RuleBook, moment: Moment) -> None:
        """Take in some directories at once, which costs a transaction for all of them.

        Where something is wrong with one of them, the others are taken in all the same. Raises what is wrong first.
        """
        told = self.result.removed_by_others
        before = replace(self.result, unlisted=[*self.result.unlisted], streams={*self.result.streams})
        try:
            with self._catalogue.together():
                for step in steps:
                    self._take(step, book, moment)
        except MustRestartError:
            raise
        except RetentiondError:
            self.result = before
            self._take_singly(steps, book, moment)
        finally:
            self._tell(self.result.removed_by_others - told)

    def take(self, step: WalkStep, book: RuleBook, moment: Moment) -> None:
        """Take in one directory."""
        before = self.result.removed_by_others
        self._take(step, book, moment)
        self._tell(self.result.removed_by_others - before)

    def _take_singly(self, steps: Sequence[WalkStep], book: RuleBook, moment: Moment) -> None:
        wrong: RetentiondError | None = None
        for step in steps:
            try:
                self._take(step, book, moment)
            except MustRestartError:
                raise
            except RetentiondError as error:
                wrong = wrong or error
        if wrong is not None:
            raise wrong

    def _take(self, step: WalkStep, book: RuleBook, moment: Moment) -> None:
        match step:
            case Unlisted(directory):
                self.result.unlisted.append(step)
                for doubtful in (directory, directory.rpartition(b"/")[0]):
                    self._catalogue.distrust(self._store.name, doubtful)
            case Unchanged(directories):
                self.result.directories += directories
                self.result.unchanged += directories
            case Listing():
                self._take_listing(step, book, moment)
                if self.result.directories % REMEMBER_EVERY == 0:
                    self._remember(step.directory)

    def unknown_directories(self, listing: Listing) -> list[bytes]:
        """Return the subdirectories of a listing that the catalogue has never seen and that are to be walked."""
        return [
            join(listing.directory, entry.name)
            for entry in listing.others
            if entry.kind is EntryKind.DIRECTORY
            and self.descends(listing.directory, entry)
            and not self._catalogue.knows_directory(self._store.name, join(listing.directory, entry.name))
        ]

    def complete(self, now: datetime) -> ScanResult:
        """Remember that the whole store was walked; from now on the passing of time can explain deletions."""
        self._catalogue.set_scan_state(self._store.name, ScanState(last_complete=now, resume_after=None))
        return self.result

    def _remember(self, directory: bytes) -> None:
        """Keep the position, so that a restart goes on from here."""
        state = self._catalogue.scan_state(self._store.name)
        self._catalogue.set_scan_state(self._store.name, replace(state, resume_after=directory))

    def _take_listing(self, listing: Listing, book: RuleBook, moment: Moment) -> None:
        """Take in what a listing shows. It is trusted for later if nothing that it shows was left open."""
        met = self._read(listing)
        known = self._catalogue.compare(self._store.name, listing, met.starts)
        arrived, sheaves = self._arrivals.judge(met, known.unknown, book, moment)
        self.result.streams.update(known.unknown)
        self.result.perhaps_due += len(arrived)  # the others came in sheaves: their names say that they are not
        self.result.unexplained += sum(item.arrival is not Arrival.ORDINARY for item in arrived)
        # what a listing left out is asked for by name: the directory may have changed while it was read
        listed = {*listing.files, *(entry.name for entry in listing.others)} if known.vanished else ()
        disowned = [item for item in known.vanished if item.place.name in listed]
        left_out = [item for item in known.vanished if item.place.name not in listed]
        vanished = [item for item in left_out if self._store.is_gone(item.place)]
        new = len(arrived) + sum(len(sheaf.starts_ms) for sheaf in sheaves)
        settled = listing.settled and new == sum(map(len, known.unknown.values())) and vanished == left_out
        taken_in = replace(listing, settled=settled)
        self._catalogue.update(
            self._store.name, taken_in, arrived, disowned + vanished, met.unclassified, sheaves=sheaves
        )
        vanished += self._vanished_below(listing, met)
        self._count(sum(map(len, met.starts.values())), new, len(vanished))

    def _read(self, listing: Listing) -> Met:
        """Say what the recorder makes of everything in a directory."""
        read = self._recorder.read_files(listing.directory, listing.files)
        starts = {Stream(self._store.name, *key): dict(names) for key, names in read.recordings.items()}
        wholes: dict[bytes, Recognised] = {}
        unclassified = list(read.unclassified)
        others = self._recorder.classify(listing.directory, listing.others) if listing.others else ()
        for entry, sighting in zip(listing.others, others, strict=True):
            match sighting:
                case Recognised(camera, category, start):
                    stream = Stream(self._store.name, camera, category)
                    starts.setdefault(stream, {})[entry.name] = None if start is None else instants.to_ms(start)
                    wholes[entry.name] = sighting
                case Unclassified() if entry.kind is not EntryKind.DIRECTORY:
                    unclassified.append(entry.name)
                case _:
                    pass
        return Met(listing.directory, starts, wholes, tuple(unclassified))

    def _vanished_below(self, listing: Listing, met: Met) -> Sequence[Recording]:
        children = [
            entry.name for entry in listing.others if entry.kind is EntryKind.DIRECTORY and entry.name not in met.wholes
        ]
        return self._catalogue.forget_directories(self._store.name, listing.directory, children)

    def _count(self, seen: int, arrived: int, vanished: int) -> None:
        self.result.directories += 1
        self.result.recordings += seen
        self.result.arrived += arrived
        self.result.removed_by_others += vanished

    def _tell(self, vanished: int) -> None:
        if vanished:
            self._observer.removed_by_others(self._store.name, vanished)


def walk_whole(
    scan: StoreScan, store: Store, book: RuleBook, now: datetime, *, progress: Callable[[], None] = lambda: None
) -> ScanResult:
    """Scan a store in one go, and call `progress` after each directory. The daemon does the same in slices."""
    for steps in in_groups(store.walk(scan.descends, scan.known)):
        scan.take_together(steps, book, Moment(now))
        for _ in steps:
            progress()
    return scan.complete(now)


def in_groups(walk: Iterator[WalkStep]) -> Iterator[list[WalkStep]]:
    """Yield the steps of a walk, as many at a time as are taken in together."""
    while steps := list(islice(walk, TOGETHER)):
        yield steps


def _is_before(directory: bytes, resume_after: bytes) -> bool:
    """Tell whether the walk has left `directory` for good by the time it stood at `resume_after`."""
    path, stood = directory.split(b"/"), resume_after.split(b"/")
    return path < stood[: len(path)]
