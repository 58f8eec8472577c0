"""A configuration with a trail, and the commands on it; and certificates taken apart by hand."""

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retentiond.domain.event import Record, intents, recording_deleted
from tests.builders import NOW, STORE, a_due, a_recording, an_intended
from tests.integration.audit.disk_trail import ORIGIN, DiskTrail

SETTINGS = """\
controller: Example Clinic OÜ
deletion_rules: [{{categories: [video], deletion_period: 30d}}]
stores: [{{name: main, path: {store}, recorder: template, layout: "{{camera}}/%Y-%m-%d/%H-%M-%S.mp4"}}]
state: {state}
register: register.yml
audit: {{origin: {origin}{audit}}}
http: {{listen: none}}
"""


class Desk:
    """Where somebody sits and types commands; the trail lies in the state directory."""

    def __init__(self, root: Path, *, audit: str = "", origin: str = ORIGIN, **trail: Any) -> None:
        self.state, self.config = root / "state", root / "retentiond.yml"
        self.state.mkdir()
        (root / "store").mkdir()
        text = SETTINGS.format(store=root / "store", state=self.state, origin=origin, audit=audit)
        self.config.write_text(text)
        (root / "register.yml").write_text("rooms: []\ndevices: []\n")
        for path in (self.config, root / "register.yml"):
            path.chmod(0o644)
        self.disk = DiskTrail(self.state / "audit", **trail)

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command, which has to end with `status`; return what it printed, errors too."""
        command = [sys.executable, "-m", "retentiond", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


def delete_one(disk: DiskTrail, name: bytes = b"reception/2026-10-09/08-15-22.mp4", *, more: int = 0) -> int:
    """Put a deletion on the record, and `more` after it; return the number of its outcome."""
    outcomes: list[Record] = []
    with disk.open() as trail:
        for number in range(1 + more):
            claim = f"run-1-{number}"
            recording = a_recording(path=name)
            (intent,) = trail.append(intents(STORE, "run-1", [an_intended(claim, recording=recording)]))
            outcomes += trail.append([recording_deleted(intent.seq, claim, a_due(recording), {"bytes": 5}, now=NOW)])
    return outcomes[0].seq


@dataclass(frozen=True)
class ByHand:
    """A proof file taken apart as C2SP tlog-proof writes it down, with none of our code."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes], ...]


def take_apart(data: bytes) -> ByHand:
    header, _, note = data.decode().partition("\n\n")
    version, extra, index, *hashes = header.split("\n")
    assert version == "c2sp.org/tlog-proof@v1"
    text, _, lines = note.rpartition("\n\n")
    origin, size, root = text.split("\n")
    signatures = [line.removeprefix("\u2014 ").split(" ") for line in lines.splitlines()]
    return ByHand(
        entry=base64.b64decode(extra.removeprefix("extra ")),
        index=int(index.removeprefix("index ")),
        path=tuple(base64.b64decode(item) for item in hashes),
        origin=origin,
        size=int(size),
        root=base64.b64decode(root),
        text=f"{text}\n",
        signatures=tuple((name, base64.b64decode(value)) for name, value in signatures),
    )


def openssl_verifies(directory: Path, text: str, signature: bytes, vkey: str) -> bool:
    """Tell whether openssl says that the key of `vkey` signed `text`; the signature has its key id before it."""
    prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519
    (directory / "key.der").write_bytes(prefix + base64.b64decode(vkey.split("+", 2)[2])[1:])
    (directory / "text").write_text(text)
    (directory / "signature").write_bytes(signature[4:])
    command = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -in text -sigfile signature"
    run = subprocess.run(command.split(), cwd=directory, capture_output=True, text=True, check=False)
    return "Signature Verified Successfully" in run.stdout
