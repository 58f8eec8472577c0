"""The unit as shipped, under a real systemd: booted from a throw-away overlay of this machine's root.

Everything that is written inside lies on a tmpfs and is gone afterwards.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import retentiond

SHIPPED = Path(__file__).parents[3] / "systemd"
NEEDED = ("systemd-nspawn", "nsenter", "mount", "setsid", "systemd-sysusers", "useradd")
PYTHON = "/usr/bin/python3"

OTHER_UNITS = ("prometheus", "motion", "postgresql", "mariadb", "redis-server", "zoneminder", "nats-server")

SETTINGS = """\
controller: Example Clinic
mode: enforce
deletion_rules: [{categories: [video, audio, still, derived], deletion_period: 30d}]
stores:
  - {name: main, path: /srv/recordings, recorder: template, timezone: UTC, layout: "{camera}/%Y-%m-%d/%H-%M-%S.mp4"}
state: /var/lib/retentiond
register: register.yml
audit: {origin: test.example/retentiond}
http: {listen: "127.0.0.1:9723"}
"""
REGISTER = "rooms: [{id: hall, name: Hall, class: public}]\ndevices: []\n"


def same_python() -> bool:
    """Tell whether the system's Python can use the packages of this one, which other users may not run."""
    if not os.path.exists(PYTHON):
        return False
    code = "import sys; print(*sys.version_info[:2])"
    said = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False).stdout.split()
    return said == [str(number) for number in sys.version_info[:2]]


pytestmark = [
    pytest.mark.system,
    pytest.mark.privileged,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can boot a container"),
    pytest.mark.skipif(
        any(shutil.which(program) is None for program in NEEDED), reason="systemd-container is not installed"
    ),
    pytest.mark.skipif(not same_python(), reason=f"{PYTHON} is of another version"),
]


class Machine:
    """A booted machine; `run` works inside as root."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self.leader = leader

    def run(self, *command: str, check: bool = True) -> str:
        done = self.try_(*command)
        if check and done.returncode != 0:
            pytest.fail(f"{command}: {done.returncode} {done.stdout}{done.stderr}\n{self.journal()}")
        return done.stdout

    def try_(self, *command: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "-t", str(self.leader), "-a", *command]
        return subprocess.run(inside, capture_output=True, text=True, timeout=120, check=False)

    def journal(self) -> str:
        return self.try_("journalctl", "-u", "retentiond", "--no-pager", "-n", "30").stdout

    def property(self, name: str) -> str:
        return self.run("systemctl", "show", "retentiond", "-p", name, "--value").strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def wait(self, done: Callable[[], object], what: str) -> None:
        for _ in range(600):
            if done():
                return
            time.sleep(0.1)
        pytest.fail(f"waited for {what}\n{self.journal()}")


def mounted(stack: ExitStack, *arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
    stack.callback(subprocess.run, ["umount", "-l", arguments[-1]], check=False)


def child_of(process: subprocess.Popen[bytes]) -> int | None:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(text[0]) if text else None


def boot(stack: ExitStack, work: Path) -> Machine:
    """Boot an overlay of this machine's root file system, without the programs of this test's own Python."""
    mounted(stack, "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(work))
    low, upper, scratch, root = (work / name for name in ("low", "upper", "scratch", "root"))
    for directory in (low, upper, scratch, root):
        directory.mkdir()
    mounted(stack, "--bind", "/", str(low))
    mounted(stack, "-t", "overlay", "overlay", "-o", f"lowerdir={low},upperdir={upper},workdir={scratch}", str(root))
    (root / "etc/machine-id").write_text("")
    for unit in OTHER_UNITS:
        link = root / "etc/systemd/system" / f"{unit}.service"
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    spec = importlib.util.find_spec("prometheus_client")
    assert spec is not None
    assert spec.origin is not None
    command = [
        *("setsid", "--wait", "systemd-nspawn", "--quiet", f"--directory={root}", "-b", "--register=no"),
        *("--keep-unit", "--machine=retentiond-test", "--private-network", "--console=pipe"),
        f"--bind-ro={Path(spec.origin).parents[1]}:/opt/packages",
        f"--bind-ro={Path(retentiond.__file__).parent}:/opt/program/retentiond",
    ]
    with (work / "boot.log").open("wb") as log:
        outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(outer.wait, timeout=60)
    for _ in range(300):
        nspawn = child_of(outer)
        inner = None
        if nspawn is not None:
            with suppress(OSError):
                inner = next(iter(Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()), None)
        if inner is not None:
            machine = Machine(root, int(inner))
            if machine.try_("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                stack.callback(machine.try_, "systemctl", "poweroff")
                return machine
        time.sleep(0.1)
    outer.terminate()
    pytest.fail((work / "boot.log").read_text(errors="replace"))


def install(machine: Machine) -> None:
    """Put the program, the unit and its drop-in where a package does, and a recorder's store beside them."""
    start = 'import sys\nsys.path[:0] = ["/opt/program", "/opt/packages"]\n'
    program = f"#!{PYTHON}\n{start}from retentiond.cli.main import main\nsys.exit(main())\n"
    machine.write("/usr/bin/retentiond", program, 0o755)
    machine.write("/usr/lib/sysusers.d/retentiond.conf", (SHIPPED / "retentiond.sysusers.conf").read_text())
    machine.write("/etc/systemd/system/retentiond.service", (SHIPPED / "retentiond.service").read_text())
    stores = (
        (SHIPPED / "stores.conf.example").read_text().replace("#SupplementaryGroups=motion", "SupplementaryGroups=nvr")
    )
    machine.write("/etc/systemd/system/retentiond.service.d/stores.conf", stores)
    machine.write("/etc/retentiond/retentiond.yml", SETTINGS)
    machine.write("/etc/retentiond/register.yml", REGISTER)
    machine.run("ip", "link", "set", "lo", "up")
    machine.run("systemd-sysusers")
    machine.run("useradd", "--system", "nvr")
    machine.run("useradd", "--system", "--groups", "retentiond-admin", "duty")
    machine.run("install", "-d", "-o", "nvr", "-g", "nvr", "-m", "2775", "/srv/recordings")
    machine.run("systemctl", "daemon-reload")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with ExitStack() as stack:
        running = boot(stack, tmp_path_factory.mktemp("machine"))
        install(running)
        yield running


