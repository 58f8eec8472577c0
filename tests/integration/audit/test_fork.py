"""A trail that is damaged below what was attested: kept as it is, and another is begun that says so."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.cache import DecisionFile
from retentiond.audit.fork import kept_evidence, open_or_fork, origin_now
from retentiond.audit.head import Attested
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.trail import Trail, TrailSettings
from retentiond.audit.verify import verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import EventType, finding_opened, intents
from retentiond.tlog.key import Signer, format_vkey
from tests.builders import STORE, a_finding, an_event, an_intended, at
from tests.integration.audit.disk_trail import (
    ORIGIN,
    SIGNER,
    DiskTrail,
    beats,
    leaf,
    root_by_definition,
    small_disk,
)


class Site:
    """A state directory: a trail, its cache, and whoever starts on it."""

    def __init__(self, root: Path) -> None:
        self.disk = DiskTrail(root / "audit", now=at("2026-03-10"), signer=SIGNER)
        self.cache = root / "decisions.json"

    @contextmanager
    def start(self, *, accept_loss: bool = False, **changed: Any) -> Iterator[Trail]:
        chosen = {"signer": self.disk.signer, "run": "run-1", **changed}
        settings = TrailSettings(str(self.disk.path), ORIGIN, lambda: self.disk.now, **chosen)
        with open_or_fork(settings, str(self.cache), accept_loss=accept_loss) as trail:
            yield trail

    def decisions(self) -> Decisions:
        return DecisionFile(str(self.cache), str(self.disk.log)).load(TrailOnDisk(str(self.disk.log)))

    def save(self) -> None:
        DecisionFile(str(self.cache), str(self.disk.log)).save(self.decisions())

    def spoil(self, seq: int) -> None:
        """Damage one record, as a bad sector does."""
        path = self.disk.files()[-1]
        lines = path.read_bytes().split(b"\n")
        lines[seq - int(path.stem)] = b"\0" * len(lines[seq - int(path.stem)])
        path.write_bytes(b"\n".join(lines))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a trail of 12 records; the first six are decisions, and the cache has all of it."""
    site = Site(tmp_path)
    with site.start() as trail:
        trail.append(
            [
                an_event(EventType.POLICY_LOADED, digest="p1"),
                an_event(EventType.STORE_ADOPTED, store="main", inode=5),
                finding_opened(a_finding()),
                *intents(STORE, "run-1", [an_intended("c-1")]),
                an_event(EventType.REGISTER_LOADED, digest="r1"),
            ]
        )
        trail.append(beats(6))
    site.save()
    return site


def evidence(site: Site) -> list[Path]:
    return [Path(path) for path in kept_evidence(str(site.disk.path))]


def content(path: Path) -> dict[str, bytes]:
    return {str(item.relative_to(path)): item.read_bytes() for item in path.rglob("*") if item.is_file()}


# --- what is done -------------------------------------------------------------------------------------------------


def test_a_whole_trail_just_goes_on(site: Site) -> None:
    with site.start() as trail:
        assert trail.append(beats())[0].seq == 13
    assert evidence(site) == []
    assert origin_now(str(site.disk.path), ORIGIN) == ORIGIN


def test_damage_is_kept_as_it_is_and_another_trail_says_so(site: Site) -> None:
    lines, attested = site.disk.lines(), site.disk.checkpoint()
    site.spoil(3)
    before = content(site.disk.path)
    with site.start() as trail:
        trail.append(beats())
    (kept,) = evidence(site)
    assert kept.name == "audit.forked-1"
    assert content(kept) == before
    forked, opened, beat = site.disk.fields()
    assert (forked["type"], opened["type"], beat["type"]) == ("audit.forked", "audit.open", "heartbeat")
    assert forked["former"] == {"origin": ORIGIN, "directory": "audit.forked-1"}
    assert forked["heads"] == [{"by": "the head on disk", "size": 12, "root": attested[2].hex()}]
    assert (forked["read"], forked["lost"]) == (12, 0)
    assert "line 4 (record 3): it is no record" in forked["why"]
    assert attested[2] == root_by_definition([leaf(line) for line in lines])


def test_the_other_trail_has_a_name_of_its_own_and_verifies(site: Site) -> None:
    site.spoil(3)
    with site.start() as trail:
        assert trail.head().signed
    assert site.disk.checkpoint()[0] == f"{ORIGIN}/2"
    assert (site.disk.path / "origin").read_text() == f"{ORIGIN}/2\n"
    assert origin_now(str(site.disk.path), ORIGIN) == f"{ORIGIN}/2"
    assert verify_trail(str(site.disk.path)).signed
    assert verify_trail(str(site.disk.path), pinned=[format_vkey(SIGNER.key)]).signed
    stranger = Signer.from_seed(ORIGIN, bytes(32))
    with pytest.raises(AuditDamagedError, match="no known key has signed"):
        verify_trail(str(site.disk.path), pinned=[format_vkey(stranger.key)])


