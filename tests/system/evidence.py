"""Reads a store and its audit trail from the disk with nothing of the program, and holds them to what was promised."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.integration.audit.merkle import hash_leaf, root_of

OUTCOMES = ("recording.deleted", "deletion.failed", "deletion.void")


@dataclass(frozen=True)
class Scene:
    """A store, its state, and what was put into it: paths below the store, with the instant each falls due."""

    store: Path
    state: Path
    due: dict[str, datetime]
    bystanders: dict[Path, bytes]

    def lines(self) -> list[dict[str, Any]]:
        """Return the whole lines of the trail; a crash may have left half of one more."""
        return [json.loads(line) for line in self._entries()]

    def _entries(self) -> list[bytes]:
        entries = []
        for segment in sorted((self.state / "audit" / "log").glob("*.jsonl")):
            whole, _, _ = segment.read_bytes().rpartition(b"\n")
            entries += [line for line in whole.split(b"\n") if line]
        return entries

    def _hold_head(self) -> None:
        """Each line follows from the one before, and the head is that of lines which are there (I3)."""
        entries, before = self._entries(), "0" * 64
        for entry in entries:
            assert json.loads(entry)["prev"] == before
            before = hash_leaf(entry).hex()
        head = self.state / "audit" / "checkpoint"
        if head.exists():
            _, size, root = head.read_text().split("\n")[:3]
            assert int(size) <= len(entries), f"the head is of {size} records, and {len(entries)} are there"
            assert base64.b64encode(root_of(entries[: int(size)])).decode() == root

    def claimed(self) -> list[str]:
        directory = self.store / ".retentiond" / "claimed"
        return sorted(item.name for item in directory.iterdir()) if directory.exists() else []

    def present(self) -> set[str]:
        """Return which of the due recordings still have their name."""
        return {path for path in self.due if (self.store / path).exists()}

    def open_findings(self) -> set[str]:
        """Return the kinds of findings that were opened on the record and not closed."""
        found: set[tuple[str, str]] = set()
        for line in self.lines():
            if line["type"] == "finding.opened":
                found.add((line["kind"], line["subject"]))
            elif line["type"] == "finding.closed":
                found.discard((line["kind"], line["subject"]))
        return {kind for kind, _ in found}

    def failed(self) -> frozenset[str]:
        """Return what is still there; runs have told of as many failures. It is tried again after a minute."""
        told = sum(line["failed"] + line["void"] for line in self.lines() if line["type"] == "run.completed")
        present = self.present()
        assert len(present) <= told, f"not deleted, and not told: {sorted(present)}"
        return frozenset(present)

    def open_claims(self) -> set[str]:
        """Return the claims of intents that have no outcome yet."""
        lines = self.lines()
        settled = {line["claim"] for line in lines if line["type"] in OUTCOMES}
        return {
            item["claim"] for line in lines if line["type"] == "deletion.intent" for item in line["recordings"]
        } - settled

    def hold_to_promise_at_any_instant(self) -> None:
        """What has to be true wherever the power goes.

        Nothing is gone early, from outside, or without an intent (I1, I2), and no head is of lines that are not (I3).
        """
        self._hold_head()
        lines = self.lines()
        intended = {item["path"] for line in lines if line["type"] == "deletion.intent" for item in line["recordings"]}
        missing = set(self.due) - self.present()
        assert missing <= intended, f"gone without an intent: {sorted(missing - intended)}"
        deleted = {line["rec"]["path"] for line in lines if line["type"] == "recording.deleted"}
        assert deleted <= missing, f"said to be deleted, and there: {sorted(deleted & self.present())}"
        said = {line["claim"] for line in lines if line["type"] == "recording.deleted"}
        assert not said & set(self.claimed()), "said to be deleted, and still claimed"
        self._hold_bystanders()

    def hold_to_promise_at_rest(self, *, left: frozenset[str] = frozenset()) -> None:
        """What has to be true after recovery: each story is closed, and all that is due has gone but what is `left`."""
        self.hold_to_promise_at_any_instant()
        lines = self.lines()
        assert [line["seq"] for line in lines] == list(range(len(lines)))
        stories = self._stories(lines)
        for path, outcomes in stories.items():
            assert outcomes.count("recording.deleted") == (0 if path in self.present() else 1), (path, outcomes)
            assert path in self.due, f"somebody else's recording has a story: {path}"
        assert self.claimed() == []
        assert self.present() == left
        by_others = [line for line in lines if line["type"] == "scan.completed" and line["removed_by_others"]]
        assert not by_others, "our own deletion was taken for somebody else's"

    def _stories(self, lines: list[dict[str, Any]]) -> dict[str, list[str]]:
        """Return the outcomes of each path, in order: each intent has exactly one, after it and never early."""
        intents = {
            item["claim"]: (line["seq"], item)
            for line in lines
            if line["type"] == "deletion.intent"
            for item in line["recordings"]
        }
        named = sum(len(line["recordings"]) for line in lines if line["type"] == "deletion.intent")
        assert named == len(intents), "two intents have one claim"
        stories: dict[str, list[str]] = {}
        settled: set[str] = set()
        for line in lines:
            if line["type"] not in OUTCOMES:
                continue
            claim, path = line["claim"], line["rec"]["path"]
            assert claim not in settled, f"two outcomes for {claim}"
            settled.add(claim)
            intent, item = intents[claim]
            assert (intent, item["path"]) == (line["intent"], path)
            assert line["seq"] > intent
            stories.setdefault(path, []).append(line["type"])
            when = datetime.fromisoformat(line["ts"])
            assert when >= self.due[path], f"{path} went at {when}, before it was due"
        assert settled == set(intents), f"intents without an outcome: {sorted(set(intents) - settled)}"
        return stories

    def _hold_bystanders(self) -> None:
        for path, content in self.bystanders.items():
            assert path.read_bytes() == content, f"{path} was touched"
