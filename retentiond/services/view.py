"""What commands read without a daemon: the same rules over the same state, and nothing is changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain import instants
from retentiond.domain.clock import Credible
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import StorageError, UsageError
from retentiond.domain.event import EventType, Record
from retentiond.domain.finding import Finding
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.rule import DeletionRule
from retentiond.domain.span import BEGINNING, Span, within, without
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.suspension import Reach, Suspension, in_force
from retentiond.domain.validity import Validity
from retentiond.domain.violation import before_prohibition, prohibited_since
from retentiond.ports import Absent, Catalogue, DeviceSource, Foreign, Recorder, Store, StreamStatus
from retentiond.services.check_placement import check_rooms
from retentiond.services.check_recorders import check_recorders, observed_status
from retentiond.services.find import store_findings
from retentiond.services.find_copies import find_copies
from retentiond.services.keep_time import Timekeeper
from retentiond.services.outlook import Forecaster, Outlook
from retentiond.services.rulebook import RuleBook
from retentiond.services.sample import Sampler
from retentiond.services.survey import Survey, Surveyor, condition_name
from retentiond.services.unlisted import Suspected, Unlisted

_ALL = DeletionRule("all", frozenset(), timedelta())
_TICK = timedelta(milliseconds=1)
_OBSERVED = frozenset({"moonfire"})
"""Recorders that have recordings which only they may delete."""


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that exists, or that the trail says was deleted."""

    store: StoreName
    camera: CameraName
    category: str
    start: datetime
    path: str
    deadline: datetime | None
    deleted_at: datetime | None
    seq: int | None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a recorder has of a camera that only it may delete; `remedy` is how it is made to."""

    recorder: str
    status: StreamStatus
    remedy: str


@dataclass(frozen=True, slots=True)
class Held:
    """A suspension, and how much it covers now, due or not."""

    suspension: Suspension
    recordings: int


@dataclass(frozen=True, slots=True)
class Site:
    """A store and what is known of its recorder."""

    store: Store
    recorder: Recorder


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A store of which the catalogue may not know all: never scanned whole, or not there now."""

    store: StoreName
    condition: str
    last_scan: datetime | None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a view reads."""

    sites: tuple[Site, ...]
    catalogue: Catalogue
    timekeeper: Timekeeper
    surveyor: Surveyor
    forecaster: Forecaster
    records: Callable[[], Iterator[Record]]
    decisions: Decisions
    enforcing: bool
    sampler: Sampler | None = None
    devices: tuple[DeviceSource, ...] = ()
    declared: tuple[Finding, ...] = ()


class View:
    """Answers questions about stores, plans and the past."""

    def __init__(self, sources: Sources, book: RuleBook) -> None:
        self._sources = sources
        self._book = book
        names = tuple(site.store.name for site in sources.sites)
        self._unlisted = Unlisted(sources.catalogue, names, sources.decisions, book.register)

    def trusted(self) -> bool:
        """Tell whether there is trusted time."""
        return isinstance(self._sources.timekeeper.look(), Credible)

    def now(self) -> datetime:
        """Return trusted time, or the wall clock while there is none."""
        return self._sources.timekeeper.now_or_wall()

    def surveys(self, now: datetime) -> list[Survey]:
        """Look over every store."""
        surveyor = self._sources.surveyor
        return [surveyor.survey(site.store.name, site.store.examine(), self._book, now) for site in self._sources.sites]

    def incomplete(self) -> tuple[Incomplete, ...]:
        """Return the stores of which the catalogue may not know all."""
        found = []
        for site in self._sources.sites:
            condition = site.store.examine()
            last_scan = self._sources.catalogue.scan_state(site.store.name).last_complete
            if last_scan is None or isinstance(condition, Absent | Foreign):
                found.append(Incomplete(site.store.name, condition_name(condition), last_scan))
        return tuple(found)

    def outlook(self, at: datetime | None = None) -> list[Outlook]:
        """Say what is due in every store now, or `at` another instant, and what falls due next."""
        now, forecaster = self.now(), self._sources.forecaster
        return [
            forecaster.outlook(site.store.name, site.store.examine(), self._book, now, at=at)
            for site in self._sources.sites
        ]

    def check(self) -> tuple[Finding, ...]:
        """Return the findings about rooms, recorders and stores, as of now. Asks every source of devices."""
        told = tuple((source, source.read()) for source in self._sources.devices)
        now = self.now()
        surveys = self.surveys(now)
        recorders = [(site.store.name, site.recorder) for site in self._sources.sites]
        on_disk = [status for survey in surveys for status in survey.streams]
        rooms = check_rooms(self._book.register, recorders, on_disk, now, told)
        drift = check_recorders(
            recorders, {(item.stream.store, item.stream.camera) for item in on_disk}, self._book, now
        )
        sampler = self._sources.sampler
        sound = () if sampler is None else sampler.findings(self._book.register)
        obstacle = self._obstacle()
        stores = [item for survey in surveys for item in store_findings(survey, obstacle=obstacle)]
        catalogue = self._sources.catalogue
        copies = [item for site in self._sources.sites for item in find_copies(site.store, catalogue)]
        incidents = self._unlisted.findings(now)
        found = (*rooms.findings, *drift, *sound, *stores, *copies, *incidents, *self._sources.declared)
        return tuple({item.key: item for item in found}.values())

    def is_noted(self, item: Finding) -> bool:
        """Tell whether a person knows of a finding that `check` returned: what is on the record rests on the same."""
        decisions = self._sources.decisions
        recorded = decisions.findings.get(item.key)
        return recorded is not None and recorded.facts == item.facts and decisions.is_acknowledged(item.key, self.now())

    def _obstacle(self) -> str | None:
        if not self._sources.enforcing:
            return "the daemon observes only"
        return None if self.trusted() else "the clock is not credible"

    def find(self, camera: str, since: datetime, until: datetime) -> Iterator[Found]:
        """Yield the recordings of a camera that start in `since <= start < until`: existing, then deleted.

        `camera` is the name in a recorder, or the name or id of a registered device.
        """
        return self.recordings(self._names(camera), since, until)

    def recordings(self, names: frozenset[str] | None, since: datetime, until: datetime) -> Iterator[Found]:
        """Yield the recordings of cameras with these names in recorders, of all for None: existing, then deleted.

        Not the footage of incidents, which `unlisted` counts.
        """
        for site in self._sources.sites:
            yield from self._existing(site.store.name, names, since, until)
        yield from self._deleted(names, since, until)

    def observed_of(self, camera: str) -> list[Seen]:
        """Return what recorders have of a camera that only they may delete. Asks the recorders that have such."""
        names, now = self._names(camera), self.now()
        found: list[Seen] = []
        for site in self._sources.sites:
            if site.recorder.kind in _OBSERVED:
                with suppress(StorageError):  # `check` says why it cannot be read
                    site.recorder.devices()
            remedies = {item.camera: item.remedy for item in site.recorder.observed}
            found += [
                Seen(site.recorder.kind, status, remedies[status.stream.camera])
                for status in observed_status(site.store.name, site.recorder, self._book, now)
                if status.stream.camera in names
            ]
        return found

    def records(self) -> Iterator[Record]:
        """Yield everything that is on the record, in order."""
        return self._sources.records()

    def holds(self, now: datetime) -> list[Held]:
        """Return the suspensions that are in force at `now`, in the order in which they were placed."""
        return [
            Held(item, self._covered(item, now)) for item in in_force(self._sources.decisions.suspensions.values(), now)
        ]

    def incidents(self) -> list[Suspected]:
        """Return the incidents that are not closed, in the order in which they were found."""
        return self._unlisted.incidents()

    def unlisted(self, names: frozenset[str] | None, since: datetime, until: datetime) -> int:
        """Count what `recordings` leaves out of its answer, because no one may see it before it is decided about."""
        return self._unlisted.count(names, Validity(since, until))

    def unlisted_of(self, camera: str, since: datetime, until: datetime) -> int:
        """Count what `find` leaves out of its answer."""
        return self.unlisted(self._names(camera), since, until)

    def earlier(self, room: str) -> Iterator[Found]:
        """Yield what is on the disk of a prohibited room, by its id or name, from before it was prohibited.

        Raises:
            UsageError: there is no such room, or it is not prohibited, or always was.
        """
        ident = self._book.register.need_room(room).ident
        since = [item for item in prohibited_since(self._book.register, self.now()) if item[0] == ident]
        if not since:
            raise UsageError(
                f"room {room!r} is not prohibited by the register, or always was; see: retentiond register show"
            )
        for _, _, reach in before_prohibition(self._book.register, since):
            for site in self._sources.sites:
                yield from self._existing(site.store.name, None, BEGINNING + _TICK, self.now() + MAX_RECORDING, reach)

    def _covered(self, item: Suspension, now: datetime) -> int:
        catalogue = self._sources.catalogue
        spans = [
            Span(stream, BEGINNING, now + MAX_RECORDING, _ALL)
            for site in self._sources.sites
            for stream, _ in catalogue.streams(site.store.name)
        ]
        return catalogue.count(within(spans, item.reach))

    def _names(self, camera: str) -> frozenset[str]:
        known = {
            name
            for device in self._book.register.devices
            if camera in (device.name, device.ident)
            for name in (known.name for known in device.known_as)
        }
        return frozenset({camera, *known})

    def _existing(
        self,
        store: StoreName,
        names: frozenset[str] | None,
        since: datetime,
        until: datetime,
        reach: Sequence[Reach] | None = None,
    ) -> Iterator[Found]:
        suspensions = in_force(self._sources.decisions.suspensions.values(), self.now())
        for stream, _ in self._sources.catalogue.streams(store):
            if names is not None and stream.camera not in names:
                continue
            coverage = self._book.coverage(stream)
            first = BEGINNING + _TICK
            whole = (Span(stream, max(since, first) - _TICK, max(until, first) - _TICK, _ALL),)
            spans = without(whole if reach is None else within(whole, reach), self._unlisted.reach)
            for row in self._sources.catalogue.find(spans):
                start = row.recording.start
                rule = coverage.rule_for(start)
                deadline = None if rule is None else start + rule.deletion_period
                holds = tuple(
                    item.ident for item in suspensions if any(part.covers(row.recording) for part in item.reach)
                )
                yield Found(
                    *(stream.store, stream.camera, stream.category.value, start, str(row.recording.place)),
                    deadline=deadline,
                    deleted_at=None,
                    seq=None,
                    holds=holds,
                )

    def _deleted(self, names: frozenset[str] | None, since: datetime, until: datetime) -> Iterator[Found]:
        for record in self._sources.records():
            if record.type != EventType.RECORDING_DELETED:
                continue
            rec = record.fields["rec"]
            if names is not None and rec["camera"] not in names:
                continue
            start = instants.from_text(rec["start"])
            if since <= start < until:
                yield Found(
                    StoreName(record.fields["store"]),
                    CameraName(rec["camera"]),
                    rec["category"],
                    start,
                    rec["path"],
                    instants.from_text(record.fields["deadline"]),
                    record.at,
                    record.seq,
                )
