"""Heads on their way to a witness, and what the trail learns from it."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

import pytest

from retentiond.audit.anchors import COSIGNED, FORGOTTEN, read_cosigned, read_forgotten
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.verify import verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import (
    AuditDamagedError,
    NotPermittedError,
    RetentiondError,
    StorageError,
    UnreachableError,
)
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.evidence.anchorage import DEFECT, RETRY, CosignErrand, HeadAnchorage
from retentiond.evidence.witness_book import open_book
from retentiond.evidence.witness_client import Witness, cosign, look, look_within
from retentiond.evidence.witness_site import WitnessSite
from retentiond.ports import AnchorStatus
from retentiond.tlog.cosignature import Cosigner, verify_cosignatures
from retentiond.tlog.key import Signer, VerifierKey, format_vkey
from retentiond.tlog.note import format_signatures, parse_note
from retentiond.tlog.witness import parse_request, seen_path
from retentiond.web.serve import Answer, HttpServer, Request, plain
from tests.builders import at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats
from tests.integration.evidence.desk import Desk
from tests.integration.evidence.test_witness import NAME, NOW, OTHER, Told
from tests.system.harness import free_port

STRANGER = Cosigner.from_seed(NAME, bytes(32))


class Elsewhere:
    """A witness on another machine, which can be away, forget, and answer what a test wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: tuple[VerifierKey, ...] = (SIGNER.key,)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @contextmanager
    def running(self) -> Iterator[Witness]:
        with ExitStack() as stack:
            book = stack.enter_context(open_book(str(self.path), NAME, self.keys, lambda: NOW))
            server = HttpServer("127.0.0.1", self.port, WitnessSite(book, Told()), called="--listen")
            server.start()
            stack.callback(server.stop)
            yield Witness(self.url, book.key)

    def forget(self) -> None:
        shutil.rmtree(self.path / seen_path(ORIGIN).partition("/")[0])


@contextmanager
def answering(reply: Callable[[Request], Answer]) -> Iterator[str]:
    """Serve something that is no witness."""

    class Site:
        body_limit = 65536
        headers = MappingProxyType[str, str]({})

        def answer(self, request: Request) -> Answer:
            return reply(request)

    server = HttpServer("127.0.0.1", 0, Site(), called="test")
    server.start()
    try:
        yield f"http://127.0.0.1:{server.address[1]}"
    finally:
        server.stop()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "witness")


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a signed trail of three segments, with 20 records."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    for month in (3, 4, 5):
        disk.now = disk.now.replace(month=month, day=1)
        disk.fill(1, each=5)
    return disk


def sizes(disk: DiskTrail, witness: Witness) -> tuple[int, int]:
    """Return what is cosigned here and there."""
    note, there = read_cosigned(str(disk.path)), look(witness, ORIGIN)
    assert note is not None
    assert there is not None
    assert len(verify_cosignatures(note, [witness.key])) == 1
    return int(note.text.split("\n")[1]), there.size


# --- cosigning ----------------------------------------------------------------------------------------------------


