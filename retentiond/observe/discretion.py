"""What the world may read (I10): no path, and no text that may hold one or the name of a person.

A finding's message is written for the operator and for the record. It may carry the text of an error, which names
files, and an operator names directories and cameras as he likes. So the page and the endpoint show what a kind of
finding means, about which store or camera it is, and where on the server the rest can be read.
"""

import re
from dataclasses import replace

from retentiond.domain.finding import Finding, FindingKey
from retentiond.domain.meaning import MEANING
from retentiond.ports import Snapshot

_PATH = re.compile(r"(?<![^\s'\"(\[{=:,;])/(?=[^\s/]).*", re.DOTALL)
"""An absolute path and all that comes after it: a name in it may hold spaces."""

CUT = "…"


def without_paths(text: str) -> str:
    """Return `text` up to the first absolute path in it."""
    return _PATH.sub(CUT, text)


def in_public(item: Finding) -> Finding:
    """Return the finding as everybody may read it."""
    remedy = f"read it on the recording server: retentiond findings show {item.key.kind.value}"
    return Finding(_public_key(item.key), MEANING[item.key.kind], remedy)


def for_everybody(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as everybody may read it."""
    acknowledged = frozenset(_public_key(key) for key in snapshot.acknowledged)
    return replace(snapshot, findings=tuple(in_public(item) for item in snapshot.findings), acknowledged=acknowledged)


def _public_key(key: FindingKey) -> FindingKey:
    return replace(key, subject=without_paths(key.subject))
