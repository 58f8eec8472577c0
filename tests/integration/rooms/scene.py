"""A scene: a register, what recorders are set to, what lies on the disk, and what the check finds at some instant.

Scenes are data (`tests/scenes/*.yml`). They are played with the real reader of the register, real recorders over
configurations of theirs, and real files in a store that is really scanned; only the clock is set by the scene.

    - scene: what is the matter, in a sentence
      case: the decision of an authority that it stands for, where there is one
      register: register.yml, as text
      period: 30d                                       # the deletion period; ten years if left out
      stores:
        main: {recorder: motion, cameras: {reception: silent, lobby: sound}}
      files:
        main: {reception: ["2026-03-01 02:00"]}         # local time of the store's zone, Europe/Tallinn; a file that is
                                                        # called "… with sound" or "… silent" is a real film
      sources:                                          # what others than recorders say of devices: of each, by its
        cams: {kind: onvif, devices: {192.0.2.1: {address: 192.0.2.1, sound: sub, place: Hall}}}    # name there, these
      find:
        2026-03-31: [unregistered_device main / lobby]  # an instant as the register writes them: what is found then
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from retentiond.audit.spool import Spool
from retentiond.catalogue.open import open_in_memory
from retentiond.domain.clock import ClockAnchor
from retentiond.domain.decisions import Decisions
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.ports import Catalogue, Recorder, SourceReading
from retentiond.probe.memory import SampleFile
from retentiond.probe.process import WorkerProbe
from retentiond.recorders.registry import build_recorder
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.outlook import Forecaster
from retentiond.services.plan import Planner
from retentiond.services.rulebook import RuleBook
from retentiond.services.sample import Sampler
from retentiond.services.scan import StoreScan, walk_whole
from retentiond.services.survey import Surveyor
from retentiond.services.view import Site, Sources, View
from retentiond.services.weigh import Weigher
from retentiond.settings.parse_register import parse_register
from retentiond.settings.scalars import parse_when
from retentiond.storage.store import DirectoryStore
from tests.fakes.clock import FakeClock, FakeClockMemory
from tests.fakes.observer import RememberingObserver
from tests.fakes.trail import MemoryTrail

SCENES = Path(__file__).parents[2] / "scenes"
ZONE = "Europe/Tallinn"
LAYOUT = "{camera}/%Y-%m-%d/%H-%M-%S.mp4"
FILMS = ("with sound", "silent")
BESIDE_THE_POINT = frozenset({FindingKind.STORE_UNADOPTED})
"""Found in every scene, since no store of one is adopted."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene as it is written; `file` and `title` tell which."""

    file: str
    title: str
    text: Mapping[str, Any]

    @property
    def has_films(self) -> bool:
        """Whether there are real films in it."""
        return any(word in repr(self.text.get("files")) for word in FILMS)

    @property
    def looks(self) -> Iterator[tuple[datetime, set[str]]]:
        """The instants at which it is looked at, and what is found then."""
        for when, found in self.text["find"].items():
            yield parse_when(when, ZoneInfo(ZONE)), set(found or ())


def read_scenes() -> list[Scene]:
    """Return all scenes. Every scalar is text: a date is what the scene says, not what YAML makes of it."""
    return [
        Scene(path.name, text["scene"], text)
        for path in sorted(SCENES.glob("*.yml"))
        for text in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    ]


def play(scene: Scene, root: Path, now: datetime, films: Mapping[str, Path]) -> set[str]:
    """Return what is found in a scene at `now`: kind and subject of each finding. `films` are silent and with sound."""
    with ExitStack() as stack:
        catalogue = stack.enter_context(open_in_memory())
        sites = [_site(root, name, told, scene, now, films) for name, told in scene.text.get("stores", {}).items()]
        book = _book(scene)
        observer, memory = RememberingObserver(), FakeClockMemory()
        clock = FakeClock(now)
        memory.anchor = ClockAnchor(now, clock.since_boot, clock.boot_id)
        for site in sites:
            if site.recorder.ready:
                walk_whole(StoreScan(site.store, site.recorder, catalogue, observer), site.store, book, now)
        journal = Journal(MemoryTrail(), _NoCache(), Decisions(), Spool(os.devnull, (), lambda: now))
        planner = Planner(catalogue, journal, dispute_grace=timedelta(hours=24), winding_down=frozenset())
        sampler = _sampled(scene, root, sites, catalogue, book, now)
        sources = Sources(
            tuple(sites),
            catalogue,
            Timekeeper(clock, memory, memory.load()),
            Surveyor(catalogue, journal),
            Forecaster(
                catalogue,
                journal,
                planner,
                Weigher(planner, catalogue, journal, pause=lambda: None),
                clock_proven=True,
            ),
            lambda: iter(()),
            journal.decisions,
            enforcing=True,
            sampler=sampler,
            devices=tuple(_Told(StoreName(name), told) for name, told in scene.text.get("sources", {}).items()),
        )
        return {_told(item) for item in View(sources, book).check() if item.key.kind not in BESIDE_THE_POINT}


