"""Runs every bench, or those that are named. `make bench`, or `make bench ARGS="audit_speed"`.

Each prints its tables and puts them into docs/performance.md or docs/reliability.md. They measure ratios beside a peer
in the same run, and assert nothing: figures are of one machine.
"""

import argparse
import subprocess
import sys

BENCHES = (
    "audit_speed",
    "scan_speed",
    "rescan_speed",
    "names_speed",
    "probe_speed",
    "deletion_speed",
    "under_attack",
    "fault_points",
    "sweep_speed",
    "rows_speed",
    "rooms_speed",
    "lateness",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", nargs="*", metavar="BENCH", help=f"one or more of {', '.join(BENCHES)}; default: all")
    chosen = parser.parse_args().bench or BENCHES
    unknown = sorted(set(chosen) - set(BENCHES))
    if unknown:
        parser.error(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    failed = [
        name for name in chosen if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode
    ]
    if failed:
        print(f"did not end well: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
