"""What every use case of the daemon works with."""

from dataclasses import dataclass

from retentiond.ports import AuditTrail, Catalogue, Observer, Pruner, SpareRoom
from retentiond.services.delete import Deleter
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.plan import Planner
from retentiond.services.sample import Sampler
from retentiond.services.survey import Surveyor
from retentiond.services.weigh import Weigher


@dataclass(frozen=True, slots=True)
class Parts:
    """What every store's keeper works with."""

    trail: AuditTrail
    journal: Journal
    catalogue: Catalogue
    timekeeper: Timekeeper
    observer: Observer
    planner: Planner
    weigher: Weigher
    deleter: Deleter
    surveyor: Surveyor
    spare: SpareRoom
    pruner: Pruner
    sampler: Sampler