def test_what_was_decided_is_taken_over(site: Site) -> None:
    before = site.decisions()
    site.spoil(3)
    with site.start():
        pass
    after = site.decisions()
    assert after.seq == 2
    after.seq = before.seq
    assert after == before
    assert set(after.intents) == {"c-1"}
    site.cache.unlink()
    again = site.decisions()
    again.seq = before.seq
    assert again == before


def test_later_starts_go_on_with_the_other_trail(site: Site) -> None:
    site.spoil(3)
    for _ in range(3):
        with site.start() as trail:
            trail.append(beats())
            site.save()
    assert len(evidence(site)) == 1
    assert site.disk.types().count("audit.forked") == 1
    assert verify_trail(str(site.disk.path)).size == len(site.disk.lines()) == 7


def test_a_second_damage_is_kept_beside_the_first(site: Site) -> None:
    before = site.decisions()
    for number in (2, 3):
        site.spoil(1)
        with site.start() as trail:
            trail.append(beats(5))
        site.save()
        assert site.disk.checkpoint()[0] == f"{ORIGIN}/{number}"
    assert [path.name for path in evidence(site)] == ["audit.forked-1", "audit.forked-2"]
    assert site.disk.fields()[0]["former"] == {"origin": f"{ORIGIN}/2", "directory": "audit.forked-2"}
    after = site.decisions()
    after.seq = before.seq
    assert after == before


def test_an_origin_that_ends_in_a_number_is_not_counted_on(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    settings = TrailSettings(str(disk.path), "nvr/7", lambda: disk.now)
    cache = str(tmp_path / "decisions.json")
    for number in range(3):
        with open_or_fork(settings, cache) as trail:
            trail.append(beats(3))
        DecisionFile(cache, str(disk.log)).save(DecisionFile(cache, str(disk.log)).load(TrailOnDisk(str(disk.log))))
        assert disk.checkpoint()[0] == ("nvr/7" if number == 0 else f"nvr/7/{number + 1}")
        path = disk.files()[0]
        path.write_bytes(path.read_bytes().replace(b'"seq":1', b'"seq":5', 1))


def test_evidence_that_was_moved_away_changes_nothing(site: Site, tmp_path: Path) -> None:
    site.spoil(3)
    with site.start():
        pass
    site.save()
    shutil.move(evidence(site)[0], tmp_path / "on the DPO's disk")
    with site.start() as trail:
        trail.append(beats())
    assert site.disk.checkpoint()[0] == f"{ORIGIN}/2"
    site.save()
    site.spoil(1)
    with site.start():
        pass
    assert site.disk.checkpoint()[0] == f"{ORIGIN}/3"


# --- which damage -------------------------------------------------------------------------------------------------


def cut_off(site: Site) -> None:
    path = site.disk.files()[0]
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:2]) + b"\n")


def alter(site: Site) -> None:
    path = site.disk.files()[0]
    path.write_bytes(path.read_bytes().replace(b'"digest":"p1"', b'"digest":"p2"'))


def lose_the_head(site: Site) -> None:
    (site.disk.path / "checkpoint").write_text("nonsense")


def sign_otherwise(site: Site) -> None:
    path = site.disk.path / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n12\n", b"\n11\n"))


@pytest.mark.parametrize("damage", [alter, lose_the_head, sign_otherwise])
def test_damage_that_the_cache_covers_stops_nothing(site: Site, damage: Any) -> None:
    before = site.decisions()
    damage(site)
    with site.start() as trail:
        trail.append(beats())
    after = site.decisions()
    after.seq = before.seq
    assert after == before
    assert len(evidence(site)) == 1


def test_records_that_came_after_the_cache_and_are_good_are_taken_over(site: Site) -> None:
    with site.start() as trail:
        trail.append([an_event(EventType.POLICY_LOADED, digest="p9")])
    site.spoil(3)
    with site.start():
        pass
    assert site.decisions().policy_digest == "p9"
    assert site.disk.fields()[0]["lost"] == 0


