"""What a command imports is what it costs: `--version` and `status` have to answer at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = frozenset(
    {
        *("sqlite3", "ssl", "http", "email", "urllib.request", "asyncio", "subprocess", "multiprocessing", "tempfile"),
        *("apscheduler", "cryptography", "jinja2", "prometheus_client", "psutil", "pydantic", "rich", "structlog"),
        *("tzlocal", "watchdog"),
    }
)
OURS = frozenset({"audit", "bootstrap", "catalogue", "daemon", "observe", "recorders", "services", "storage", "tlog"})
RUN = """
import atexit, json, sys
sys.argv = ["retentiond", *json.loads(sys.argv[1])]
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr))
from retentiond.cli.main import main
main()
"""


def imported_by(*arguments: str, status: int) -> set[str]:
    """Return the modules that are imported when a command ends."""
    command = [sys.executable, "-c", RUN, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def heavy(modules: set[str]) -> set[str]:
    ours = {name.split(".")[1] for name in modules if name.startswith("retentiond.")}
    return {name for name in modules if name in HEAVY} | (ours & OURS)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "retentiond.yml"
    path.write_text(f"state: {tmp_path}/state\n")
    path.chmod(0o644)
    return str(path)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_version_imports_click_and_little_else(arguments: list[str]) -> None:
    modules = imported_by(*arguments, status=0)
    assert heavy(modules) == set()
    assert "yaml" not in modules


def test_status_imports_a_socket_and_the_reading_of_one_file(config: str) -> None:
    modules = imported_by("status", "--config", config, status=69)
    assert heavy(modules) == set()


@pytest.mark.parametrize("command", ["plan", "findings list", "run"])
def test_a_command_line_that_makes_no_sense_is_refused_before_the_adapters_are_imported(command: str) -> None:
    modules = imported_by(*command.split(), "--nonsense", status=2)
    assert not {name for name in heavy(modules) if name in HEAVY}


def test_what_is_looked_for_here_is_there(config: str) -> None:
    """Were a package renamed, the tests above would find nothing and be content."""
    modules = imported_by("plan", "--config", config, status=78)
    assert "bootstrap" in heavy(modules)
    for name in HEAVY - {"pydantic", "rich", "jinja2"}:
        __import__(name)