def ask(machine: Machine, *command: str) -> Any:
    return json.loads(machine.run("retentiond", *command, "--json", check=False))


def kinds(machine: Machine) -> set[str]:
    return {item["kind"] for item in ask(machine, "status")["findings"]}


def record(machine: Machine, camera: str, age: timedelta) -> str:
    """Let the recorder have written a recording so long ago, and return its path."""
    start = datetime.now(UTC) - age
    directory = f"/srv/recordings/{camera}/{start:%Y-%m-%d}"
    path = f"{directory}/{start:%H-%M-%S}.mp4"
    for made in (f"/srv/recordings/{camera}", directory):
        machine.run("install", "-d", "-o", "nvr", "-g", "nvr", "-m", "2775", made)
    machine.run("install", "-o", "nvr", "-g", "nvr", "-m", "0640", "/etc/hostname", path)
    machine.run("touch", "-d", start.isoformat(), path)
    return path


def test_the_unit_starts_with_nothing_but_what_it_needs_and_does_its_work(machine: Machine) -> None:
    old, new = record(machine, "hall", timedelta(days=31)), record(machine, "hall", timedelta(hours=1))
    machine.run("systemctl", "start", "retentiond")
    assert machine.property("ActiveState") == "active"
    pid = machine.property("MainPID")

    status = machine.run("cat", f"/proc/{pid}/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {facts[key] for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"], facts["Umask"]) == ("1", "2", "0027")
    assert facts["Uid"].split()[0] == machine.run("id", "-u", "retentiond").strip()

    inside = ("nsenter", "-t", pid, "-m", "sh", "-c")
    for place in ("/etc", "/usr", "/srv", "/home", "/var/log"):
        assert machine.try_(*inside, f"touch {place}/x").returncode != 0, place
    for place in ("/srv/recordings", "/var/lib/retentiond", "/run/retentiond"):
        assert machine.try_(*inside, f"touch {place}/x && rm {place}/x").returncode == 0, place

    shown = machine.run(
        "stat", "-c", "%a %U %G", "/run/retentiond/control.sock", "/run/retentiond", "/var/lib/retentiond"
    )
    assert shown.splitlines() == [
        "660 retentiond retentiond-admin",
        "755 retentiond retentiond",
        "750 retentiond retentiond",
    ]
    assert machine.try_("setpriv", "--reuid=nobody", "--clear-groups", "retentiond", "status").returncode == 77

    machine.run("retentiond", "clock", "accept", "--wall", datetime.now(UTC).isoformat(timespec="seconds"))
    machine.wait(lambda: ask(machine, "status")["stores"][0]["waiting"], "the plan")
    plan = ask(machine, "status")["stores"][0]["waiting"]
    approve = ("retentiond", "approve", plan["run"], "--count", "1", "--digest", plan["digest"])
    machine.run("setpriv", "--reuid=duty", "--regid=duty", "--init-groups", *approve)
    machine.wait(lambda: machine.try_("test", "-e", old).returncode != 0, "the deletion")
    assert machine.try_("test", "-e", new).returncode == 0
    machine.wait(lambda: ask(machine, "status")["overdue"] == 0, "the next report")
    metrics = machine.run("curl", "-s", "http://127.0.0.1:9723/metrics")
    assert 'retentiond_storage_mounted{store="main"} 1.0' in metrics


