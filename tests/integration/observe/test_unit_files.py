"""What is shipped for systemd is accepted by it, and keeps its power low."""

import shutil
import subprocess
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[3] / "systemd"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as shipped, but with a program that exists on every machine."""
    lines = (SHIPPED / "retentiond.service").read_text().splitlines()
    changed = ["ExecStart=/bin/true" if line.startswith("ExecStart=") else line for line in lines]
    path = tmp_path / "retentiond.service"
    path.write_text("\n".join(changed) + "\n")
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def settings(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("=") for line in text.splitlines() if line and line[0] not in "#[")
    return [(key, value) for key, _, value in pairs]


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    verdict = analyze("verify", "--man=no", unit)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(
    "example", ["capability.conf.example", "stores.conf.example", "elsewhere.conf.example", "credential.conf.example"]
)
def test_systemd_finds_nothing_wrong_with_the_drop_ins(unit: Path, example: str) -> None:
    unit.write_text(unit.read_text() + (SHIPPED / example).read_text())
    verdict = analyze("verify", "--man=no", unit)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


@needs_systemd
def test_the_unit_of_the_witness_is_accepted_and_keeps_its_power_low(tmp_path: Path) -> None:
    text = (SHIPPED / "retentiond-witness.service").read_text().replace("/usr/bin/retentiond", "/bin/true")
    unit = tmp_path / "retentiond-witness.service"
    unit.write_text(text)
    verdict = analyze("verify", "--man=no", unit)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")
    verdict = analyze("security", "--offline=true", "--no-pager", "--threshold=15", unit)
    assert verdict.returncode == 0, verdict.stdout


@needs_systemd
def test_the_unit_is_exposed_by_1_5_at_most(unit: Path) -> None:
    verdict = analyze("security", "--offline=true", "--no-pager", "--threshold=15", unit)
    assert verdict.returncode == 0, verdict.stdout


@needs_systemd
def test_the_landlock_calls_are_known_to_systemd_by_name() -> None:
    known = analyze("syscall-filter").stdout.split()
    filters = [
        value for key, value in settings((SHIPPED / "retentiond.service").read_text()) if key == "SystemCallFilter"
    ]
    landlock = {name for value in filters for name in value.split() if name.startswith("landlock")}
    assert landlock == {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    assert landlock <= set(known)


def test_no_capability_is_given_unless_a_drop_in_says_so() -> None:
    given = dict(settings((SHIPPED / "retentiond.service").read_text()))
    assert given["CapabilityBoundingSet"] == ""
    assert given["AmbientCapabilities"] == ""
    assert given["RestartPreventExitStatus"] == "78"


def test_the_daemon_can_read_the_clock_and_see_who_asks() -> None:
    given = settings((SHIPPED / "retentiond.service").read_text())
    assert not {"ProtectClock", "PrivateUsers", "ProcSubset"} & {key for key, _ in given}
    assert ("SystemCallFilter", "adjtimex clock_adjtime") in given


def test_the_recorder_reads_and_writes_first_and_deletions_are_not_left_to_an_idle_disk() -> None:
    given = dict(settings((SHIPPED / "retentiond.service").read_text()))
    assert (given["IOSchedulingClass"], given["IOSchedulingPriority"]) == ("best-effort", "7")


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd is not installed")
def test_user_and_group_are_made_as_the_unit_names_them() -> None:
    run = subprocess.run(
        ["systemd-sysusers", "--dry-run", str(SHIPPED / "retentiond.sysusers.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "retentiond-admin" in run.stdout + run.stderr
