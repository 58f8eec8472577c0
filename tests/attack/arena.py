"""A store under attack: what is laid out in it, who attacks, and what has become of everything afterwards.

Every file tells in its content which one it is, so that after a round of deletions it is known what is left, whatever
its name is by then. Old recordings may go; fresh ones and those outside of the store are precious.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tests.system.harness import needs

SOURCE = Path(__file__).with_name("attacker.c")
AGE = timedelta(days=31)
CAMERA = "hall"


class Attack(StrEnum):
    """What the attacker does."""

    NOTHING = "nothing"
    FILES = "fresh and old files exchanged"
    LINK = "a directory exchanged for a link"
    SUBTREE = "a subtree renamed away and back"


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a record of deletions: the file of this inode, which had this name, is gone."""

    inode: int
    path: str


class Method(Protocol):
    """A way to delete the recordings of one day that are older than thirty days."""

    def __call__(self, names: Sequence[Path]) -> Sequence[Told]:
        """Delete what is due among `names` and return the record of it."""
        ...


@dataclass(slots=True)
class Tally:
    """What came of it, over all rounds."""

    deleted: int = 0
    wrong: int = 0
    false_records: int = 0
    attacks: int = 0
    rounds: int = 0
    witnesses: list[str] = field(default_factory=list)


def compiled(directory: Path, source: Path = SOURCE) -> Path:
    """Compile the attacker, or another program, and return it; skips the test where there is no compiler."""
    needs("gcc")
    program = directory / source.stem
    command = ["gcc", "-O2", "-Wall", "-Werror", "-o", str(program), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return program


class Arena:
    """A store at `store`, with what the attacker wants to have deleted beside it."""

    def __init__(self, root: Path, store: Path, program: Path, attack: Attack) -> None:
        self.root = root
        self.store = store
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.tally = Tally()
        self._program = program
        self.attack = attack
        self._outside = root / "outside"
        self._lure = store / CAMERA / "lure"
        self._ids: dict[int, str] = {}

    @property
    def day(self) -> Path:
        """The directory of the day that is due."""
        return self.store / CAMERA / f"{self.now - AGE:%Y-%m-%d}"

    @property
    def today(self) -> Path:
        """The directory of fresh footage."""
        return self.store / CAMERA / f"{self.now:%Y-%m-%d}"

    def starts(self, count: int) -> list[datetime]:
        """Return when the recordings that are due began."""
        midnight = (self.now - AGE).replace(hour=0, minute=0, second=0)
        return [midnight + timedelta(seconds=number) for number in range(count)]

    def round(self, method: Method, count: int) -> None:
        """Lay out `count` recordings, have them deleted while they are attacked, and see what is left."""
        names = self._lay_out(count)
        with self._attacked(names):
            told = method(names)
        self._judge(told)
        self._clear()

    # --- before ---------------------------------------------------------------------------------------------------

    def _lay_out(self, count: int) -> list[Path]:
        begun = [f"{start:%H-%M-%S}.mp4" for start in self.starts(count)]
        old, fresh = self.now - AGE, self.now
        for directory in (self.day, self.today, self._outside):
            directory.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(begun):
            self._write(self.day / name, f"old {number}", old)
            if self.attack is Attack.FILES:
                self._write(self.today / name, f"fresh {number}", fresh)
            if self.attack is Attack.LINK:
                self._write(self._outside / name, f"outside {number}", old)  # whoever follows finds them due
        if self.attack is Attack.LINK:
            self._lure.symlink_to(self._outside)
        return [self.day / name for name in begun]

    def _write(self, path: Path, ident: str, written: datetime) -> None:
        path.write_text(ident)
        os.utime(path, (written.timestamp(), written.timestamp()))
        self._ids[path.stat().st_ino] = ident

    def _pairs(self, names: Sequence[Path]) -> list[Path]:
        match self.attack:
            case Attack.FILES:
                return [path for name in names for path in (name, self.today / name.name)]
            case Attack.LINK:
                return [self.day, self._lure]
            case _:
                return [self.store / CAMERA, self.store / "away"]

    @contextmanager
    def _attacked(self, names: Sequence[Path]) -> Iterator[None]:
        if self.attack is Attack.NOTHING:
            yield
            return
        how = "move" if self.attack is Attack.SUBTREE else "exchange"
        attacker = subprocess.Popen([self._program, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert attacker.stdin is not None
            assert attacker.stdout is not None
            attacker.stdin.write(b"".join(os.fsencode(path) + b"\0" for path in self._pairs(names)))
            attacker.stdin.close()
            attacker.stdout.readline()
            yield
        finally:
            attacker.terminate()
            assert attacker.stdout is not None
            self.tally.attacks += int(attacker.stdout.read() or 0)
            attacker.wait()
            attacker.stdout.close()

    # --- after ----------------------------------------------------------------------------------------------------

    def _judge(self, told: Sequence[Told]) -> None:
        left = set(self._left())
        wrong = {ident for ident in self._ids.values() if not ident.startswith("old")} - left
        lies = [line for line in told if self._ids.get(line.inode) in left or line.inode not in self._ids]
        self.tally.rounds += 1
        self.tally.deleted += len(self._ids) - len(left)
        self.tally.wrong += len(wrong)
        self.tally.false_records += len(lies)
        self.tally.witnesses += [f"{ident} is gone" for ident in sorted(wrong)][:3]
        self.tally.witnesses += [f"{self._ids.get(line.inode)} was told to be gone: {line.path}" for line in lies][:3]

    def _left(self) -> Iterator[str]:
        for top in (self.store, self._outside):
            for directory, below, files in os.walk(top):
                below[:] = [name for name in below if name != ".retentiond"]
                yield from (Path(directory, name).read_text() for name in files)
        claimed = self.store / ".retentiond" / "claimed"
        if claimed.exists():
            assert list(claimed.iterdir()) == [], "a claim was neither finished nor put back"

    def _clear(self) -> None:
        self._ids.clear()
        if self._lure.is_symlink():
            self._lure.unlink()
        for path in (self.store / CAMERA, self.store / "away", self._outside):
            if path.is_symlink():
                path.unlink()
            shutil.rmtree(path, ignore_errors=True)
