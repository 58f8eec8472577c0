"""Deletions under attack, by us and by others. `python -m tests.bench.under_attack`; takes about twenty minutes.

The same harness as tests/integration/storage/test_attacker.py, for as long as it takes to delete 20,000 recordings by
each method under each attack.
"""

import argparse
import math
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.attack.arena import Arena, Attack, Method, Tally, compiled
from tests.attack.methods import Ours, find_delete, stat_and_unlink
from tests.bench.tables import host, put, table
from tests.world import World

PATIENCE_S = 900.0
"""So long a method other than ours is waited for; what moves under it all the time it may never find."""

FEW, MANY = 40, 500
"""So many recordings are laid out in a round; the fewer there are, the more often each of them is exchanged."""

NAMES = {"retentiond": None, "lstat, then unlink": stat_and_unlink, "find -mtime +30 -delete": find_delete}


def fight(root: Path, program: Path, attack: Attack, method: Method | None, deletions: int) -> Tally:
    """Have recordings deleted under an attack until there are `deletions` of them; None stands for our own way."""
    if method is not None:
        return _rounds(Arena(root, root / "store", program, attack), method, deletions)
    world = World(root, now=datetime.now(UTC).replace(microsecond=0))
    world.start()
    world.scan()
    arena = Arena(root, world.store_path, program, attack)
    tally = _rounds(arena, Ours(arena, world), deletions)
    world.stop()
    return tally


def _rounds(arena: Arena, method: Method, deletions: int) -> Tally:
    end = math.inf if isinstance(method, Ours) else time.monotonic() + PATIENCE_S
    while arena.tally.deleted < deletions and time.monotonic() < end:
        arena.round(method, FEW if arena.attack is Attack.FILES else MANY)
        if arena.tally.rounds % 500 == 0:
            print(f"  {arena.tally.deleted:,} of {deletions:,}", file=sys.stderr, flush=True)
    return arena.tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deletions", type=int, default=20_000)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    chosen = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        program = compiled(Path(made))
        for attack in Attack:
            for name, method in NAMES.items():
                root = Path(made) / f"{attack.name}-{len(rows)}"
                root.mkdir()
                tally = fight(root, program, attack, method, chosen.deletions)
                print(attack, name, tally, file=sys.stderr, flush=True)
                rows.append((attack.value, name, tally.deleted, tally.attacks, tally.wrong, tally.false_records))
    head = ("attack", "method", "deletions", "moves of the attacker", "wrong files deleted", "false records")
    put("under-attack", table(head, rows) + f"\n{host()}.\n")


if __name__ == "__main__":
    main()
