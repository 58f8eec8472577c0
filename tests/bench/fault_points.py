"""Every call of a run, killed, refused and lied about. `python -m tests.bench.fault_points`; takes half an hour.

The same as tests/system/test_killed.py, at every call instead of at some, and it goes on after a point that fails.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.bench.tables import host, put, table
from tests.system.trial import ERRORS, KILLED, LIE, Fault, Trial, for_each, trials_in, undergo
from tests.system.warm import count_calls

NOT_OURS = frozenset({"exit_group", "futex", "mmap", "munmap", "mremap", "brk", "madvise", "getpid", "geteuid"})
"""Calls of the process itself: they are killed at, but an error there is no fault of a disk."""

EACH_ERROR = ("renameat2", "unlinkat", "unlink", "rename", "fsync", "fdatasync", "write", "openat2", "mkdir", "statx")
"""Calls that get every error at each of their points; the others get one error at each point, in turn."""

LIES = ("unlinkat", "unlink", "renameat2", "rename", "fsync", "fdatasync", "ftruncate", "fallocate")


def kills(counts: Counter[str]) -> list[Fault]:
    return [Fault(call, number, KILLED) for call, count in counts.items() for number in range(1, count + 1)]


def refusals(counts: Counter[str]) -> list[Fault]:
    faults = []
    for call, count in counts.items():
        for number in range(1, count + 1):
            kinds = ERRORS if call in EACH_ERROR else (ERRORS[number % len(ERRORS)],)
            ours = call not in NOT_OURS and not call.startswith("rt_sig")
            faults += [Fault(call, number, kind) for kind in kinds if ours]
    return faults


def lies(counts: Counter[str]) -> list[Fault]:
    return [Fault(call, number, LIE) for call in LIES for number in range(1, counts[call] + 1)]


def run_all(trials: Sequence[Trial], faults: Sequence[Fault], failed: list[str]) -> int:
    """Try all faults and return how many came to pass; what was not recovered from is noted, not raised."""
    done: list[int] = []

    def noting(trial: Trial, fault: Fault) -> bool:
        done.append(1)
        if len(done) % 100 == 0:
            print(f"  {len(done)} of {len(faults)}", file=sys.stderr, flush=True)
        try:
            return undergo(trial, fault)
        except AssertionError as error:
            failed.append(f"{fault}: {(str(error) or 'not as promised').splitlines()[0]}")
            print(f"  NOT RECOVERED {failed[-1]}", file=sys.stderr, flush=True)
            return True

    return for_each(trials, faults, noting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["kills", "refusals", "lies"])
    chosen = parser.parse_args()
    kinds = {"kills": kills, "refusals": refusals, "lies": lies}
    names = {
        "kills": "killed (SIGKILL) before the call",
        "refusals": f"one call refused: {', '.join(ERRORS)}",
        "lies": "one call does nothing and says that it did",
    }
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as made:
        roots = [Path(made, f"worker{number}") for number in range(2)]
        for root in roots:
            root.mkdir()
        with trials_in(roots) as trials:
            trials[0].restore()
            counts = count_calls(trials[0].log_of_a_run())
            for kind, faults_of in kinds.items():
                if chosen.only in (None, kind):
                    failed: list[str] = []
                    faults = faults_of(counts)
                    happened = run_all(trials, faults, failed)
                    rows.append((names[kind], len(faults), happened, len(failed)))
                    print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    text = table(("fault", "points tried", "came to pass", "not recovered"), rows)
    text += f"\nA run that deletes five recordings makes {sum(counts.values()):,} system calls. {host()}.\n"
    put("fault-points", text) if chosen.only is None else print(text)


if __name__ == "__main__":
    main()