def test_a_reload_is_told_to_systemd_and_a_broken_file_ends_nothing(machine: Machine) -> None:
    pid = machine.property("MainPID")
    machine.write("/etc/retentiond/retentiond.yml", SETTINGS + "no such key: 1\n")
    machine.run("systemctl", "reload", "retentiond")
    machine.wait(lambda: "config_not_reloaded" in kinds(machine), "the finding")
    machine.write("/etc/retentiond/retentiond.yml", SETTINGS)
    machine.run("systemctl", "reload", "retentiond")
    machine.wait(lambda: "config_not_reloaded" not in kinds(machine), "the end of the finding")
    assert (machine.property("ActiveState"), machine.property("MainPID")) == ("active", pid)


def test_a_daemon_that_hangs_is_ended_and_started_again(machine: Machine) -> None:
    machine.write("/etc/systemd/system/retentiond.service.d/soon.conf", "[Service]\nWatchdogSec=15\nRestartSec=0\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "retentiond")
    pid = machine.property("MainPID")
    machine.run("kill", "-STOP", pid)
    machine.wait(lambda: machine.property("NRestarts") == "1", "the watchdog")
    machine.wait(lambda: machine.property("ActiveState") == "active", "the new start")
    assert machine.property("MainPID") != pid
    assert "Watchdog timeout" in machine.journal()


def test_a_wrong_configuration_is_not_started_again_and_again(machine: Machine) -> None:
    machine.write("/etc/retentiond/retentiond.yml", "mode: delete everything\n")
    assert machine.try_("systemctl", "restart", "retentiond").returncode != 0
    assert (machine.property("ActiveState"), machine.property("ExecMainStatus")) == ("failed", "78")
    machine.write("/etc/retentiond/retentiond.yml", SETTINGS)
    machine.run("systemctl", "restart", "retentiond")


def test_with_the_capability_directories_closed_to_everybody_are_cleared(machine: Machine) -> None:
    old = record(machine, "yard", timedelta(days=31))
    machine.run("chown", "-R", "root:root", "/srv/recordings/yard")
    machine.run("chmod", "-R", "go=", "/srv/recordings/yard")
    capability = (SHIPPED / "capability.conf.example").read_text()
    machine.write("/etc/systemd/system/retentiond.service.d/capability.conf", capability)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "retentiond")
    machine.wait(lambda: ask(machine, "status")["stores"][0]["recordings"] == 2, "the scan")
    inside = ("nsenter", "-t", machine.property("MainPID"), "-m", "sh", "-c")
    assert machine.try_(*inside, "cat /etc/shadow").stdout == ""  # another file lies over it
    machine.wait(
        lambda: ask(machine, "status")["stores"][0]["waiting"] or machine.try_("test", "-e", old).returncode, "the plan"
    )
    plan = ask(machine, "status")["stores"][0]["waiting"]
    if plan is not None:
        machine.run("retentiond", "approve", plan["run"], "--count", str(plan["count"]), "--digest", plan["digest"])
    machine.wait(lambda: machine.try_("test", "-e", old).returncode != 0, "the deletion")