@pytest.mark.parametrize("seq", [12, 13, 14])
def test_records_that_came_after_the_cache_and_are_damaged_need_a_person(site: Site, seq: int) -> None:
    with site.start() as trail:
        trail.append([an_event(EventType.POLICY_LOADED, digest="p9"), *beats(1)])
    site.spoil(seq)
    before = content(site.disk.path)
    lost = 15 - seq
    with pytest.raises(AuditDamagedError, match=rf"Of {lost} records nobody can tell .*accept the loss"), site.start():
        pass
    assert content(site.disk.path) == before
    assert evidence(site) == []
    with site.start(accept_loss=True):
        pass
    assert site.disk.fields()[0]["lost"] == lost
    assert site.decisions().policy_digest == ("p9" if seq == 14 else "p1")


def test_a_record_after_the_cache_that_reads_well_and_does_not_follow_needs_a_person(site: Site) -> None:
    """Its number is right, and it is a record of this program; only the chain tells."""
    with site.start() as trail:
        trail.append([an_event(EventType.POLICY_LOADED, digest="p9")])
        trail.append([an_event(EventType.POLICY_LOADED, digest="p8")])
    path = site.disk.files()[0]
    path.write_bytes(path.read_bytes().replace(b'"digest":"p9"', b'"digest":"pX"'))
    with pytest.raises(AuditDamagedError, match="Of 1 records"), site.start():
        pass


def test_without_a_cache_damage_needs_a_person(site: Site) -> None:
    site.cache.unlink()
    site.spoil(3)
    with pytest.raises(AuditDamagedError, match="Of 9 records"), site.start():
        pass
    with site.start(accept_loss=True):
        pass
    decisions = site.decisions()
    assert (decisions.policy_digest, decisions.register_digest) == ("p1", None)
    assert set(decisions.adopted) == {STORE}


def test_lines_that_are_missing_need_a_person(site: Site) -> None:
    cut_off(site)
    with pytest.raises(AuditDamagedError, match="Of 10 records"), site.start():
        pass
    with site.start(accept_loss=True):
        pass
    assert site.decisions().policy_digest == "p1"
    assert site.decisions().adopted == {}


def test_a_trail_that_is_gone_needs_a_person(site: Site) -> None:
    site.disk.files()[0].unlink()
    with pytest.raises(AuditDamagedError, match="12 records are attested and none are there"), site.start():
        pass
    with site.start(accept_loss=True):
        pass
    assert site.disk.fields()[0]["lost"] == 12


def test_a_roll_back_is_noticed_by_a_head_kept_elsewhere(site: Site, tmp_path: Path) -> None:
    """A virtual machine was put back to yesterday; a witness knows today's head."""
    shutil.copytree(site.disk.path, tmp_path / "yesterday")
    with site.start() as trail:
        trail.append(beats(3))
        witnessed = Attested("the witness w1", trail.head().size, trail.head().root)
    shutil.rmtree(site.disk.path)
    shutil.move(tmp_path / "yesterday", site.disk.path)
    with site.start():
        pass  # without the witness nothing on this machine tells
    shutil.rmtree(site.disk.path)
    site.disk.path.mkdir()
    with pytest.raises(AuditDamagedError, match="16 records are attested"), site.start(attested=(witnessed,)):
        pass
    with site.start(attested=(witnessed,), accept_loss=True) as trail:
        assert trail.head().size == 2
    head = site.disk.fields()[0]["heads"][0]
    assert head == {"by": "the witness w1", "size": 16, "root": witnessed.root.hex()}


def test_a_head_kept_elsewhere_that_is_met_changes_nothing(site: Site) -> None:
    for size in range(13):
        lines = site.disk.lines()
        root = root_by_definition([leaf(line) for line in lines[:size]])
        with site.start(attested=(Attested("the witness w1", size, root),)):
            pass
    assert evidence(site) == []
    site.save()
    with site.start(attested=(Attested("the witness w1", 12, bytes(32)),)):
        pass
    assert "the first 12 records are not those that the witness w1 attests" in site.disk.fields()[0]["why"]


def test_damage_in_pruned_state_is_kept_too(site: Site) -> None:
    site.disk.now = at("2026-04-10")
    with site.start() as trail:
        trail.append([an_event(EventType.RECORDING_DELETED, claim="c-1")])
        decisions = site.decisions()
        trail.prune(plan_pruning(str(site.disk.path), at("2026-04-11"), decisions), decisions)
    before = site.decisions()
    site.save()
    kept = site.disk.path / "pruned.json"
    kept.write_text(kept.read_text().replace('"p1"', '"p2"'))
    with site.start():
        pass  # a start reads the last segment, and its cache is good
    assert site.decisions().policy_digest == "p1"
    kept.write_text(kept.read_text()[:-9])
    with site.start():
        pass
    after = site.decisions()
    after.seq = before.seq
    assert after == before
    assert len(evidence(site)) == 1


