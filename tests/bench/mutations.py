"""Each operator, comparison, number and condition of a module changed, one at a time: do its tests notice?

`python -m tests.bench.mutations --results FILE [MODULE...]`. A mutant takes about half a second where a test of the
same name notices it, and a survivor as long as all its tests: MINUTES of one core for all modules. So FILE gathers the
results, a line of JSON for each module, and the tables in docs/reliability.md are made of all that stand in it.

It needs `cosmic-ray`, which makes the changes (`pip install -e '.[mutations]'`). A mutant is tried in a process of its
own, and in those which that starts; no file of the program is changed.
"""

import argparse
import ast
import difflib
import json
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

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
MODULES = [*(f"retentiond/domain/{name}.py" for name in DOMAIN), "retentiond/storage/claim.py"]

UNIT = "tests/unit/domain/"
ENFORCE = "tests/integration/enforce/"
STORAGE = "tests/integration/storage/"
PROPERTY = "tests/property/"
RECORDERS = "tests/unit/recorders/"
ROOMS = "tests/integration/rooms"
INCIDENTS = "tests/integration/incidents"
CACHE = "tests/integration/audit/test_cache.py"
VALUES = UNIT + "test_values.py"

NEAR = {
    "drift": [UNIT + "test_drift.py", *(f"{RECORDERS}test_{name}.py" for name in ("frigate", "moonfire", "viseron"))],
    "hold_event": [UNIT + "test_decisions.py", PROPERTY + "test_decisions_fold.py"],
    "incident_event": [UNIT + "test_decisions.py", PROPERTY + "test_decisions_fold.py"],
    "media": [UNIT + "test_sound.py", VALUES],
    "papers": [UNIT + "test_papers_check.py", VALUES],
    "prohibited": [UNIT + "test_placement.py"],
    "register_event": [UNIT + "test_register_facts.py"],
    "validity": [UNIT + "test_validity.py", UNIT + "test_exposure.py", UNIT + "test_register.py", VALUES],
    "claim": [STORAGE + "test_claim.py", STORAGE + "test_prune_links.py"],
}
"""The tests that are tried first, where it is not the one of the same name in tests/unit/domain."""

FAR = {
    "audit_failure": [ENFORCE + "test_trail_failure.py"],
    "bookings": [ROOMS, "tests/integration/sources/test_bookings_as_written.py"],
    "claim": [
        *(STORAGE + name for name in ("test_recovery.py", "test_file_systems.py")),
        *(STORAGE + name for name in ("test_event_directory.py", "test_faults.py")),
    ],
    "clock": [PROPERTY + "test_trusted_time.py", ENFORCE + "test_clock.py"],
    "decide": [PROPERTY + "test_spans_agree_with_decide.py"],
    "decisions": [PROPERTY + "test_decisions_fold.py", CACHE, PROPERTY + "test_intents_split.py", INCIDENTS],
    "drift": [RECORDERS + "test_mediamtx.py", RECORDERS + "test_motioneye.py"],
    "event": [PROPERTY + "test_intents_split.py", "tests/unit/audit"],
    "exposure": [ROOMS, PROPERTY + "test_register_history.py"],
    "exposure_history": [ROOMS, PROPERTY + "test_register_history.py"],
    "finding": ["tests/unit/observe", CACHE],
    "hold_event": [CACHE, ENFORCE + "test_holds.py"],
    "incident": [PROPERTY + "test_decisions_fold.py", INCIDENTS],
    "incident_event": [CACHE, INCIDENTS],
    "instants": [PROPERTY + "test_text_round_trips.py"],
    "media": [PROPERTY + "test_probe.py"],
    "misnamed": [PROPERTY + "test_sheaves.py", ENFORCE + "test_clock.py"],
    "names": [PROPERTY + "test_text_round_trips.py", "tests/unit/cli/test_words.py"],
    "observed": [RECORDERS + "test_moonfire.py", ENFORCE + "test_frigate.py"],
    "papers": ["tests/unit/settings/test_register_over_time.py", PROPERTY + "test_register_history.py"],
    "papers_check": [ROOMS],
    "period": [PROPERTY + "test_text_round_trips.py"],
    "placement": [ROOMS, PROPERTY + "test_register_history.py"],
    "prohibited": [ROOMS],
    "recording": [RECORDERS + "test_layout.py", RECORDERS + "test_pattern.py"],
    "register": [ROOMS, "tests/unit/settings/test_register_file.py", PROPERTY + "test_register_history.py"],
    "register_event": [PROPERTY + "test_register_history.py"],
    "register_facts": ["tests/integration/cli/test_register_tables.py", PROPERTY + "test_register_history.py"],
    "root_words": ["tests/unit/observe/test_metrics.py"],
    "rule": [PROPERTY + "test_spans_agree_with_decide.py"],
    "run": [PROPERTY + "test_limit.py", ENFORCE + "test_limit.py", ENFORCE + "test_adoption.py"],
    "sound": [ENFORCE + "test_sound.py", "tests/integration/sources/test_sound.py", ROOMS],
    "span": [PROPERTY + "test_suspended_spans.py", PROPERTY + "test_spans_agree_with_decide.py"],
    "starts": [PROPERTY + "test_starts_and_arrivals.py", ENFORCE + "test_starts.py"],
    "suspension": [
        PROPERTY + "test_suspended_spans.py",
        PROPERTY + "test_decisions_fold.py",
        ENFORCE + "test_holds.py",
    ],
    "validity": [ROOMS, PROPERTY + "test_register_history.py"],
    "violation": [PROPERTY + "test_violations.py", INCIDENTS],
}
"""Tests that are tried on what the near ones did not notice, one after another, after tests/unit/domain as a whole."""

