"""The recorder `moonfire`: looked at, and never touched.

Moonfire's files hold samples that only its database can put together, and it has no way to be told that one is gone:
to remove a file damages its books. So nothing here is ever a recording that could be deleted. What its database says
is held against the rules, and what is overdue is a finding with the setting that makes Moonfire delete it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from retentiond.domain.drift import OwnRetention
from retentiond.domain.observed import Observed
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Recording
from retentiond.recorders.classifier import Classifier, KeptNames
from retentiond.recorders.configured import ConfiguredRecorder, Setup, Told
from retentiond.recorders.moonfire_db import MoonfireStream, database_in, read_streams
from retentiond.recorders.pattern import Chars, Item, parse_pattern

_WORDS: dict[str, Item] = {"sample": Chars(b"0-9a-f", 16, 16)}
_KEPT = (
    ("{sample}", "footage that only Moonfire itself may delete; it is held against the rules by Moonfire's database"),
    ("meta", "Moonfire's mark of the directory"),
)
_REMEDY = (
    "lower retain_bytes of its stream {kind} in Moonfire (moonfire-nvr config), which then deletes the oldest when it "
    "next records; of a camera that no longer records nothing goes by itself: set retain_bytes to 0"
)
_LONGEST = timedelta(days=36_500)


class MoonfireSource:
    """`Source` by Moonfire's database."""

    def __init__(self, setup: Setup, config: str) -> None:
        self._setup = setup
        self._config = config

    def read(self, former: Classifier | None) -> Told:  # noqa: ARG002  its names do not change
        streams = read_streams(database_in(self._config), self._setup.path)
        cameras = dict.fromkeys(stream.camera for stream in streams)
        silent = "Moonfire's database"
        return Told(
            classifier=moonfire_classifier(),
            devices=tuple(SeenDevice(self._setup.store, name, silent, records_audio=False) for name in cameras),
            retentions=tuple(_kept(stream) for stream in streams if stream.retain_bytes != 0),
            observed=tuple(_observed(streams)),
        )

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:  # noqa: ARG002  it has no locks
        return {}


def build_moonfire(setup: Setup) -> ConfiguredRecorder:
    """Build the recorder. Reads nothing yet.

    Raises:
        ValueError: there is no configuration.
    """
    if setup.config is None:
        raise ValueError("recorder 'moonfire' needs `recorder_config`, such as /var/lib/moonfire-nvr/db")
    return ConfiguredRecorder("moonfire", MoonfireSource(setup, setup.config), moonfire_classifier())


def moonfire_classifier() -> Classifier:
    """Return what Moonfire's names mean: nothing that may be deleted."""
    return Classifier((), kept=tuple(KeptNames(parse_pattern(text, _WORDS), why) for text, why in _KEPT))


def _kept(stream: MoonfireStream) -> OwnRetention:
    """Return how long a stream is kept at the rate of its last day; Moonfire itself counts bytes only."""
    days = None
    if stream.retain_bytes is not None and stream.day_bytes > 0:
        days = timedelta(days=min(stream.retain_bytes / stream.day_bytes, _LONGEST.days))
    setting = f"retain_bytes of stream {stream.kind} of {stream.camera}"
    return OwnRetention(stream.camera, Category.VIDEO, days, setting, _change(stream), deleted_by_us=False)


def _observed(streams: Sequence[MoonfireStream]) -> Iterator[Observed]:
    """Yield each camera with what it has in all of its streams; the remedy is for the one with the oldest."""
    by_camera: dict[CameraName, list[tuple[datetime, MoonfireStream]]] = {}
    for stream in streams:
        if stream.oldest is not None:
            by_camera.setdefault(stream.camera, []).append((stream.oldest, stream))
    for camera, having in by_camera.items():
        oldest, first = min(having, key=lambda item: item[0])
        yield Observed(
            camera,
            Category.VIDEO,
            oldest,
            _REMEDY.format(kind=first.kind),
            newest=max((stream.newest for _, stream in having if stream.newest is not None), default=None),
            recordings=sum(stream.recordings for _, stream in having),
            starts=tuple(sorted(start for _, stream in having for start in stream.starts)),
        )


def _change(stream: MoonfireStream) -> str:
    return (
        f"set retain_bytes of stream {stream.kind} of {stream.camera} in Moonfire (moonfire-nvr config) to {{days}} "
        f"times what it records in a day, now {stream.day_bytes:,} bytes"
    )
