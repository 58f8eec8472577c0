"""I5: one module removes or moves names in a store. Every other spelling is searched for."""

import re
from pathlib import Path

import pytest

import retentiond

ROOT = Path(retentiond.__file__).parent

SPELLINGS = {
    "os.unlink": r"\bos\.unlink\b",
    "os.remove": r"\bos\.remove(dirs)?\b",
    "os.rename": r"\bos\.renames?\b",
    "os.replace": r"\bos\.replace\b",
    "os.rmdir": r"\bos\.rmdir\b",
    "shutil.": r"\bshutil\.(?!which\b)",  # which only looks for a program
    ".unlink(": r"\.unlink\(",
    ".rename(": r"\.rename\(",
    ".rmdir(": r"\.rmdir\(",
    "truncate": r"truncate",
    "renameat": r"renameat",
    "rename_noreplace": r"rename_noreplace",
    "from os import": r"\bfrom (os|shutil) import\b",
}

EVERYTHING = frozenset(SPELLINGS)
ALLOWED: dict[str, frozenset[str]] = {
    "storage/claim.py": EVERYTHING,  # the one place
    "storage/syscalls.py": frozenset({"renameat", "rename_noreplace"}),  # defines the call, makes none
    # Our own state files: replaces them, takes an unfinished draft away, gives spare room back. No path in a store.
    "durable.py": frozenset({"os.replace", "os.unlink", ".unlink("}),
    # The trail's own segment, by descriptor: a torn tail goes, and what was reserved behind the last line at the end.
    "audit/recovery.py": frozenset({"truncate"}),
    "audit/segment_file.py": frozenset({"truncate"}),
    # Below the trail's own directory: whole segments after `audit.keep`, and a damaged trail that is set aside.
    "audit/prune.py": frozenset({"os.unlink", ".unlink("}),
    "audit/fork.py": frozenset({"os.rename", ".rename("}),
    # Below the state directory only: a damaged catalogue is set aside, and a stale socket is replaced.
    "catalogue/open.py": frozenset({"os.replace"}),
    "control/server.py": frozenset({"os.replace", "os.unlink", ".unlink("}),
}


def spellings_in(text: str) -> set[str]:
    return {name for name, pattern in SPELLINGS.items() if re.search(pattern, text)}


def _sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("source", _sources())
def test_names_are_removed_and_moved_in_one_place_only(source: str) -> None:
    found = spellings_in((ROOT / source).read_text(encoding="utf-8"))
    assert found - ALLOWED.get(source, frozenset()) == set()


@pytest.mark.parametrize(
    "line",
    [
        "os.unlink(path)", "os.remove(path)", "os.removedirs(path)", "os.rename(a, b)", "os.renames(a, b)",
        "os.replace(a, b)", "os.rmdir(a)", "shutil.rmtree(a)", "shutil.move(a, b)", "path.unlink()", "path.rename(b)",
        "path.rmdir()", "os.ftruncate(fd, 0)", "libc.renameat2(a)", "from os import unlink", "from shutil import move",
    ],
)  # fmt: skip
def test_the_search_finds_every_spelling(line: str) -> None:
    assert spellings_in(line)


def test_the_search_is_not_in_the_dark() -> None:
    assert "storage/claim.py" in _sources()
    assert {"os.unlink", "os.rename", "rename_noreplace"} <= spellings_in((ROOT / "storage/claim.py").read_text())
