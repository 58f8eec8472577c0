"""Whatever a trail goes through, in whatever order: what is left can be proved, and what was proved stays proved."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.audit.cache import DecisionFile
from retentiond.audit.kept import line_at, read_base
from retentiond.audit.leaves import read_tree
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.rotation import OVERLAP, trusted_keys
from retentiond.audit.verify import Verified, verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.event import EventType, finding_closed, finding_opened, intents, not_deleted
from retentiond.domain.finding import FindingKind
from retentiond.tlog.certificate import Certificate, TrustedLog, format_certificate, parse_certificate
from retentiond.tlog.certificate import verify_certificate as verify
from retentiond.tlog.key import Signer, format_vkey, parse_vkey
from retentiond.tlog.note import parse_note
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.tree import TreeHead, leaf_hash
from tests.builders import STORE, a_finding, a_recording, an_event, an_intended
from tests.integration.audit.disk_trail import ORIGIN, DiskTrail, beats, leaf, root_by_definition

KINDS = list(FindingKind)[:5]


@dataclass
class Life:
    """A trail, and what an outsider has kept of it."""

    disk: DiskTrail
    lines: list[bytes] = field(default_factory=list)
    certificates: list[tuple[bytes, bytes]] = field(default_factory=list)
    heads: list[TreeHead] = field(default_factory=list)
    pinned: list[str] = field(default_factory=list)
    decisions: Decisions = field(default_factory=Decisions)
    upcoming: Signer | None = None
    keys: int = 1

    def __post_init__(self) -> None:
        self.disk.signer = self.key()
        self.pinned.append(format_vkey(self.disk.signer.key))
        self.start()

    def key(self) -> Signer:
        self.keys += 1
        return Signer.from_seed(ORIGIN, self.keys.to_bytes(32, "big"))

    # --- what happens to it -----------------------------------------------------------------------------------

    def start(self, *, work: Callable[[], None] = lambda: None) -> None:
        """Start, work and stop; an outsider keeps the head that was published."""
        with self.disk.open(next_signer=self.upcoming, segment_bytes=6000) as trail:
            self.trail = trail
            work()
        first = read_base(str(self.disk.path)).first
        self.lines += self.disk.lines()[len(self.lines) - first :]
        self.decisions = self.replay(self.decisions)
        _, size, root = self.disk.checkpoint()
        self.heads.append(TreeHead(size, root))

    def replay(self, decisions: Decisions) -> Decisions:
        """Fold in what came since, with no help from what is kept."""
        decisions.apply_all(TrailOnDisk(str(self.disk.log)).records(decisions.seq))
        return decisions

    def write(self, count: int) -> None:
        def work() -> None:
            for _ in range(count):
                self.trail.append(beats(3))

        self.start(work=work)

    def decide(self, number: int) -> None:
        def work() -> None:
            kind = KINDS[number % len(KINDS)]
            self.trail.append([an_event(EventType.POLICY_LOADED, digest=f"p{number}")])
            self.trail.append([finding_opened(a_finding(kind)) if number % 3 else finding_closed(a_finding(kind).key)])
            claim = f"c-{number % 4}"
            if claim in self.decisions.intents:
                seq = self.decisions.intents[claim].seq
                self.trail.append([not_deleted(EventType.DELETION_VOID, seq, claim, a_recording(), "changed")])
            else:
                self.trail.append(intents(STORE, "run-1", [an_intended(claim)]))

        self.start(work=work)

    def wait(self, days: int) -> None:
        self.disk.now += timedelta(days=days)

    def rotate(self) -> None:
        """Begin a rotation, or end one whose overlap is over."""
        if self.upcoming is None:
            self.upcoming = self.key()
            self.start()
        else:
            self.disk.now += OVERLAP
            self.start(work=self.publish)
            self.disk.signer, self.upcoming = self.upcoming, None
            self.pinned.append(format_vkey(self.disk.signer.key))
            self.start()

    def publish(self) -> None:
        self.trail.publish()

    def certify(self, index: int) -> None:
        """Let an outsider take a certificate of a record away, under the head on disk."""
        base = read_base(str(self.disk.path))
        _, size, _ = self.disk.checkpoint()
        index = base.first + index % (size - base.first)
        subtrees, _ = read_tree(str(self.disk.path))
        line = line_at(str(self.disk.log), index)
        assert line == self.lines[index]
        certificate = Certificate(
            extra=line,
            index=index,
            hashes=inclusion_proof(subtrees, index, size),
            note=parse_note((self.disk.path / "checkpoint").read_bytes()),
        )
        self.certificates.append((line, format_certificate(certificate)))

    def prune(self, days: int) -> None:
        plan = plan_pruning(str(self.disk.path), self.disk.now - timedelta(days=days), self.decisions)
        open_before = {intent.seq for intent in self.decisions.intents.values()}
        if plan.segments:
            self.start(work=lambda: self.carry_out(days))
        assert all(seq >= read_base(str(self.disk.path)).first for seq in open_before)

    def carry_out(self, days: int) -> None:
        self.replay(self.decisions)
        plan = plan_pruning(str(self.disk.path), self.disk.now - timedelta(days=days), self.decisions)
        if plan.segments:
            self.trail.prune(plan, self.decisions)

    # --- what holds -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Check everything that an outsider may rely on."""
        path, base = str(self.disk.path), read_base(str(self.disk.path))
        leaves = [leaf(line) for line in self.lines]
        expected = Verified(len(leaves), root_by_definition(leaves), signed=True, torn_bytes=0, first=base.first)
        assert all(verify_trail(path, pinned=[vkey]) == expected for vkey in self.pinned)
        subtrees, head = read_tree(path)
        for index in range(base.first, head.size):
            verify_inclusion(leaves[index], index, head, inclusion_proof(subtrees, index, head.size))
        for known in self.heads:
            assert known.root == root_by_definition(leaves[: known.size])
            if known.size >= base.first:
                verify_consistency(known, head, consistency_proof(subtrees, known.size, head.size))
                assert verify_trail(path, external=(known.size, known.root)).size == head.size
        keys = tuple(trusted_keys(path, ORIGIN, self.pinned[:1]))
        assert {parse_vkey(vkey) for vkey in self.pinned} <= set(keys)
        for line, certificate in self.certificates:
            entry = verify(parse_certificate(certificate), TrustedLog(origin=ORIGIN, keys=keys))
            assert entry.entry == line
            assert leaf_hash(line) == leaves[entry.index]
        folded = DecisionFile(f"{path}/no cache", str(self.disk.log)).load(TrailOnDisk(str(self.disk.log)))
        assert folded == self.decisions


steps = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 12)),
    st.tuples(st.just("decide"), st.integers(0, 30)),
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("prune"), st.integers(0, 20)),
    st.tuples(st.just("certify"), st.integers(0, 1000)),
    st.tuples(st.just("rotate"), st.just(0)),
)


@settings(max_examples=40)
@given(st.lists(steps, min_size=8, max_size=20))
def test_all_that_is_left_can_be_proved_and_all_that_was_certified_is_still_good(story: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        life = Life(DiskTrail(Path(directory) / "audit"))
        for step, number in story:
            match step:
                case "write":
                    life.write(number)
                case "decide":
                    life.decide(number)
                case "wait":
                    life.wait(number)
                case "prune":
                    life.prune(number)
                case "certify":
                    life.certify(number)
                case _:
                    life.rotate()
        life.check()
