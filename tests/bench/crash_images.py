"""Several hundred power cuts. `python -m tests.bench.crash_images`; takes about twenty minutes.

The same as tests/system/test_crash_images.py, before every call that changes a disk or makes that durable, and before
many of the others.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.bench.tables import host, put, table
from tests.system.crash import SIZES, Seen, crash_disks
from tests.system.trial import KILLED, Fault, spread

EVERY = ("renameat2", "unlinkat", "unlink", "rename", "fsync", "fdatasync", "write", "pwrite64", "mkdir", "ftruncate")
SOME = {"openat": 40, "openat2": 20, "newfstatat": 40, "close": 20}


def points(counts: Counter[str]) -> list[Fault]:
    faults = [Fault(call, number, KILLED) for call in EVERY for number in range(1, counts[call] + 1)]
    return faults + [Fault(call, number, KILLED) for call in SOME for number in spread(counts[call], SOME[call])]


def cut_all(root: Path, kind: str) -> tuple[Seen, list[str]]:
    """Cut the power at all points; what was not recovered from is noted, not raised."""
    seen, failed = Seen(), []
    with crash_disks(root, kind) as disks:
        faults = points(disks.counts())
        for number, fault in enumerate(faults, start=1):
            try:
                disks.cut(fault, seen)
            except AssertionError as error:
                failed.append(f"{kind}, {fault}: {error}")
                print(f"  NOT RECOVERED {failed[-1]}", file=sys.stderr, flush=True)
            if number % 50 == 0:
                print(f"  {kind}: {number} of {len(faults)}", file=sys.stderr, flush=True)
    return seen, failed


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as made:
        for kind in SIZES:
            seen, failed = cut_all(Path(made, kind), kind)
            part = (seen.untouched, seen.with_open_intents, seen.finished)
            rows.append((kind, seen.images, *part, len(failed)))
    head = ("file system", "pairs of images", "untouched", "with open intents", "finished", "not recovered")
    put("crash-images", table(head, rows) + f"\n{host()}.\n")


if __name__ == "__main__":
    main()