STILLBORN = 77
MEMORY = 4 << 30
"""A mutant that gathers without end fails at this."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed: the line as it is, and what became of which part of it."""

    line: int
    text: str
    change: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the mutants of a module."""

    module: str
    mutants: int
    survivors: tuple[Survivor, ...]
    seconds: int
    day: str


FINDER = """
import importlib.util, sys

class Mutated:
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self, origin={file!r}) if name == {name!r} else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = {file!r}
        exec(compile({text!r}, {file!r}, "exec"), module.__dict__)

sys.meta_path.insert(0, Mutated())
"""
"""Imports a module from a text instead of its file, in the process of the tests and in those that they start."""


def _child(module: str, text: str, tests: Sequence[str], place: str) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    name = module.removesuffix(".py").replace("/", ".")
    finder = FINDER.format(name=name, file=str(TREE / module), text=text)
    Path(place, "sitecustomize.py").write_text(finder, encoding="utf-8")
    Path(place).chmod(0o755)
    os.environ["PYTHONPATH"] = place
    exec(finder, {})
    try:
        __import__(name)
    except Exception:  # noqa: BLE001 - whatever a mutant raises
        os._exit(STILLBORN)
    code = pytest.main(["-x", "-q", "-W", "ignore", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    os._exit(int(code))


def outcome(module: str, text: str, tests: Sequence[str], patience_s: float) -> int:
    """Return pytest's exit code for the module as `text`, 0 if nothing was noticed, STILLBORN if it cannot be read."""
    with tempfile.TemporaryDirectory() as place:
        child = multiprocessing.get_context("fork").Process(target=_child, args=(module, text, tests, place))
        child.start()
        child.join(patience_s)
        if child.is_alive():
            child.kill()
            child.join()
    return child.exitcode if child.exitcode is not None else 1


class _Stripped(ast.NodeTransformer):
    """Takes away what is written of types, and whether an argument is given by its name."""

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.posonlyargs, node.kwonlyargs = [], []
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _computed(text: str) -> str | None:
    try:
        return ast.dump(_Stripped().visit(ast.parse(text)))
    except SyntaxError:
        return None


def mutants_of(text: str) -> Iterator[str]:
    """Yield the changed text, for each place where an operator applies, but in what is only written of types."""
    as_it_is = _computed(text)
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        occurrence = 0
        while (changed := mutate_code(text, operator(), occurrence)) is not None:
            if _computed(changed) not in (None, as_it_is):
                yield changed
            occurrence += 1


_TOKEN = re.compile(r"\s+|\w+|[^\w\s]+")


