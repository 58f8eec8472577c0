"""What is exported: records with the line that they stand in, and the hash by which the tree knows it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retentiond.audit.head import read_head
from retentiond.audit.reader import AuditFilter, entries_since, expect_attested, expect_trail
from retentiond.evidence.known_heads import trail_name
from retentiond.ports import Head
from retentiond.tlog.tree import EMPTY_ROOT, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One record.

    Attributes:
        origin: the name of the trail.
        line: the line as it stands in the trail, as text without LF.
        fields: all of it.
        leaf: its leaf hash, in hex: `prev` in the record after it, and what a certificate proves.
    """

    origin: str
    line: str
    fields: Mapping[str, Any]
    leaf: str

    @property
    def uid(self) -> str:
        """What names this record among all records of all trails."""
        return f"{self.origin}#{self.fields['seq']}"

    @property
    def host(self) -> str:
        """The first part of the origin, which is the name of the recording server where nobody chose another."""
        return self.origin.partition("/")[0]

    def about(self, key: str) -> Any:  # noqa: ANN401  a field of a record
        """Return a field of the recording that the record is about, or of the record itself; None if it has none."""
        rec = self.fields.get("rec")
        return rec[key] if isinstance(rec, dict) and key in rec else self.fields.get(key)


def exported_records(directory: str, wanted: AuditFilter) -> Iterator[Exported]:
    """Yield the wanted records of the trail in `directory`, in order, as far as it is written now.

    Raises:
        AuditDamagedError: a line is no record, or records are missing that the head on disk attests.
        StorageError: it cannot be read.
    """
    log = os.path.join(directory, "log")
    expect_trail(log)
    origin, count = trail_name(directory), 0
    head = read_head(directory) or Head(0, EMPTY_ROOT, signed=False)  # before the lines: a writer may be at work
    for entry in entries_since(log):
        count = entry.fields["seq"] + 1
        if wanted.wants(entry.record):
            leaf = leaf_hash(entry.line).hex()
            yield Exported(origin=origin, line=entry.line.decode(), fields=entry.fields, leaf=leaf)
    expect_attested(log, count, head)
