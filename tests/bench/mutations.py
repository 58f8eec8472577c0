"""Each operator, comparison, number and condition of a module changed, one at a time: do its tests notice?

`python -m tests.bench.mutations [MODULE...]`; all modules take two hours of one core. It needs `cosmic-ray`, which
makes the changes (`pip install -e '.[mutations]'`). A mutant is tried in a process of its own; no file is changed.
"""

import argparse
import difflib
import importlib.abc
import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest
import yaml
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.bench.tables import put, table

PRELOADED = (hypothesis, yaml)
"""What the tests want besides the program: read once, before a process is split off for each mutant."""

TREE = Path(__file__).parents[2]
DOMAIN = sorted(path.stem for path in TREE.glob("retentiond/domain/*.py") if path.stem != "__init__")
ENFORCE = "tests/integration/enforce/"
STORAGE = "tests/integration/storage/"
PROPERTY = "tests/property/"

NEAR = {
    "retentiond/storage/claim.py": [STORAGE + name for name in ("test_claim.py", "test_prune_links.py")],
}
"""The tests that are tried first, where it is not the one of the same name in tests/unit/domain."""

FAR = {
    "retentiond/domain/clock.py": [PROPERTY + "test_trusted_time.py", ENFORCE + "test_clock.py"],
    "retentiond/domain/decide.py": [PROPERTY + "test_spans_agree_with_decide.py"],
    "retentiond/domain/span.py": [PROPERTY + "test_spans_agree_with_decide.py", PROPERTY + "test_suspended_spans.py"],
    "retentiond/domain/run.py": [PROPERTY + "test_limit.py", ENFORCE + "test_limit.py", ENFORCE + "test_adoption.py"],
    "retentiond/domain/starts.py": [PROPERTY + "test_starts_and_arrivals.py", ENFORCE + "test_starts.py"],
    "retentiond/domain/suspension.py": [PROPERTY + "test_suspended_spans.py", ENFORCE + "test_holds.py"],
    "retentiond/domain/decisions.py": [PROPERTY + "test_decisions_fold.py", PROPERTY + "test_intents_split.py"],
    "retentiond/domain/exposure.py": [PROPERTY + "test_register_history.py"],
    "retentiond/domain/exposure_history.py": [PROPERTY + "test_register_history.py"],
    "retentiond/domain/placement.py": [PROPERTY + "test_register_history.py", "tests/integration/rooms"],
    "retentiond/domain/sound.py": [ENFORCE + "test_sound.py", "tests/integration/rooms"],
    "retentiond/storage/claim.py": [
        *(STORAGE + name for name in ("test_event_directory.py", "test_faults.py", "test_recovery.py")),
        STORAGE + "test_file_systems.py",
    ],
}
"""Tests that are tried on what the near ones did not notice, after tests/unit/domain as a whole."""

STILLBORN = 77
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed."""

    operator: str
    change: str


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text instead of its file."""

    def __init__(self, module: str, text: str) -> None:
        self._name = module.removesuffix(".py").replace("/", ".")
        self._file = str(TREE / module)
        self._text = text

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self, origin=self._file) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._file
        exec(compile(self._text, self._file, "exec"), module.__dict__)


def _child(module: str, text: str, tests: Sequence[str]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.meta_path.insert(0, Mutated(module, text))
    try:
        __import__(module.removesuffix(".py").replace("/", "."))
    except Exception:  # noqa: BLE001 - whatever a mutant raises
        os._exit(STILLBORN)
    code = pytest.main(["-x", "-q", "-W", "ignore", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    os._exit(int(code))


def outcome(module: str, text: str, tests: Sequence[str]) -> int:
    """Return pytest's exit code for the module as `text`, 0 if nothing was noticed, STILLBORN if it cannot be read."""
    child = multiprocessing.get_context("fork").Process(target=_child, args=(module, text, tests))
    child.start()
    child.join(_PATIENCE_S)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode if child.exitcode is not None else 1


def mutants_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of an operator and the changed text, for each place where it applies."""
    stars = text.count(" *,")
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or "_BitOr_" in name:  # types and flags: nothing that is computed
            continue
        occurrence = 0
        while (changed := mutate_code(text, operator(), occurrence)) is not None:
            if changed.count(" *,") == stars:  # the star of a signature is no product
                yield name.removeprefix("core/"), changed
            occurrence += 1


def _change(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return " → ".join(line[1:].strip() for line in list(lines)[2:] if line[:1] in "+-")


def try_all(module: str) -> tuple[int, list[Survivor]]:
    """Return how many mutants of a module there are, and those that survived."""
    text = (TREE / module).read_text(encoding="utf-8")
    named = f"tests/unit/domain/test_{Path(module).stem}.py"
    near = NEAR.get(module, [named] if (TREE / named).exists() else ["tests/unit/domain"])
    far = ([] if module in NEAR else ["tests/unit/domain"]) + FAR.get(module, [])
    if outcome(module, text, [*near, *far]) != 0:
        raise SystemExit(f"{module}: its tests fail as it is")
    count = 0
    survivors = []
    for operator, changed in mutants_of(text):
        code = outcome(module, changed, near)
        if code == STILLBORN:
            continue
        count += 1
        if code == 0 and (not far or outcome(module, changed, far) == 0):
            survivors.append(Survivor(operator, _change(text, changed)))
            print(f"  {module} {operator}: {survivors[-1].change}", file=sys.stderr, flush=True)
    return count, survivors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    modules = [f"retentiond/domain/{name}.py" for name in DOMAIN] + ["retentiond/storage/claim.py"]
    parser.add_argument(
        "module", nargs="*", metavar="MODULE", default=modules, help="default: the domain and the claim"
    )
    chosen = parser.parse_args().module
    rows: list[tuple[object, ...]] = []
    for module in chosen:
        count, survivors = try_all(module)
        rows.append((f"`{module}`", count, count - len(survivors), len(survivors)))
        print(*rows[-1], file=sys.stderr, flush=True)
    text = table(("module", "mutants", "noticed", "survived"), rows) + f"\n{time.strftime('%Y-%m-%d')}.\n"
    put("mutations", text) if chosen == modules else print(text)


if __name__ == "__main__":
    os.chdir(TREE)
    main()