def survivor(before: str, after: str) -> Survivor:
    """Say what was changed, and where."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
    place = re.match(r"@@ -(\d+)", lines[2])
    gone = " ".join(line[1:].strip() for line in lines[3:] if line[0] == "-")
    come = " ".join(line[1:].strip() for line in lines[3:] if line[0] == "+")
    old, new = _TOKEN.findall(gone), _TOKEN.findall(come)
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    change = f"`{''.join(old).strip()}` → `{''.join(new).strip()}`".replace("``", "nothing")
    return Survivor(int(place[1]) if place else 0, gone, change)


def stages_of(module: str) -> list[list[str]]:
    """Return the tests that are tried on a module, those first that are quick to notice."""
    name = Path(module).stem
    named = f"{UNIT}test_{name}.py"
    near = [path for path in NEAR.get(name, [named, VALUES]) if (TREE / path).exists()]
    whole = [UNIT] if module.startswith("retentiond/domain/") else []
    return [near, *([test] for test in (*whole, *FAR.get(name, ())))]


def try_all(module: str) -> Result:
    """Return how many mutants of a module there are, and those that survived."""
    begun = time.monotonic()
    text = (TREE / module).read_text(encoding="utf-8")
    stages = []
    for tests in stages_of(module):
        since = time.monotonic()
        if outcome(module, text, tests, 600) != 0:
            raise SystemExit(f"{module}: {tests} fail as it is")
        stages.append((tests, 20 + 10 * (time.monotonic() - since)))
    mutants = list(mutants_of(text))
    count = 0
    survivors = []
    for number, changed in enumerate(mutants, 1):
        codes = (outcome(module, changed, tests, patience) for tests, patience in stages)
        code = next((code for code in codes if code), 0)
        count += code != STILLBORN
        if not code:
            survivors.append(survivor(text, changed))
            print(f"  {module}:{survivors[-1].line} {survivors[-1].text}: {survivors[-1].change}", file=sys.stderr)
        if not code or number % 20 == 0:
            told = f"{number} of {len(mutants)} tried, {len(survivors)} survived"
            print(f"  {module}: {told}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return Result(module, count, tuple(survivors), round(time.monotonic() - begun), time.strftime("%Y-%m-%d"))


def read_results(file: Path) -> list[Result]:
    """Return the last result of each module that a file has, in the order of MODULES."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        survivors = tuple(Survivor(**each) for each in fields.pop("survivors"))
        found[fields["module"]] = Result(survivors=survivors, **fields)
    return [found[module] for module in MODULES if module in found]


def tell(results: Sequence[Result]) -> None:
    """Put the tables into the document: how many, and each line in which something survived."""
    rows: list[tuple[object, ...]] = [
        (f"`{result.module}`", result.mutants, result.mutants - len(result.survivors), len(result.survivors))
        for result in results
    ]
    rows.append(("all of these", *(sum(int(str(row[column])) for row in rows) for column in (1, 2, 3))))
    days = sorted({result.day for result in results})
    minutes = round(sum(result.seconds for result in results) / 60)
    when = " and ".join(dict.fromkeys((days[0], days[-1])))
    put("mutations", table(("module", "mutants", "noticed", "survived"), rows) + f"\n{when}, {minutes} minutes.\n")
    lines = [
        (f"{Path(result.module).stem}:{line}", f"`{text}`".replace("|", "\\|"), ", ".join(one.change for one in same))
        for result in results
        for (line, text), same in groupby(
            sorted(result.survivors, key=lambda one: (one.line, one.text)), lambda one: (one.line, one.text)
        )
    ]
    put("survivors", table(("line", "as it is", "what nobody noticed"), lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", nargs="*", metavar="MODULE", help="default: the domain and the claim")
    parser.add_argument("--results", type=Path, metavar="FILE", required=True, help="results are added to this file")
    parser.add_argument("--only-tell", action="store_true", help="try nothing, make the tables of what FILE has")
    chosen = parser.parse_args()
    for module in [] if chosen.only_tell else chosen.module or MODULES:
        result = try_all(module)
        print(module, result.mutants, len(result.survivors), file=sys.stderr, flush=True)
        with chosen.results.open("a", encoding="utf-8") as results:
            results.write(json.dumps(asdict(result)) + "\n")
    tell(read_results(chosen.results))


if __name__ == "__main__":
    os.chdir(TREE)
    main()
