"""Beginning a trail anew where the old one is damaged below what was attested. What is damaged is never mended.

The whole directory is set aside as it is, under a name beside it, and is evidence from then on. The new trail has an
origin of its own, `<origin>/2` and so on, because a log that goes on from an older head contradicts itself. Its first
record, `audit.forked`, has the heads that were attested, what was found instead, and the digest of the state that it
takes over.

That is done without asking only where the whole state is known: from records that are good, or from the cache where it
covers the damage. Where records are lost, nobody knows what was decided in them, a hold for instance; then a person has
to restore the files, or to accept the loss.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, count

from retentiond.audit.cache import DecisionFile
from retentiond.audit.head import Attested, read_head, read_origin
from retentiond.audit.kept import kept_decisions, kept_segments, line_at, read_base, write_fork
from retentiond.audit.line import FIRST_PREV, parse_line, record_of
from retentiond.audit.segment import list_segments, whole_lines
from retentiond.audit.state import digest_of, state_to_fields
from retentiond.audit.trail import Trail, TrailSettings, lock_trail, open_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, RetentiondError, StorageError
from retentiond.domain.event import Event, EventType
from retentiond.durable import sync_directory
from retentiond.tlog.key import Signer
from retentiond.tlog.tree import leaf_hash


@contextmanager
def open_or_fork(settings: TrailSettings, cache_path: str, *, accept_loss: bool = False) -> Iterator[Trail]:
    """Open the trail for writing; one that is damaged is set aside, and another is begun that says so.

    Args:
        settings: as for `open_trail`; its origin is that of the very first trail.
        cache_path: where `DecisionFile` keeps the fold.
        accept_loss: begin anew also where records are lost, and with them what was decided in them.

    Raises:
        AuditDamagedError: the trail is damaged, and records are lost.
        RetentiondError: as `open_trail`.
    """
    start = _Start(settings, cache_path, accept_loss)
    with ExitStack() as stack:
        now = as_named_now(settings)
        if _is_unfinished(settings.directory):
            now = start.take_over(kept_evidence(settings.directory)[-1], "")
        try:
            trail = stack.enter_context(open_trail(now))
        except AuditDamagedError as error:
            trail = stack.enter_context(open_trail(start.set_aside(now, error)))
        yield trail


def as_named_now(settings: TrailSettings) -> TrailSettings:
    """Return the settings of the very first trail as those of the one that is in its place by now."""
    return _renamed(settings, origin_now(settings.directory, settings.origin))


def origin_now(directory: str, origin: str) -> str:
    """Return the name that the trail in `directory` has by now, whose first was `origin`. Raises StorageError."""
    known = read_origin(directory)
    return known if known is not None and known.removeprefix(f"{origin}/").isdecimal() else origin


def kept_evidence(directory: str) -> list[str]:
    """Return the damaged trails that were set aside, the oldest first, as long as nobody has moved them away.

    Raises:
        StorageError: it cannot be looked for them.
    """
    parent, own = os.path.split(os.path.abspath(directory))
    pattern = re.compile(re.escape(own) + r"\.forked-([0-9]+)", re.ASCII)
    try:
        found = [(int(match[1]), name) for name in os.listdir(parent) if (match := pattern.fullmatch(name))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{parent}: cannot be read ({error.strerror})") from error
    return [path for _, name in sorted(found) if os.path.isdir(path := os.path.join(parent, name))]


@dataclass(frozen=True, slots=True)
class _Salvaged:
    """What can be read of a damaged trail: the state, how many records it covers, and how many are not in it."""

    decisions: Decisions
    read: int
    lost: int


@dataclass(frozen=True, slots=True)
class _Start:
    """What a start was asked to do; the origin in `settings` is that of the very first trail."""

    settings: TrailSettings
    cache_path: str
    accept_loss: bool

    def set_aside(self, now: TrailSettings, error: AuditDamagedError) -> TrailSettings:
        """Rename the damaged directory as a whole, and return what the new trail is opened with."""
        directory = now.directory
        lock = lock_trail(directory, os.path.join(directory, "log"))
        try:
            self._salvage(directory, str(error))
            places = (f"{os.path.abspath(directory)}.forked-{number}" for number in count(1))
            evidence = next(path for path in places if not os.path.lexists(path))
            os.rename(directory, evidence)  # noqa: TID251  the trail's own directory, and never a recording
            sync_directory(os.path.dirname(evidence))
        except OSError as failure:
            raise StorageError(f"{directory}: cannot be set aside ({failure.strerror}); {error}") from failure
        finally:
            os.close(lock)
        return self.take_over(evidence, str(error))

    def take_over(self, evidence: str, why: str) -> TrailSettings:
        """Keep the state of the trail in `evidence` for the new one, and return what that is opened with.

        Until the new trail has its first record, this is done again at each start.
        """
        first, directory = self.settings.origin, self.settings.directory
        former = read_origin(evidence) or first
        number = former.removeprefix(f"{first}/")
        origin = f"{first}/{int(number) + 1 if number.isdecimal() else 2}"
        salvaged = self._salvage(evidence, why or f"{evidence}: was set aside because it is damaged")
        state = {**state_to_fields(salvaged.decisions), "seq": 0}
        os.close(lock_trail(directory, os.path.join(directory, "log")))  # makes the directories
        write_fork(directory, state)
        fields = {
            "former": {"origin": former, "directory": os.path.basename(evidence)},
            "heads": [
                {"by": known.name, "size": known.size, "root": known.root.hex()}
                for known in _heads(evidence, self.settings.attested)
            ],
            "read": salvaged.read,
            "lost": salvaged.lost,
            "why": why,
            "state": digest_of(state),
        }
        before = (Event(EventType.AUDIT_FORKED, fields), *self.settings.before_opening)
        return replace(_renamed(self.settings, origin), before_opening=before, attested=())

    def _salvage(self, directory: str, why: str) -> _Salvaged:
        salvaged = _salvage(directory, self.cache_path, self.settings.attested)
        if salvaged.lost and not self.accept_loss:
            raise AuditDamagedError(
                f"{why}. Of {salvaged.lost} records nobody can tell what they decided, so no new trail is begun "
                "without a person: restore the files, or accept the loss"
            )
        return salvaged


def _renamed(settings: TrailSettings, origin: str) -> TrailSettings:
    signers = (settings.signer, settings.next_signer)
    current, upcoming = (None if key is None else Signer(origin, key.private_key) for key in signers)
    return replace(settings, origin=origin, signer=current, next_signer=upcoming)


def _is_unfinished(directory: str) -> bool:
    """Tell whether a trail was set aside and the new one has no record yet."""
    log = os.path.join(directory, "log")
    if not kept_evidence(directory) or line_at(log, 0) is not None:
        return False
    with suppress(AuditDamagedError):
        head = read_head(directory)
        return not read_base(directory).first and (head is None or head.size == 0)
    return False


def _salvage(directory: str, cache_path: str, attested: tuple[Attested, ...]) -> _Salvaged:
    """Read the state from the cache, where a record that is there vouches for it, and from all records after it."""
    log = os.path.join(directory, "log")
    decisions, prev, good = DecisionFile(cache_path, log).read(), FIRST_PREV, True
    try:
        base = read_base(directory)
        prev = base.prev
        decisions = decisions or kept_decisions(log)
    except RetentiondError:
        good = decisions is not None
    decisions = decisions or Decisions()
    extent = max((known.size for known in _heads(directory, attested)), default=0)
    with suppress(RetentiondError):
        for seq, line in _numbered(log):
            extent = max(extent, seq + 1)
            if seq == decisions.seq and good:
                good = _fold(decisions, line, prev)
            prev = leaf_hash(line).hex()
    return _Salvaged(decisions, decisions.seq, max(extent - decisions.seq, 0))


def _numbered(log: str) -> Iterator[tuple[int, bytes]]:
    """Yield every line with the number that it should have; a segment that cannot be read ends it."""
    segments = list_segments(log)
    with suppress(RetentiondError):
        segments = kept_segments(log)
    return chain.from_iterable(enumerate(whole_lines(segment.path), segment.first) for segment in segments)


def _fold(decisions: Decisions, line: bytes, prev: str | None) -> bool:
    """Fold a line in if it is the next record; tell whether it was."""
    try:
        fields = parse_line(line)
    except AuditDamagedError:
        return False
    if fields["seq"] != decisions.seq or fields["prev"] != prev:
        return False
    decisions.apply(record_of(fields))
    return True


def _heads(directory: str, attested: tuple[Attested, ...]) -> list[Attested]:
    heads = list(attested)
    with suppress(RetentiondError):
        head = read_head(directory)
        if head is not None:
            heads.append(Attested("the head on disk", head.size, head.root))
    return heads