def test_each_newer_head_is_cosigned_once_and_kept_on_both_sides(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        assert look(witness, ORIGIN) is None
        said = cosign(str(disk.path), witness)
        assert said is not None
        assert (said.witness, said.timestamp) == (witness.key, int(NOW.timestamp()))
        assert sizes(disk, witness) == (20, 20)
        assert cosign(str(disk.path), witness) is None
        for more in (1, 2, 30):
            disk.fill(1, each=more)
            assert cosign(str(disk.path), witness) is not None
            newest = len(disk.lines())
            assert sizes(disk, witness) == (newest, newest)


def test_what_is_not_known_here_any_more_the_witness_tells(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
        disk.fill(2)
        (disk.path / COSIGNED).unlink()
        assert cosign(str(disk.path), witness) is not None
        assert sizes(disk, witness) == (23, 23)
        (disk.path / COSIGNED).unlink()
        assert cosign(str(disk.path), witness) is not None  # the very same head again


def test_a_witness_that_was_set_up_anew_begins_anew(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
    elsewhere.forget()
    disk.fill(1)
    with elsewhere.running() as witness:
        assert cosign(str(disk.path), witness) is not None
        assert sizes(disk, witness) == (22, 22)


def test_a_witness_that_lost_its_state_is_a_finding_until_somebody_has_seen_to_it(
    disk: DiskTrail, elsewhere: Elsewhere
) -> None:
    clock = Watch()

    def findings(witness: Witness) -> list[FindingKind]:
        clock.now += RETRY * 10
        anchorage = HeadAnchorage([CosignErrand(str(disk.path), witness)], clock)  # as after a restart
        return [item.key.kind for item in anchorage.tick().findings]

    with elsewhere.running() as witness:
        assert findings(witness) == []
        disk.fill(1)
        assert findings(witness) == []
        kept = read_cosigned(str(disk.path))
    backup = elsewhere.path.with_name("backup")
    shutil.copytree(elsewhere.path, backup)
    elsewhere.forget()
    disk.fill(1)
    with elsewhere.running() as witness:
        assert findings(witness) == [FindingKind.WITNESS_FORGOT]
        disk.fill(1)
        assert findings(witness) == [FindingKind.WITNESS_FORGOT]
        assert sizes(disk, witness) == (len(disk.lines()),) * 2  # it cosigns on
    assert read_forgotten(str(disk.path)) == kept
    assert verify_trail(str(disk.path)).size == len(disk.lines())
    (disk.path / FORGOTTEN).rename(disk.path.parent / "seen to")
    shutil.rmtree(elsewhere.path)
    backup.rename(elsewhere.path)
    disk.fill(1)
    with elsewhere.running() as witness:
        assert findings(witness) == [FindingKind.WITNESS_FORGOT]  # an older copy of its state is a loss as well
    path = disk.path / FORGOTTEN
    path.write_bytes(path.read_bytes().replace(b"\n26\n", b"\n25\n"))
    with pytest.raises(AuditDamagedError, match=r"checkpoint\.forgotten"):
        verify_trail(str(disk.path))


def test_a_loss_stays_a_finding_after_a_restart_while_the_witness_is_away(
    disk: DiskTrail, elsewhere: Elsewhere
) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
    elsewhere.forget()
    disk.fill(1)
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
    disk.fill(1)
    anchorage = HeadAnchorage([CosignErrand(str(disk.path), witness)], lambda: NOW)
    assert [item.key.kind for item in anchorage.tick().findings] == [FindingKind.WITNESS_FORGOT]


def test_a_witness_that_only_says_it_lost_its_state_proves_nothing(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    """One that knows better does not cosign from nothing, whoever sits on the way to it."""
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
        kept = read_cosigned(str(disk.path))
        disk.fill(1)
        said = iter([b"0\n", b"20\n"])
        with answering(lambda _: Answer(HTTPStatus.CONFLICT, next(said))) as url, pytest.raises(UnreachableError):
            cosign(str(disk.path), Witness(url, witness.key))
        assert read_forgotten(str(disk.path)) is None
        assert read_cosigned(str(disk.path)) == kept


def test_a_pruned_trail_is_still_proved_to_extend_what_was_cosigned(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
        decisions = Decisions()
        with disk.open() as trail:
            decisions.apply_all(TrailOnDisk(str(disk.log)).records())
            trail.prune(plan_pruning(str(disk.path), at("2026-04-15"), decisions), decisions)
            trail.append(beats())
        assert cosign(str(disk.path), witness) is not None
        assert sizes(disk, witness) == (len(disk.lines()) + 6,) * 2


def test_what_was_cosigned_before_the_first_record_that_is_kept_cannot_be_proved(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-03-10"), signer=SIGNER)
    disk.fill(1)
    with elsewhere.running() as witness:
        assert cosign(str(disk.path), witness) is not None
        for month in (4, 5):
            disk.now = at(f"2026-{month:02d}-10")
            disk.fill(1, each=5)
        decisions = Decisions()
        with disk.open() as trail:
            decisions.apply_all(TrailOnDisk(str(disk.log)).records())
            trail.prune(plan_pruning(str(disk.path), at("2026-05-15"), decisions), decisions)
        with pytest.raises(NotPermittedError, match="has cosigned 2 records last, and a newer head cannot be proved"):
            cosign(str(disk.path), witness)
    elsewhere.forget()
    with elsewhere.running() as witness:
        (disk.path / COSIGNED).unlink()
        assert cosign(str(disk.path), witness) is not None


@pytest.mark.parametrize("signer", [None, SIGNER])
def test_without_a_signed_head_there_is_nothing_to_cosign(tmp_path: Path, signer: Signer | None) -> None:
    nobody = Witness("http://127.0.0.1:1", STRANGER.key)
    disk = DiskTrail(tmp_path / "audit", signer=signer)
    assert cosign(str(disk.path), nobody) is None
    if signer is None:
        disk.fill(1)
        assert cosign(str(disk.path), nobody) is None


def test_a_head_that_does_not_verify_is_not_sent(disk: DiskTrail) -> None:
    path = disk.path / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n20\n", b"\n19\n"))
    with pytest.raises(AuditDamagedError, match="the head does not verify"):
        cosign(str(disk.path), Witness("http://127.0.0.1:1", STRANGER.key))


# --- a trail that contradicts itself ------------------------------------------------------------------------------


def copy_of(disk: DiskTrail) -> DiskTrail:
    other = DiskTrail(disk.path.parent / "snapshot", now=disk.now, signer=disk.signer)
    shutil.copytree(disk.path, other.path)
    return other


def test_a_trail_that_was_rolled_back_is_told_so_whatever_it_writes_next(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
        snapshot = copy_of(disk)
        disk.fill(5)
        cosign(str(disk.path), witness)
        seen = look(witness, ORIGIN)
        assert seen is not None
        assert (seen.name, seen.size) == (f"the witness {NAME}", len(disk.lines()))
        snapshot.fill(1)
        with pytest.raises(AuditDamagedError, match="has cosigned 26 records, and 22 are here"):
            cosign(str(snapshot.path), witness)
        (snapshot.path / COSIGNED).unlink()
        snapshot.fill(30)
        with pytest.raises(AuditDamagedError, match="has cosigned 26 records that are not the first 26 here"):
            cosign(str(snapshot.path), witness)
        disk.fill(1)
        assert cosign(str(disk.path), witness) is not None  # the true one still goes on


# --- refusals, and answers that are none --------------------------------------------------------------------------


def test_a_witness_that_does_not_know_the_trail_or_its_key_says_so(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    elsewhere.keys = (OTHER.key,)
    with elsewhere.running() as witness, pytest.raises(NotPermittedError, match=r"status 404 .*not known here"):
        cosign(str(disk.path), witness)
    elsewhere.keys = (Signer.from_seed(ORIGIN, bytes(32)).key,)
    with elsewhere.running() as witness, pytest.raises(NotPermittedError, match="status 403"):
        cosign(str(disk.path), witness)


def test_a_witness_that_is_away_or_cannot_use_its_state_is_unreachable(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    with elsewhere.running() as witness:
        cosign(str(disk.path), witness)
        (elsewhere.path / seen_path(ORIGIN)).write_bytes(b"")
        disk.fill(1)
        with pytest.raises(UnreachableError, match="status 500"):
            cosign(str(disk.path), witness)
        with pytest.raises(UnreachableError, match="status 500"):
            look(witness, ORIGIN)
    with pytest.raises(UnreachableError, match="Connection refused"):
        cosign(str(disk.path), witness)
    with pytest.raises(UnreachableError, match="Connection refused"):
        look_within(2.0, witness, ORIGIN)


def _as_witness(cosigner: Cosigner) -> Callable[[Request], Answer]:
    def reply(request: Request) -> Answer:
        note = parse_request(request.body).note
        return Answer(HTTPStatus.OK, format_signatures([cosigner.cosign(note.text, 1)]).encode())

    return reply


def _of_another_text(request: Request) -> Answer:
    text = parse_request(request.body).note.text.replace("\n20\n", "\n21\n")
    return Answer(HTTPStatus.OK, format_signatures([STRANGER.cosign(text, 1)]).encode())


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (_as_witness(Cosigner.from_seed(NAME, bytes(range(32)))), "cosigns with another key"),
        (_as_witness(Cosigner.from_seed("witness.example/w2", bytes(32))), "cosigns with another key"),
        (_of_another_text, "its cosignature does not verify"),
        (lambda _: plain(HTTPStatus.OK, "welcome"), "its cosignature does not verify"),
        (lambda _: Answer(HTTPStatus.OK, b"\xff"), "its cosignature does not verify"),
        (lambda _: Answer(HTTPStatus.CONFLICT, b"x\n"), "does not answer as a witness does"),
        (lambda _: Answer(HTTPStatus.CONFLICT, b"3\n"), "changes while it is asked"),
        (lambda _: plain(HTTPStatus.BAD_GATEWAY, "nobody\x1b[2J there"), r"status 502 \(nobody\\x1b\[2J there\)"),
        (lambda _: plain(HTTPStatus.FOUND, "elsewhere"), "status 302"),
    ],
)
def test_only_what_the_witness_signed_is_believed(
    disk: DiskTrail, reply: Callable[[Request], Answer], why: str
) -> None:
    with answering(reply) as url, pytest.raises(UnreachableError, match=why):
        cosign(str(disk.path), Witness(url, STRANGER.key))
    assert read_cosigned(str(disk.path)) is None


def test_a_head_that_is_shown_and_was_not_cosigned_by_the_witness_for_this_trail_attests_nothing(
    disk: DiskTrail, elsewhere: Elsewhere
) -> None:
    """Otherwise whoever sits between could make a trail be set aside."""
    note = (disk.path / "checkpoint").read_bytes()
    signed = parse_note(note)
    larger = signed.text.replace("\n20\n", "\n99\n")
    forged = STRANGER.cosign(larger, 1)
    shown = [
        note,
        note + format_signatures([Cosigner.from_seed(NAME, bytes(range(32))).cosign(signed.text, 1)]).encode(),
        (larger + "\n" + format_signatures([*signed.signatures, forged])).encode().replace(b"\n99\n", b"\n98\n"),
        b"",
        b"\xff" * 100,
    ]
    other = f"other.example\n20\n{'A' * 43}=\n"
    shown.append((other + "\n" + format_signatures([STRANGER.cosign(other, 1)])).encode())
    remaining = iter(shown)
    with answering(lambda _: Answer(HTTPStatus.OK, next(remaining))) as url:
        for _ in shown[:-1]:
            with pytest.raises(UnreachableError):
                look(Witness(url, STRANGER.key), ORIGIN)
        with pytest.raises(UnreachableError, match="did not cosign for this trail"):
            look(Witness(url, STRANGER.key), ORIGIN)


# --- beside the loop ----------------------------------------------------------------------------------------------


class Chore:
    """`Errand` that a test lets fail."""

    name = "witness"
    every = timedelta(minutes=5)

    def __init__(self) -> None:
        self.ran: list[datetime] = []
        self.error: RetentiondError | None = None
        self.idle = False

    def run(self, now: datetime) -> datetime | None:
        self.ran.append(now)
        if self.error is not None:
            raise self.error
        return None if self.idle else now

    def failed(self, error: RetentiondError) -> Finding:
        return finding(FindingKind.HEAD_NOT_COSIGNED, "w", str(error), "")

    def standing(self) -> tuple[Finding, ...]:
        return ()


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_an_errand_runs_at_once_then_now_and_then_and_soon_again_when_it_failed() -> None:
    chore, clock = Chore(), Watch()
    anchorage = HeadAnchorage([chore], clock)
    assert anchorage.tick() == AnchorStatus((), {"witness": NOW})
    clock.now += timedelta(minutes=4, seconds=59)
    anchorage.tick()
    assert len(chore.ran) == 1
    clock.now += timedelta(seconds=1)
    chore.error = UnreachableError("away")
    anchorage.tick()
    assert len(chore.ran) == 2
    clock.now += RETRY
    assert anchorage.tick() == AnchorStatus((), {"witness": NOW})
    assert len(chore.ran) == 3
    clock.now -= timedelta(days=3)  # a clock that was wrong stops nothing
    anchorage.tick()
    assert len(chore.ran) == 4


def test_an_errand_without_anything_to_do_is_asked_again_at_each_tick() -> None:
    chore, clock = Chore(), Watch()
    chore.idle = True
    anchorage = HeadAnchorage([chore], clock)
    for _ in range(3):
        assert anchorage.tick() == AnchorStatus()
        clock.now += timedelta(seconds=15)
    chore.idle = False
    assert anchorage.tick().newest == {"witness": clock.now}
    clock.now += timedelta(seconds=15)
    anchorage.tick()
    assert len(chore.ran) == 4


def test_a_failure_is_a_finding_after_a_while_and_a_contradiction_at_once() -> None:
    chore, clock = Chore(), Watch()
    anchorage = HeadAnchorage([chore], clock, grace=timedelta(minutes=5))
    chore.error = StorageError("full")
    for _ in range(5):
        assert anchorage.tick().findings == ()
        clock.now += RETRY
    (found,) = anchorage.tick().findings
    assert found.message == "full"
    chore.error = None
    clock.now += RETRY
    assert anchorage.tick().findings == ()
    chore.error = AuditDamagedError("rolled back")
    clock.now += chore.every
    assert [item.message for item in anchorage.tick().findings] == ["rolled back"]


def test_what_is_told_has_changed_and_after_the_end_nothing_is_told() -> None:
    chore, told, twice = Chore(), list[AnchorStatus](), threading.Event()

    def tell(status: AnchorStatus) -> None:
        told.append(status)
        chore.error = UnreachableError("away")
        if len(told) > 1:
            twice.set()

    clock = Watch()
    anchorage = HeadAnchorage([chore], lambda: clock.now, grace=timedelta(), tick_s=0.01)
    anchorage.start(tell)
    while not told:
        pass
    clock.now += chore.every
    assert twice.wait(30)
    anchorage.stop()
    assert [len(status.findings) for status in told] == [0, 1]


def test_a_defect_ends_the_thread_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[BaseException | None]()
    monkeypatch.setattr(threading, "excepthook", lambda details: seen.append(details.exc_value))
    told, over = list[AnchorStatus](), threading.Event()

    class Broken(Chore):
        def run(self, now: datetime) -> datetime | None:
            raise ZeroDivisionError

    def tell(status: AnchorStatus) -> None:
        told.append(status)
        over.set()

    HeadAnchorage([Broken()], lambda: NOW).start(tell)
    assert over.wait(30)
    assert told == [AnchorStatus((DEFECT,))]


def test_findings_name_the_witness_and_say_what_to_do(disk: DiskTrail, elsewhere: Elsewhere) -> None:
    errand = CosignErrand(str(disk.path), Witness("http://127.0.0.1:1", STRANGER.key))
    away = errand.failed(UnreachableError("x"))
    assert (away.key.kind, away.key.subject) == (FindingKind.HEAD_NOT_COSIGNED, NAME)
    contradicted = errand.failed(AuditDamagedError("x"))
    assert contradicted.key.kind is FindingKind.HEAD_CONTRADICTED
    with elsewhere.running() as witness:
        assert CosignErrand(str(disk.path), witness).run(NOW) == NOW.astimezone(UTC)


# --- as a person sees it ------------------------------------------------------------------------------------------


def test_verify_tells_what_the_witness_had_seen_and_asks_it(tmp_path: Path, elsewhere: Elsewhere) -> None:
    desk = Desk(tmp_path, signer=SIGNER)
    desk.disk.fill(3)
    seq = 2
    assert "names no witness" in desk.run("audit", "verify", "--ask-witness", status=2)
    with elsewhere.running() as witness:
        vkey = format_vkey(witness.key)
        desk.config.write_text(
            desk.config.read_text().replace(
                f"origin: {ORIGIN}", f'origin: {ORIGIN}, witness: {{url: "{witness.url}", vkey: {vkey}}}'
            )
        )
        assert "has cosigned nothing of this audit trail yet" in desk.run("audit", "verify", "--ask-witness", status=2)
        cosign(str(desk.disk.path), witness)
        before = [(path, path.read_bytes()) for path in (desk.disk.path / "checkpoint", *desk.disk.files())]
        desk.disk.fill(2)
        cosign(str(desk.disk.path), witness)
        shown = desk.ask("audit", "verify", "--ask-witness")
        assert shown["cosigned"] == [{"witness": NAME, "size": 7, "at": "2026-03-01T02:00:04.000Z"}]
        assert f"witness {NAME} had seen 7 records" in desk.run("audit", "verify")

        desk.run("audit", "certificate", str(seq), "--out", str(tmp_path))
        proof = str(tmp_path / f"nvr.example-retentiond-{seq}.tlog-proof")
        assert f"The witness {NAME} saw this head" in (tmp_path / f"nvr.example-retentiond-{seq}.html").read_text()
        checked = desk.ask("audit", "verify", "--certificate", proof, "--witness", vkey)
        assert checked["witnesses"] == [{"name": NAME, "timestamp": int(NOW.timestamp())}]
        other = format_vkey(STRANGER.key)
        assert desk.ask("audit", "verify", "--certificate", proof, "--witness", other)["witnesses"] == []

        (desk.disk.path / COSIGNED).unlink()
        for path, data in before:
            path.write_bytes(data)
        assert desk.ask("audit", "verify")["size"] == 4
        said = desk.run("audit", "verify", "--ask-witness", status=65)
        assert f"4 records are there, and the witness {NAME} attests 7" in said
    assert "Connection refused" in desk.run("audit", "verify", "--ask-witness", status=69)
