"""The trail as others read it: jq, openssl, an RFC 8785 package, a Merkle package, and RFC 9162 written down again."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
import rfc8785

from retentiond.audit.kept import read_base
from retentiond.audit.leaves import read_tree
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.rotation import OVERLAP
from retentiond.audit.spool import Spool
from retentiond.domain.decisions import Decisions
from retentiond.domain.event import EventType, finding_opened, intents, recording_deleted
from retentiond.tlog.key import Signer, format_vkey
from retentiond.tlog.proof import consistency_proof, inclusion_proof
from tests.builders import NOW, STORE, a_due, a_finding, a_recording, an_event, an_intended, at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, needs, root_by_definition
from tests.integration.audit.merkle import extends, hash_leaf, includes

NEXT = Signer.from_seed(ORIGIN, bytes(range(1, 33)))


@pytest.fixture
def lived(tmp_path: Path) -> tuple[DiskTrail, list[bytes]]:
    """Return a trail that went through everything: months, a gap, a rotation, a pruning; and all lines of its life."""
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"), signer=SIGNER)
    name = b"caf\xc3\xa9/\xff\x0a\\.mp4"
    with disk.open() as trail:
        (intent,) = trail.append(intents(STORE, "run-1", [an_intended("c-1", recording=a_recording(path=name))]))
        trail.append([recording_deleted(intent.seq, "c-1", a_due(a_recording(path=name)), {"bytes": 5}, now=NOW)])
        trail.append([finding_opened(a_finding()), *beats(20)])
    disk.now = at("2026-02-10")
    with disk.open(next_signer=NEXT) as trail:
        spool = Spool(str(tmp_path / "gap.jsonl"), [], lambda: disk.now)
        spool.take([an_event(EventType.RUN_COMPLETED, approval=None)], size=trail.head().size, why="full\tdisk \u2028")
        spool.give_back(trail)
        trail.append(beats(7))
    disk.now = at("2026-03-10")
    disk.fill(1, each=7)
    lines = disk.lines()
    with disk.open(next_signer=NEXT) as trail:
        decisions = Decisions()
        decisions.apply_all(TrailOnDisk(str(disk.log)).records())
        trail.prune(plan_pruning(str(disk.path), at("2026-02-11"), decisions), decisions)
        trail.append(beats(3))
    return disk, lines + disk.lines()[len(lines) - read_base(str(disk.path)).first :]


def test_jq_and_rfc_8785_write_the_very_same_bytes(lived: tuple[DiskTrail, list[bytes]]) -> None:
    needs("jq")
    disk, lines = lived
    assert all(rfc8785.dumps(json.loads(line)) == line for line in lines)
    for path in disk.files():
        run = subprocess.run(["jq", "-cS", ".", str(path)], capture_output=True, check=True)
        assert run.stdout == path.read_bytes()
    assert {"audit.gap", "key.rotated", "audit.segment"} <= {json.loads(line)["type"] for line in lines}
    assert "audit.pruned" in disk.types()


def test_every_proof_of_what_is_kept_convinces_somebody_else(lived: tuple[DiskTrail, list[bytes]]) -> None:
    disk, lines = lived
    subtrees, head = read_tree(str(disk.path))
    leaves = [hash_leaf(line) for line in lines]
    root = root_by_definition(leaves)
    assert (head.size, head.root) == (len(lines), root)
    assert disk.checkpoint()[1:] == (len(lines), root)
    first = read_base(str(disk.path)).first
    assert 0 < first < len(lines)
    for index in range(first, len(lines)):
        path = inclusion_proof(subtrees, index, len(lines))
        assert includes(lines[index], index, len(lines), root, path)
        assert not includes(lines[index - 1], index, len(lines), root, path)
        assert not includes(lines[index], index, len(lines), root, path[:-1])
        old = root_by_definition(leaves[:index])
        path = consistency_proof(subtrees, index, len(lines))
        assert extends(index, len(lines), old, root, path)
        assert not extends(index, len(lines), root, root, path)


def test_a_merkle_package_finds_the_same_roots_and_paths(lived: tuple[DiskTrail, list[bytes]]) -> None:
    pymerkle = pytest.importorskip("pymerkle")
    disk, lines = lived
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for line in lines:
        tree.append_entry(line)
    subtrees, head = read_tree(str(disk.path))
    assert tree.get_root() == head.root
    first = read_base(str(disk.path)).first
    for index in range(first, len(lines)):
        proof = tree.prove_inclusion(index + 1)
        pymerkle.verify_inclusion(tree.get_leaf(index + 1), head.root, proof)
        hashes = [bytes.fromhex(item) for item in proof.serialize()["path"]]
        assert sorted(inclusion_proof(subtrees, index, head.size)) == sorted(
            item for item in hashes if item != hash_leaf(lines[index])
        )
        assert tree.get_root(index) == root_by_definition([hash_leaf(line) for line in lines[:index]])


def test_openssl_verifies_both_signatures_while_keys_rotate(tmp_path: Path) -> None:
    needs("openssl")
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    disk.fill(2)
    for later, keys in ((0, {SIGNER, NEXT}), (1, {NEXT})):
        disk.now += later * OVERLAP
        with disk.open(next_signer=NEXT) as trail:
            trail.publish()
        text, _, signatures = (disk.path / "checkpoint").read_text().rpartition("\n\n")
        (tmp_path / "text").write_text(f"{text}\n")
        verified = set()
        for line in signatures.splitlines():
            (tmp_path / "signature").write_bytes(base64.b64decode(line.split(" ")[2])[4:])
            verified |= {key for key in (SIGNER, NEXT) if _openssl(tmp_path, format_vkey(key.key))}
        assert verified == keys
        assert len(signatures.splitlines()) == len(keys)


def _openssl(directory: Path, vkey: str) -> bool:
    prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519
    (directory / "key.der").write_bytes(prefix + base64.b64decode(vkey.split("+", 2)[2])[1:])
    command = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -in text -sigfile signature"
    run = subprocess.run(command.split(), cwd=directory, capture_output=True, text=True, check=False)
    return "Signature Verified Successfully" in run.stdout


def test_the_certificate_of_a_rotation_convinces_somebody_else(lived: tuple[DiskTrail, list[bytes]]) -> None:
    """Taken apart by hand, as C2SP tlog-proof says."""
    disk, _ = lived
    (path,) = (disk.path / "rotations").iterdir()
    header, _, note = path.read_text().partition("\n\n")
    version, extra, index, *hashes = header.split("\n")
    assert version == "c2sp.org/tlog-proof@v1"
    entry = base64.b64decode(extra.removeprefix("extra "))
    assert json.loads(entry)["new"] == format_vkey(NEXT.key)
    origin, size, root, *_ = note.split("\n")
    proof = tuple(base64.b64decode(item) for item in hashes)
    assert origin == ORIGIN
    assert includes(entry, int(index.removeprefix("index ")), int(size), base64.b64decode(root), proof)


def test_the_chain_of_a_pruned_trail_is_right_in_the_shell(lived: tuple[DiskTrail, list[bytes]]) -> None:
    """From the first record that is kept on; `pruned.json` says which, and what was before it."""
    needs("jq")
    disk, lines = lived
    script = """
    want=$(jq -r .prev pruned.json); n=$(jq -r .min_index pruned.json)
    for segment in log/*.jsonl; do
      while IFS= read -r line; do
        [ "$(jq -r '"\\(.seq) \\(.prev)"' <<<"$line")" = "$n $want" ] || { echo "broken at $n"; exit 1; }
        want=$(printf '\\0%s' "$line" | sha256sum | cut -d' ' -f1); n=$((n + 1))
      done <"$segment"
    done; echo "$n"
    """
    run = subprocess.run(["bash", "-c", script], cwd=disk.path, capture_output=True, text=True, check=True)
    assert run.stdout == f"{len(lines)}\n"
