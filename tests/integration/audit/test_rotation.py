"""Changing the signing key: on the record, with an overlap, and nothing that was signed before loses its proof."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.head import format_head
from retentiond.audit.keys import (
    Signers,
    finish_rotation,
    known_keys,
    load_signers,
    make_key,
    make_next_key,
    read_keys,
)
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.rotation import OVERLAP, trusted_keys
from retentiond.audit.trail import Trail
from retentiond.audit.verify import Verified, verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import (
    AuditDamagedError,
    CannotCreateError,
    ConfigurationError,
    NotPermittedError,
    StorageError,
    UsageError,
)
from retentiond.tlog.certificate import TrustedLog, parse_certificate, verify_certificate
from retentiond.tlog.key import Signer, format_vkey, parse_vkey
from retentiond.tlog.note import parse_note, verify_note
from tests.builders import at
from tests.integration.audit.disk_trail import ORIGIN, DiskTrail, beats, leaf, needs, root_by_definition

OLD, NEW, THIRD = (Signer.from_seed(ORIGIN, bytes([number]) * 32) for number in (1, 2, 3))
OLD_KEY, NEW_KEY, THIRD_KEY = (format_vkey(signer.key) for signer in (OLD, NEW, THIRD))


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of three records, signed by the old key."""
    disk = DiskTrail(tmp_path / "audit", now=at("2026-03-01"), signer=OLD)
    disk.fill(2)
    return disk


def rotate(disk: DiskTrail, *, upcoming: Signer = NEW) -> None:
    """Start once with two keys."""
    with disk.open(next_signer=upcoming) as trail:
        trail.append(beats())


def signed_by(disk: DiskTrail) -> set[str]:
    """Return which of the three keys signed the head on disk."""
    note = parse_note((disk.path / "checkpoint").read_bytes())
    ids = {signature.key_id for signature in note.signatures}
    keys = {vkey: parse_vkey(vkey) for vkey in (OLD_KEY, NEW_KEY, THIRD_KEY)}
    found = {vkey for vkey, key in keys.items() if key.key_id in ids}
    assert {format_vkey(key) for key in verify_note(note, [keys[vkey] for vkey in found])} == found
    return found


def verify(disk: DiskTrail, *pinned: str, **known: Any) -> Verified:
    return verify_trail(str(disk.path), pinned=pinned, **known)


# --- the rotation -------------------------------------------------------------------------------------------------


def test_a_rotation_is_on_the_record_and_both_keys_sign_from_then_on(disk: DiskTrail) -> None:
    assert signed_by(disk) == {OLD_KEY}
    rotate(disk)
    (record,) = (fields for fields in disk.fields() if fields["type"] == "key.rotated")
    assert (record["seq"], record["old"], record["new"]) == (4, OLD_KEY, NEW_KEY)
    assert signed_by(disk) == {OLD_KEY, NEW_KEY}
    assert read_keys(str(disk.path)) == {OLD_KEY: 0, NEW_KEY: 5}
    assert verify(disk).signed


def test_the_record_is_written_once(disk: DiskTrail) -> None:
    for _ in range(3):
        rotate(disk)
    assert disk.types().count("key.rotated") == 1
    assert signed_by(disk) == {OLD_KEY, NEW_KEY}


@pytest.mark.parametrize(
    ("later", "keys"),
    [
        (timedelta(), {OLD_KEY, NEW_KEY}),
        (OVERLAP - timedelta(milliseconds=1), {OLD_KEY, NEW_KEY}),
        (OVERLAP, {NEW_KEY}),
    ],
)
def test_both_sign_until_the_overlap_is_over(disk: DiskTrail, later: timedelta, keys: set[str]) -> None:
    rotate(disk)
    disk.now += later
    rotate(disk)
    assert signed_by(disk) == keys
    assert verify(disk).signed


def test_the_overlap_ends_also_without_a_restart(disk: DiskTrail) -> None:
    with disk.open(next_signer=NEW) as trail:
        trail.publish()
        assert signed_by(disk) == {OLD_KEY, NEW_KEY}
        disk.now += OVERLAP
        trail.append(beats())
        trail.publish()
        assert signed_by(disk) == {NEW_KEY}
        assert trail.head().signed
        (old, new) = known_keys(str(disk.path))
        assert (old.vkey, old.first, old.last, new.last) == (OLD_KEY, 0, trail.head().size, None)


def test_a_key_that_has_retired_signs_nothing_any_more(disk: DiskTrail) -> None:
    rotate(disk)
    disk.now += OVERLAP
    rotate(disk)
    with disk.open() as trail:  # the new key is gone, and the old one is still there
        assert not trail.head().signed
    assert not verify(disk).signed
    assert disk.types().count("key.rotated") == 1


