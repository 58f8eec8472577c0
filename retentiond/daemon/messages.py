"""What other threads, timers and signals put before the loop. A message says what happened; the loop does the rest."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from retentiond.domain.recording import StoreName
from retentiond.ports import AnchorStatus, Told, WalkStep
from retentiond.services.keep_store import StoreKeeper
from retentiond.services.sample import Answer


@dataclass(frozen=True, slots=True)
class Hint:
    """The watcher saw something in a directory."""

    store: StoreName
    directory: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """A walk has listed a directory."""

    keeper: StoreKeeper
    step: WalkStep


@dataclass(frozen=True, slots=True)
class WalkEnded:
    """A walk has come to its end, or broke off and proves nothing (`whole` is false), perhaps by a defect of ours."""

    keeper: StoreKeeper
    whole: bool
    began: float
    defect: bool = False


@dataclass(frozen=True, slots=True)
class PruningPlanned:
    """It is known how many records of the trail are older than they have to be kept, or `trouble` says why not."""

    records: int
    began: float
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SamplesTaken:
    """Recordings were looked into."""

    answers: Sequence[Answer]
    began: float


@dataclass(frozen=True, slots=True)
class Request:
    """A person asks for something and waits."""

    fields: Mapping[str, Any]
    actor: str
    reply: "Future[dict[str, Any]]"


@dataclass(frozen=True, slots=True)
class Urgent:
    """A request waits that is not left to wait for the end of a run."""


@dataclass(frozen=True, slots=True)
class Task:
    """A timer ticked: `scan`, `report`, `look`, `probe` or `prune`."""

    name: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """Those who keep heads elsewhere have something to tell."""

    status: AnchorStatus


@dataclass(frozen=True, slots=True)
class Asked:
    """Sources besides the recorders have said what they know of devices."""

    told: Told


@dataclass(frozen=True, slots=True)
class Reload:
    """SIGHUP: read the configuration again."""


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGTERM or SIGINT: finish what is begun and end."""


News: TypeAlias = Task | Anchored | SamplesTaken | Asked | Reload
Message: TypeAlias = Hint | Step | WalkEnded | PruningPlanned | Request | Urgent | News | Stop