def _sampled(  # noqa: PLR0917
    scene: Scene, root: Path, sites: list[Site], catalogue: Catalogue, book: RuleBook, now: datetime
) -> Sampler | None:
    """Look into the films of a scene, as the daemon does; None where it has none."""
    if not scene.has_films:
        return None
    probe = WorkerProbe({site.store.name: str(root / site.store.name) for site in sites})
    sampler = Sampler(catalogue, probe, SampleFile(str(root / "samples.json"), writes=True))
    wanted = sampler.wanted([(site.store.name, site.recorder) for site in sites], book.register, now)
    sampler.take(sampler.look(wanted), now)
    return sampler


def _told(item: Finding) -> str:
    assert item.message
    assert item.remedy
    return f"{item.key.kind} {item.key.subject}"


@dataclass(frozen=True, slots=True)
class _Told:
    """`DeviceSource` that says what the scene has written; with `all: true` it lists everything there is."""

    name: StoreName
    told: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.told["kind"])

    def read(self) -> SourceReading:
        seen = tuple(
            SeenDevice(
                self.name,
                CameraName(name),
                "the device itself",
                bool(about.get("sound")),
                about.get("sound", ""),
                address=about.get("address", ""),
                place=about.get("place", ""),
                noun="device",
                where="source",
            )
            for name, about in self.told["devices"].items()
        )
        return SourceReading(seen, complete=self.told.get("all") == "true")


class _NoCache:
    """`DecisionCache` of nothing."""

    def load(self, trail: object) -> Decisions:
        return Decisions()

    def save(self, decisions: Decisions) -> None:
        pass


def _book(scene: Scene) -> RuleBook:
    register = parse_register(scene.text.get("register", "rooms: []\n").encode(), "register.yml")
    rule = DeletionRule("rule-1", frozenset(Category), parse_deletion_period(scene.text.get("period", "3650d")))
    return RuleBook(Policy((rule,), timedelta(seconds=60)), "policy", register, "register")


# --- stores and recorders -----------------------------------------------------------------------------------------


def _site(  # noqa: PLR0917
    root: Path, name: str, told: Mapping[str, Any], scene: Scene, now: datetime, films: Mapping[str, Path]
) -> Site:
    path = root / name
    path.mkdir(exist_ok=True)
    config = _configure(told, path)
    kind = told["recorder"]
    recorder: Recorder = build_recorder(
        kind,
        store=StoreName(name),
        store_path=str(path),
        timezone=ZONE,
        layouts=(LAYOUT,) if kind == "template" else (),
        recorder_config=config,
    )
    for camera, starts in scene.text.get("files", {}).get(name, {}).items():
        for start in starts:
            begun = datetime.fromisoformat(start[:16]).replace(tzinfo=ZoneInfo(ZONE))
            if begun < now:
                _record(path / _named(kind, camera, begun), films.get(start[16:].strip()))
    return Site(DirectoryStore(StoreName(name), str(path), expected=lambda: None), recorder)


def _record(path: Path, film: Path | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" if film is None else film.read_bytes())


def _named(kind: str, camera: str, start: datetime) -> str:
    """Return how a recorder names what begins at `start`, in the store's zone."""
    if kind == "frigate":
        utc = start.astimezone(UTC)
        return f"recordings/{utc:%Y-%m-%d/%H}/{camera}/{utc:%M.%S}.mp4"
    return f"{camera}/{start:%Y-%m-%d/%H-%M-%S}.mp4"


def _configure(told: Mapping[str, Any], path: Path) -> str | None:
    """Write the configuration of a recorder beside its store, and return where; None where it has none."""
    if "cameras" not in told:
        return None
    config = path.with_suffix(".d")
    config.mkdir(exist_ok=True)
    if told["cameras"] == "broken":
        return os.path.join(config, "is-not-there.conf")
    write = {"motion": _motion, "frigate": _frigate}[told["recorder"]]
    return str(write(config, path, told))


def _motion(config: Path, path: Path, told: Mapping[str, Any]) -> Path:
    """Motion records sound where it passes the camera's stream through."""
    lines = [f"target_dir {path}", "movie_filename %$/%Y-%m-%d/%H-%M-%S", "picture_output off"]
    for number, (name, sound) in enumerate(told["cameras"].items(), 1):
        passthrough = "on" if sound == "sound" else "off"
        (config / f"{number}.conf").write_text(f"camera_name {name}\nmovie_passthrough {passthrough}\n")
        lines.append(f"camera {config}/{number}.conf")
    (config / "motion.conf").write_text("\n".join([*lines, ""]))
    return config / "motion.conf"


def _frigate(config: Path, path: Path, told: Mapping[str, Any]) -> Path:
    """Frigate records sound unless its preset says otherwise, and deletes by itself after `keeps` days."""
    keeps = told.get("keeps", "3650")
    kept = f"{{retain: {{days: {keeps}}}}}"
    lines = [
        f"record: {{enabled: true, continuous: {{days: {keeps}}}, alerts: {kept}, detections: {kept}}}",
        "snapshots: {retain: {default: 3650}}",
        "cameras:",
    ]
    for name, sound in told["cameras"].items():
        preset = "preset-record-generic-audio-aac" if sound == "sound" else "preset-record-generic"
        lines.append(f"  {name}: {{ffmpeg: {{output_args: {{record: {preset}}}}}}}")
    (config / "config.yml").write_text("\n".join([*lines, ""]))
    return config / "config.yml"