def test_without_an_old_key_the_record_says_that_none_vouches(disk: DiskTrail) -> None:
    """The old key is lost: another one takes its place, and nobody who pinned the old one has to believe it."""
    disk.signer = NEW
    disk.fill(1)
    (record,) = (fields for fields in disk.fields() if fields["type"] == "key.rotated")
    assert (record["old"], record["new"]) == (None, NEW_KEY)
    assert not (disk.path / "rotations").exists()
    assert verify(disk).signed
    assert verify(disk, NEW_KEY).signed
    with pytest.raises(AuditDamagedError, match="no known key has signed"):
        verify(disk, OLD_KEY)
    assert [key.last for key in known_keys(str(disk.path))] == [record["seq"] + 1, None]


def test_the_first_key_needs_no_record(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(1)
    disk.signer = OLD
    disk.fill(1)
    assert "key.rotated" not in disk.types()
    assert read_keys(str(disk.path)) == {OLD_KEY: 2}


def test_rotations_follow_one_another(disk: DiskTrail) -> None:
    rotate(disk)
    disk.now += OVERLAP
    rotate(disk)
    disk.signer = NEW
    rotate(disk, upcoming=THIRD)
    assert signed_by(disk) == {NEW_KEY, THIRD_KEY}
    disk.now += OVERLAP
    rotate(disk, upcoming=THIRD)
    assert signed_by(disk) == {THIRD_KEY}
    for pinned in (OLD_KEY, NEW_KEY, THIRD_KEY):
        assert verify(disk, pinned).signed
    assert [(key.vkey, key.last is None) for key in known_keys(str(disk.path))] == [
        (OLD_KEY, False),
        (NEW_KEY, False),
        (THIRD_KEY, True),
    ]


# --- trust --------------------------------------------------------------------------------------------------------


def test_who_pinned_the_old_key_comes_to_trust_the_new_one(disk: DiskTrail) -> None:
    rotate(disk)
    disk.now += OVERLAP
    rotate(disk)
    assert signed_by(disk) == {NEW_KEY}
    assert verify(disk, OLD_KEY).signed
    with pytest.raises(AuditDamagedError, match="no known key has signed"):
        verify(disk, THIRD_KEY)


def test_the_certificate_of_the_rotation_needs_only_the_old_key(disk: DiskTrail) -> None:
    disk.fill(6)
    rotate(disk)
    (path,) = (disk.path / "rotations").iterdir()
    log = TrustedLog(origin=ORIGIN, keys=(OLD.key,))
    entry = verify_certificate(parse_certificate(path.read_bytes()), log)
    assert json.loads(entry.entry)["new"] == NEW_KEY
    assert path.name == f"{entry.index:020d}.tlog-proof"
    assert entry.checkpoint.size == entry.index + 1


def test_trust_goes_over_pruned_records(disk: DiskTrail) -> None:
    rotate(disk)
    for month in (4, 5):
        disk.now = at(f"2026-{month:02d}-10")
        disk.fill(1)
    disk.signer = NEW
    with disk.open() as trail:
        decisions = Decisions()
        decisions.apply_all(TrailOnDisk(str(disk.log)).records())
        trail.prune(plan_pruning(str(disk.path), at("2026-05-11"), decisions), decisions)
    assert "key.rotated" not in disk.types()
    assert verify(disk, OLD_KEY).first > 0


def test_a_key_that_was_slipped_in_is_found(disk: DiskTrail) -> None:
    """Somebody who may write the files, and has no key of ours, adds a key of his own and signs with it."""
    (disk.path / "keys").write_text(f"{OLD_KEY} 0\n{THIRD_KEY} 2\n")
    with pytest.raises(AuditDamagedError, match=r"signs from 2 records on, and no record announces it"):
        verify(disk)
    disk.signer = THIRD
    disk.fill(1)
    with pytest.raises(AuditDamagedError, match="no record announces it"):
        verify(disk)
    with pytest.raises(AuditDamagedError):
        verify(disk, OLD_KEY)


def test_a_key_that_was_slipped_in_for_the_first_shows_against_the_pinned_one(disk: DiskTrail) -> None:
    (disk.path / "keys").write_text(f"{THIRD_KEY} 0\n")
    size, root = len(disk.lines()), root_by_definition([leaf(line) for line in disk.lines()])
    (disk.path / "checkpoint").write_bytes(format_head(ORIGIN, size, root, [THIRD]))
    assert verify(disk).signed
    with pytest.raises(AuditDamagedError, match="no known key has signed"):
        verify(disk, OLD_KEY)


def test_a_certificate_by_a_stranger_makes_nobody_trust_him(disk: DiskTrail, tmp_path: Path) -> None:
    other = DiskTrail(tmp_path / "other", now=disk.now, signer=NEW)
    other.fill(2)
    rotate(other, upcoming=THIRD)
    (path,) = (other.path / "rotations").iterdir()
    (disk.path / "rotations").mkdir()
    (disk.path / "rotations" / path.name).write_bytes(path.read_bytes())
    assert trusted_keys(str(disk.path), ORIGIN, [OLD_KEY]) == [OLD.key]
    assert trusted_keys(str(disk.path), ORIGIN, [NEW_KEY]) == [NEW.key, THIRD.key]


@pytest.mark.parametrize(
    "change", [lambda data: data[:-9], lambda data: b"", lambda data: data.replace(b"extra e", b"extra f")]
)
def test_a_certificate_that_is_damaged_is_named(disk: DiskTrail, change: Any) -> None:
    rotate(disk)
    (path,) = (disk.path / "rotations").iterdir()
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(AuditDamagedError, match=r"0004\.tlog-proof"):
        verify(disk, OLD_KEY)
    assert verify(disk).signed


def test_a_head_beyond_what_a_retired_key_may_sign_is_not_its(disk: DiskTrail) -> None:
    """The old key was stolen after it retired: it signs no head of a size that came later."""
    rotate(disk)
    disk.now += OVERLAP
    rotate(disk)
    stolen = DiskTrail(disk.path, now=disk.now, signer=OLD)
    keys = (disk.path / "keys").read_bytes()
    stolen.fill(3)
    (disk.path / "keys").write_bytes(keys.replace(b" 0 7\n", b" 0\n"))
    stolen.fill(1)
    assert signed_by(disk) == {OLD_KEY}
    (disk.path / "keys").write_bytes(keys)
    with pytest.raises(AuditDamagedError, match="does not verify"):
        verify(disk)


def test_what_is_pinned_has_to_be_a_key(disk: DiskTrail) -> None:
    with pytest.raises(UsageError, match="write a public key as it was printed"):
        verify(disk, "x+y+z")


def test_with_a_pinned_key_an_unsigned_head_is_damage(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(1)
    with pytest.raises(AuditDamagedError, match="the head is not signed"):
        verify(disk, OLD_KEY)


# --- what fails ---------------------------------------------------------------------------------------------------


def test_where_the_certificate_cannot_be_kept_the_old_key_goes_on_alone(disk: DiskTrail) -> None:
    (disk.path / "rotations").write_bytes(b"in the way")
    rotate(disk)
    assert signed_by(disk) == {OLD_KEY}
    assert read_keys(str(disk.path)) == {OLD_KEY: 0}
    (disk.path / "rotations").unlink()
    assert verify(disk, OLD_KEY).signed
    rotate(disk)
    assert signed_by(disk) == {OLD_KEY, NEW_KEY}
    assert verify(disk, OLD_KEY).signed
    assert disk.types().count("key.rotated") == 2


def test_where_the_end_cannot_be_noted_both_go_on(disk: DiskTrail) -> None:
    rotate(disk)
    draft = disk.path / f"keys.new-{os.getpid()}"
    with disk.open(next_signer=NEW) as trail:
        disk.now += OVERLAP
        draft.mkdir()
        trail.publish()
        assert signed_by(disk) == {OLD_KEY, NEW_KEY}
        draft.rmdir()
        trail.publish()
        assert signed_by(disk) == {NEW_KEY}


# --- the private halves -------------------------------------------------------------------------------------------


@dataclass
class Keys:
    """Where private keys lie."""

    root: Path
    credentials: Path = field(init=False)

    def __post_init__(self) -> None:
        self.credentials = self.root / "credentials"
        self.credentials.mkdir()

    @property
    def path(self) -> str:
        return str(self.root / "audit.key")

    def load(self) -> Signers:
        return load_signers(self.path, ORIGIN, credentials=str(self.credentials))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def vkey_of(signer: Signer | None) -> str | None:
    return None if signer is None else format_vkey(signer.key)


def test_a_next_key_is_made_beside_the_one_in_use(keys: Keys) -> None:
    old = make_key(keys.path, ORIGIN)
    new = make_next_key(keys.path, ORIGIN)
    signers = keys.load()
    assert (vkey_of(signers.current), vkey_of(signers.upcoming)) == (old, new)
    assert os.stat(f"{keys.path}.next").st_mode & 0o777 == 0o600
    with pytest.raises(CannotCreateError, match="a rotation is under way already"):
        make_next_key(keys.path, ORIGIN)
    assert keys.load() == signers or vkey_of(keys.load().upcoming) == new


def test_there_is_nothing_to_rotate_without_a_key(keys: Keys) -> None:
    with pytest.raises(CannotCreateError, match="there is no key that could be rotated"):
        make_next_key(keys.path, ORIGIN)


def test_when_the_old_key_has_retired_the_new_one_takes_its_place(keys: Keys, tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-03-01"))
    make_key(keys.path, ORIGIN)
    new = make_next_key(keys.path, ORIGIN)

    def start() -> Trail:
        finish_rotation(str(disk.path), keys.path, ORIGIN)
        signers = keys.load()
        with disk.open(signer=signers.current, next_signer=signers.upcoming) as trail:
            trail.append(beats())
            return trail

    start()
    assert keys.load().upcoming is not None
    disk.now += OVERLAP
    start()
    assert keys.load().upcoming is not None
    start()
    assert (vkey_of(keys.load().current), keys.load().upcoming) == (new, None)
    assert verify(disk, new).signed
    assert make_next_key(keys.path, ORIGIN) != new
    assert start().head().signed
    assert verify(disk, new).signed


def test_a_key_that_has_not_retired_stays(keys: Keys, tmp_path: Path) -> None:
    make_key(keys.path, ORIGIN)
    before = Path(keys.path).read_bytes()
    assert not finish_rotation(str(tmp_path), keys.path, ORIGIN)
    make_next_key(keys.path, ORIGIN)
    assert not finish_rotation(str(tmp_path), keys.path, ORIGIN)
    assert Path(keys.path).read_bytes() == before


def hand_over(keys: Keys, name: str, source: str) -> Path:
    """Hand a key over as systemd does: readable by the service alone, in a directory of its own."""
    path = keys.credentials / name
    path.write_bytes(Path(source).read_bytes())
    path.chmod(0o400)
    return path


def test_a_key_may_come_as_a_credential_of_the_unit(keys: Keys, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    vkey = make_key(elsewhere, ORIGIN)
    assert keys.load() == Signers(None)
    hand_over(keys, "audit-key", elsewhere)
    assert vkey_of(keys.load().current) == vkey
    other = str(tmp_path / "other")
    upcoming = make_key(other, ORIGIN)
    hand_over(keys, "audit-key-next", other)
    assert (vkey_of(keys.load().current), vkey_of(keys.load().upcoming)) == (vkey, upcoming)


def test_a_file_and_a_credential_that_differ_are_refused(keys: Keys, tmp_path: Path) -> None:
    make_key(keys.path, ORIGIN)
    hand_over(keys, "audit-key", keys.path)
    assert keys.load().current is not None
    other = str(tmp_path / "other")
    make_key(other, ORIGIN)
    (keys.credentials / "audit-key").unlink()
    hand_over(keys, "audit-key", other)
    with pytest.raises(ConfigurationError, match="are two different signing keys; keep only one"):
        keys.load()


@pytest.mark.parametrize("name", ["audit-key", "audit-key-next"])
def test_a_credential_that_others_may_read_is_refused_with_the_command_to_run(keys: Keys, name: str) -> None:
    make_key(keys.path, ORIGIN)
    path = hand_over(keys, name, keys.path)
    path.chmod(0o444)
    with pytest.raises(NotPermittedError, match="mode 0444") as caught:
        keys.load()
    subprocess.run(str(caught.value).split("run: ")[1], shell=True, check=True)
    assert keys.load().current is not None


@pytest.mark.parametrize("row", ["", " 5", " 0 x", " 0 1 2", " -1", " 0 -1", " 01", "  0"])
def test_rows_of_keys_that_are_none_are_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "keys").write_text(f"{OLD_KEY} 0 5\n{'' if row == ' 5' else NEW_KEY}{row}\n")
    with pytest.raises(StorageError, match="keys, line 2: is no key"):
        known_keys(str(tmp_path))


@pytest.mark.privileged
def test_systemd_hands_a_key_over_to_the_service(tmp_path: Path) -> None:
    needs("systemd-creds")
    path = str(tmp_path / "key")
    vkey = make_key(path, ORIGIN)
    run = subprocess.run(["systemd-creds", "setup"], capture_output=True, text=True, check=False)
    sealed = subprocess.run(
        ["systemd-creds", "encrypt", "--with-key=host", "--name=audit-key", path, "-"], capture_output=True, check=False
    )
    if run.returncode or sealed.returncode:
        pytest.skip(f"needs a host key of systemd-creds: {run.stderr} {sealed.stderr!r}")
    (tmp_path / "credentials").mkdir()
    opened = subprocess.run(
        ["systemd-creds", "decrypt", "--name=audit-key", "-", "-"], input=sealed.stdout, capture_output=True, check=True
    )
    handed = tmp_path / "credentials" / "audit-key"
    handed.write_bytes(opened.stdout)
    handed.chmod(0o400)
    signers = load_signers(str(tmp_path / "none"), ORIGIN, credentials=str(tmp_path / "credentials"))
    assert vkey_of(signers.current) == vkey
