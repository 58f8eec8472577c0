"""A disk is rolled back under the daemon: a witness remembers, and nothing is deleted on a guess."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.evidence.witness_book import WitnessBook, open_book
from retentiond.evidence.witness_site import WitnessSite
from retentiond.tlog.key import format_vkey, parse_vkey
from retentiond.tlog.witness import seen_path
from retentiond.web.serve import HttpServer
from tests.integration.evidence.test_witness import NAME, Told
from tests.system.harness import Site, free_port, register_of

pytestmark = pytest.mark.system
ORIGIN = "test.example/retentiond"


class Monitoring:
    """Another machine, with a witness that can be away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = free_port()
        self.vkeys: list[str] = []

    def __enter__(self) -> WitnessBook:
        self._stack = ExitStack()
        keys = [parse_vkey(vkey) for vkey in self.vkeys]
        book = self._stack.enter_context(open_book(str(self.path), NAME, keys, lambda: datetime.now(UTC)))
        server = HttpServer("127.0.0.1", self.port, WitnessSite(book, Told()), called="--listen")
        server.start()
        self._stack.callback(server.stop)
        return book

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def size(self, origin: str = ORIGIN) -> int:
        path = self.path / seen_path(origin)
        return int(path.read_text().split("\n")[1]) if path.exists() else 0


@pytest.fixture
def monitoring(tmp_path: Path) -> Monitoring:
    return Monitoring(tmp_path / "monitoring")


@pytest.fixture
def site(tmp_path: Path, monitoring: Monitoring) -> Iterator[Site]:
    site = Site(tmp_path / "server", period="1h", register=register_of("hall"))
    site.state.mkdir()
    monitoring.vkeys.append(site.ask("audit", "keygen")["vkey"])
    with monitoring as book:
        witness = f'{{url: "http://127.0.0.1:{monitoring.port}", vkey: {format_vkey(book.key)}}}'
    audit = f"audit: {{origin: {ORIGIN}"
    site.config.write_text(site.config.read_text().replace(audit, f"{audit}, witness: {witness}"))
    yield site
    if site.daemon is not None:
        site.stop()


def run_a_while(site: Site, monitoring: Monitoring) -> None:
    """Start the daemon, let it have its newest head cosigned, and stop it."""
    before = monitoring.size()
    with site.running():
        site.accept_clock()
        site.wait(lambda: any(line["type"] == "scan.completed" for line in site.lines()), "a scan")
        site.wait(lambda: monitoring.size() > before, "a cosignature")


def test_a_rollback_is_noticed_and_nothing_is_deleted_until_a_person_accepts_the_loss(
    site: Site, monitoring: Monitoring, tmp_path: Path
) -> None:
    site.record("hall", datetime.now(UTC) - timedelta(minutes=10))
    with monitoring:
        run_a_while(site, monitoring)
        shutil.copytree(site.state, tmp_path / "snapshot", ignore=shutil.ignore_patterns("*.sock"))
        run_a_while(site, monitoring)
        cosigned = monitoring.size()

        shutil.rmtree(site.state)
        shutil.copytree(tmp_path / "snapshot", site.state)
        had = len(site.lines())
        assert had < cosigned
        due = datetime.now(UTC) + timedelta(seconds=10)
        old = site.record("hall", due.replace(microsecond=0) + timedelta(seconds=60) - timedelta(hours=1))
        site.start()
        forked = site.lines()[0]
        assert forked["type"] == "audit.forked"
        assert forked["former"] == {"origin": ORIGIN, "directory": "audit.forked-1"}
        assert (forked["read"], forked["lost"]) == (had, cosigned - had)
        assert [head["by"] for head in forked["heads"]] == [f"the witness {NAME}", "the head on disk"]
        assert len((site.state / "audit.forked-1/log" / f"{0:020d}.jsonl").read_bytes().splitlines()) == had

        kinds = [item["kind"] for item in site.ask("findings", "list")["findings"]]
        assert kinds.count("audit_damaged") == 2
        site.wait(lambda: datetime.now(UTC) > due + timedelta(seconds=5), "the recording to fall due")
        site.wait(lambda: site.metric("retentiond_recordings") == 2, "a scan")
        assert old.exists()

        mistyped = site.run("audit", "accept-loss", "--count", "999", "--why", "x")
        assert "the number of lost records is" in mistyped.stderr
        site.must("audit", "accept-loss", "--count", str(cosigned - had), "--why", "the machine was restored")
        site.wait(lambda: not old.exists(), "the deletion")
        accepted = next(line for line in site.lines() if line["type"] == "audit.loss_accepted")
        assert (accepted["lost"], accepted["why"]) == (cosigned - had, "the machine was restored")
        assert accepted["actor"].startswith("op-")
        site.wait(lambda: monitoring.size(f"{ORIGIN}/2") > 0, "a cosignature of the other trail")
        assert "nothing to accept" in site.run("audit", "accept-loss", "--count", "1", "--why", "x").stderr
        site.stop()

    shown = json.loads(site.run("audit", "verify", "--json").stdout)
    assert shown["signed"]
    with site.running():  # the witness is away now, which stops nothing
        assert site.lines()[0]["type"] == "audit.forked"
        assert site.metric("retentiond_findings") > 0


def test_a_witness_that_is_away_stops_nothing(site: Site) -> None:
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1) + timedelta(seconds=70)
    site.start()
    site.accept_clock()
    site.wait(lambda: any(line["type"] == "scan.completed" for line in site.lines()), "a scan")
    old = site.record("hall", due)
    site.wait(lambda: not old.exists(), "the deletion")
    site.stop()
    assert not (site.state / "audit" / "checkpoint.cosigned").exists()
