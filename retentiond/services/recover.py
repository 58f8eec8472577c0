"""Settles every intent that a crash left without an outcome, before anything else is done (I4)."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta

from retentiond.domain import instants, names
from retentiond.domain.decisions import OpenIntent
from retentiond.domain.errors import StorageError
from retentiond.domain.event import EventType, Record
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream
from retentiond.domain.rule import DeletionRule
from retentiond.domain.run import DueRecording
from retentiond.ports import AuditTrail, Catalogue, Present, Removed, Store
from retentiond.services.delete import after, blaming_the_store, outcome_event
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper


def recover_store(store: Store, journal: Journal, catalogue: Catalogue, timekeeper: Timekeeper) -> tuple[Finding, ...]:
    """Finish or undo what was begun in `store`, one outcome for each open intent; say what stays unexplained.

    A store that is not there keeps its open intents until it is back.
    """
    if not isinstance(store.examine(), Present):
        return ()
    with suppress(StorageError):
        journal.give_back()
    open_intents = journal.decisions.open_intents_of(store.name)
    with ExitStack() as held:
        with blaming_the_store():
            claims = held.enter_context(store.chunk())
        for intent in open_intents:
            with blaming_the_store():
                removal = claims.recover(intent)
            event = outcome_event(intent.seq, intent.claim, _due(intent), removal, now=timekeeper.wall())
            records = journal.write_or_note([event])
            gone = [intent.recording] if isinstance(removal, Removed) else []
            catalogue.forget(gone, trail_seq=after(records))
        with blaming_the_store():
            strangers = claims.unexplained(())
    return _unexplained(store.name, strangers)


def catch_up(trail: AuditTrail, catalogue: Catalogue) -> None:
    """Drop the rows of recordings whose deletion is on the record but, after a crash, not yet in the catalogue.

    Otherwise they would be met as recordings that somebody else removed.
    """
    begin = catalogue.trail_position()
    gone = [deleted_recording(item) for item in trail.records(begin) if item.type == EventType.RECORDING_DELETED]
    catalogue.forget(gone, trail_seq=trail.head().size)


def deleted_recording(record: Record) -> Recording:
    """Return the recording that a `recording.deleted` record names."""
    rec = record.fields["rec"]
    stream = Stream(StoreName(record.fields["store"]), CameraName(rec["camera"]), Category(rec["category"]))
    directory, _, name = names.from_readable(rec["path"]).rpartition(b"/")
    return Recording(stream, Place(directory, name), instants.from_text(rec["start"]))


def _due(intent: OpenIntent) -> DueRecording:
    """Give back the rule under which the recording was due: its period is deadline less start."""
    period: timedelta = intent.deadline - intent.recording.start
    return DueRecording(intent.recording, DeletionRule(intent.rule, frozenset(), period))


def _unexplained(store: StoreName, strangers: Sequence[str]) -> tuple[Finding, ...]:
    if not strangers:
        return ()
    return (
        finding(
            FindingKind.CLAIM_UNEXPLAINED,
            store,
            f"the claim directory of store {store!r} holds {len(strangers)} files that no intent names",
            "look at .retentiond/claimed in the store and move them back by hand; retentiond leaves them alone",
        ),
    )