def test_a_pruned_trail_is_salvaged_from_what_is_kept(site: Site) -> None:
    site.disk.now = at("2026-04-10")
    with site.start() as trail:
        trail.append([an_event(EventType.RECORDING_DELETED, claim="c-1")])
        decisions = site.decisions()
        trail.prune(plan_pruning(str(site.disk.path), at("2026-04-11"), decisions), decisions)
        trail.append([*beats(3), an_event(EventType.POLICY_LOADED, digest="p7")])
    before = site.decisions()
    site.cache.unlink()
    (site.disk.path / "checkpoint").write_text("nonsense")
    with site.start():
        pass
    after = site.decisions()
    after.seq = before.seq
    assert after == before
    assert after.policy_digest == "p7"


# --- crashes ------------------------------------------------------------------------------------------------------


def test_a_crash_right_after_the_damage_was_set_aside_is_taken_up(site: Site) -> None:
    before = site.decisions()
    site.spoil(3)
    site.disk.path.rename(site.disk.path.with_name("audit.forked-1"))
    for made in ((), (site.disk.path,), (site.disk.path, site.disk.log)):
        shutil.rmtree(site.disk.path, ignore_errors=True)
        for directory in made:
            directory.mkdir()
        with site.start():
            pass
        assert site.disk.types() == ["audit.forked", "audit.open"]
        assert site.disk.checkpoint()[0] == f"{ORIGIN}/2"
        after = site.decisions()
        after.seq = before.seq
        assert after == before


def test_a_crash_before_the_first_record_is_taken_up(site: Site) -> None:
    site.spoil(3)
    with site.start():
        pass
    path = site.disk.files()[0]
    line = path.read_bytes()
    for cut in (0, 10, line.index(b"\n")):
        path.write_bytes(line[:cut])
        root = root_by_definition([])
        (site.disk.path / "checkpoint").unlink()
        site.disk.set_checkpoint(0, root)
        text = (site.disk.path / "checkpoint").read_text().replace(ORIGIN, f"{ORIGIN}/2")
        (site.disk.path / "checkpoint").write_text(text)
        with site.start():
            pass
        assert site.disk.types()[:2] == ["audit.forked", "audit.open"]
        assert site.decisions().policy_digest == "p1"


def test_the_state_that_was_taken_over_may_not_vanish(site: Site) -> None:
    site.spoil(3)
    with site.start():
        pass
    site.cache.unlink()
    state = json.loads((site.disk.path / "forked.json").read_text())
    (site.disk.path / "forked.json").write_text(json.dumps({**state, "state": {**state["state"], "findings": []}}))
    with pytest.raises(AuditDamagedError, match="is not what record 0 vouches for"):
        site.decisions()
    with pytest.raises(AuditDamagedError, match="record 0 does not vouch for the state"):
        verify_trail(str(site.disk.path))
    (site.disk.path / "forked.json").unlink()
    with pytest.raises(AuditDamagedError, match=r"forked\.json beside it is missing"):
        site.decisions()
    with pytest.raises(AuditDamagedError, match=r"forked\.json: is missing, and record 0 vouches for"):
        verify_trail(str(site.disk.path))


def test_the_other_trail_is_pruned_like_any(site: Site) -> None:
    site.spoil(3)
    with site.start() as trail:
        trail.append([an_event(EventType.RECORDING_DELETED, claim="c-1")])
    before = site.decisions()
    site.disk.now += timedelta(days=40)
    with site.start() as trail:
        decisions = site.decisions()
        trail.prune(plan_pruning(str(site.disk.path), site.disk.now + timedelta(days=1), decisions), decisions)
    assert verify_trail(str(site.disk.path)).first == 3
    site.cache.unlink()
    after = site.decisions()
    after.seq = before.seq
    assert after == before
    with site.start() as trail:
        trail.append(beats())


@pytest.mark.privileged
def test_a_directory_that_cannot_be_set_aside_is_said(tmp_path: Path) -> None:
    """The audit directory is a mount point, so it cannot be renamed."""
    with small_disk(tmp_path / "audit", "-t", "tmpfs", "-o", "size=4m", "tmpfs"):
        site = Site(tmp_path)
        with site.start():
            pass
        site.save()
        lose_the_head(site)
        with pytest.raises(StorageError, match="cannot be set aside"), site.start():
            pass


def test_the_name_of_the_evidence_is_one_that_nobody_has(site: Site) -> None:
    (site.disk.path.parent / "audit.forked-1").write_bytes(b"in the way")
    site.spoil(3)
    with site.start():
        pass
    assert [path.name for path in evidence(site)] == ["audit.forked-2"]
    with site.start() as trail:
        trail.append(beats())
    assert len(evidence(site)) == 1
