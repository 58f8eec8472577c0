"""`retentiond demo`: a small store of real recordings over 45 days, and the daemon at work on it."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import as_json_option, emit_json
from retentiond.cli.render import coloured, count_of, say
from retentiond.cli.streams import flush
from retentiond.domain.errors import CannotCreateError, RetentiondError, StorageError, TryAgainError, UnreachableError

CAMERAS = ("entrance", "reception", "procedure-2", "back-door")
DAYS = 45
EVERY = timedelta(hours=2)
PROHIBITED_FOR = timedelta(days=3)
LIVE = 6
"""So many recordings fall due one by one while somebody looks."""

_SETTINGS = """\
controller: Example Clinic OÜ
mode: enforce
deletion_rules:
  - {{categories: [video, audio], deletion_period: 30d}}
  - {{categories: [still, derived], deletion_period: 30d}}
margin: 60s
stores:
  - name: main
    path: {store}
    recorder: template
    timezone: UTC
    layout: "{{camera}}/%Y-%m-%d/%H-%M-%S.mp4"
state: {state}
register: register.yml
audit: {{origin: demo.example/retentiond}}
http: {{listen: {listen}}}
"""

_REGISTER = """\
rooms:
  - {id: hall, name: Entrance hall, class: public}
  - {id: reception, name: Reception, class: public}
  # Intimate care is given in this room since a short time only: what its camera recorded since is an incident.
  - id: procedure-2
    name: Procedure room 2
    classes:
      - {class: treatment, until: SINCE}
      - {class: intimate-care, since: SINCE}
devices:
  - id: 0190a3c4-0000-7000-8000-000000000001
    name: entrance
    kind: camera
    tracks: {video: true, audio: false}
    known_as: {main: entrance}
    assignments: [{room: hall, from: 2026-01-01}]
  - id: 0190a3c4-0000-7000-8000-000000000002
    name: reception
    kind: camera
    tracks: {video: true, audio: false}
    known_as: {main: reception}
    assignments: [{room: reception, from: 2026-01-01}]
  # This one is wrong on purpose: a camera in a room where none may be.
  - id: 0190a3c4-0000-7000-8000-000000000003
    name: procedure-2
    kind: camera
    tracks: {video: true, audio: false}
    known_as: {main: procedure-2}
    assignments: [{room: procedure-2, from: 2026-01-01}]
  # And nobody has registered the camera `back-door`, whose recordings lie in the store.
"""


@click.command("demo")
@click.option(
    "--dir", "directory", metavar="D", help="Where to make it; it must not exist yet. Default: a temporary one."
)
@click.option("--once", is_flag=True, help="Do all of it without questions, and end.")
@as_json_option
def command(directory: str | None, once: bool, as_json: bool) -> None:
    """Make a store of real short recordings over 45 days, and run the daemon on it.

    Shows plan, approval, deletion, status and verification, then keeps the daemon running until Ctrl-C. With --json
    all that goes to standard error, and at the end comes where everything lies.
    """
    _end_as_by_ctrl_c()
    where = _make_directory(directory)
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        _run_all(where, once=once)
    if as_json:
        places = {"config": "retentiond.yml", "register": "register.yml", "store": "store", "state": "state"}
        emit_json("retentiond.demo/1", {name: str(where / place) for name, place in places.items()})


def _run_all(where: Path, *, once: bool) -> None:
    now = bootstrap.wall_now()
    say(f"making recordings of 4 cameras over {DAYS} days below {where} …")
    made = _make_store(where / "store", now)
    config = _write_files(where, now)
    say(f"made {count_of(made, 'recording')} in {where / 'store'}")
    _step("A key", "it signs the record; whoever has its public half can check what this machine says later:")
    _run(config, "audit", "keygen")
    with _daemon(config, where / "daemon.log") as daemon:
        _show(config, ask_first=not once and sys.stdin.isatty())
        if not once:
            _stay(config, daemon)
    say(f"left behind to look at: {config}, {where / 'register.yml'}, {where / 'store'}, {where / 'state'}")


def _end_as_by_ctrl_c() -> None:
    """Let a request to end, or a terminal that closes, do what Ctrl-C does: the daemon is not left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup it is to go on
            signal.signal(number, signal.default_int_handler)


def _make_directory(directory: str | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="retentiond-demo-")).resolve()
    where = Path(directory).absolute()
    try:
        where.mkdir(mode=0o755, parents=True)
    except FileExistsError as error:
        raise CannotCreateError(
            f"{where}: exists already; name a directory that does not, the demo fills it"
        ) from error
    except OSError as error:
        raise CannotCreateError(f"{where}: cannot be made ({error.strerror})") from error
    return where.resolve()


def _make_store(store: Path, now: datetime) -> int:
    clips = {camera: _clip(camera) for camera in CAMERAS}
    starts = {camera: list(_starts(camera, now)) for camera in CAMERAS}
    for camera, instants in starts.items():
        for start in instants:
            path = store / camera / f"{start:%Y-%m-%d}" / f"{start:%H-%M-%S}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(clips[camera])
            written = start.timestamp() + 1
            os.utime(path, (written, written))
    return sum(len(instants) for instants in starts.values())


def _starts(camera: str, now: datetime) -> Sequence[datetime]:
    """Return the starts of a camera's recordings; those of the entrance include some that fall due soon."""
    newest = (now - timedelta(minutes=1)).replace(microsecond=0)
    starts = [newest - EVERY * number for number in range(int(timedelta(days=DAYS) / EVERY))]
    if camera == CAMERAS[0]:
        soon = now.replace(microsecond=0) - timedelta(days=30) + timedelta(seconds=60)
        starts += [soon + timedelta(seconds=20 + 10 * number) for number in range(LIVE)]
    return starts


def _clip(camera: str) -> bytes:
    """Return one second of video as mp4: made by ffmpeg where it is installed, else a small one that is shipped."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is not None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "clip.mp4"
            hue = 90 * CAMERAS.index(camera)
            source = f"testsrc2=size=128x96:rate=4:duration=1,hue=h={hue}"
            arguments = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(path)]
            if subprocess.run(arguments, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
                return path.read_bytes()
    return resources.files("retentiond").joinpath("demo_clips", "clip.mp4").read_bytes()


def _write_files(where: Path, now: datetime) -> Path:
    config = where / "retentiond.yml"
    text = _SETTINGS.format(store=where / "store", state=where / "state", listen=bootstrap.free_address())
    config.write_text(text, encoding="utf-8")
    since = (now - PROHIBITED_FOR).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (where / "register.yml").write_text(_REGISTER.replace("SINCE", since), encoding="utf-8")
    (where / "state").mkdir(mode=0o750)
    for path in (where, config, where / "register.yml"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return config


@contextmanager
def _daemon(config: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the daemon, and yield it when it answers. It ends with the block, however that ends."""
    command = [sys.executable, "-m", "retentiond", "run", "--config", str(config)]
    with log.open("wb") as output:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await(daemon, config, log)
        yield daemon
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=30)


def _await(daemon: "subprocess.Popen[bytes]", config: Path, log: Path) -> None:
    """Wait until the daemon answers."""
    loaded = bootstrap.load(str(config))
    for _ in range(300):
        if daemon.poll() is not None:
            raise StorageError(f"the daemon ended with status {daemon.returncode}; see {log}")
        try:
            bootstrap.ask(loaded, {"verb": "ping"}, alone=False)
        except UnreachableError:
            time.sleep(0.1)
        else:
            return
    raise StorageError(f"the daemon did not answer within 30 seconds; see {log}")


def _show(config: Path, *, ask_first: bool) -> None:
    loaded = bootstrap.load(str(config))
    _step("The clock", "the daemon trusts a clock that is synchronised for 10 minutes, or one that a person accepts:")
    wall = bootstrap.wall_now().isoformat(timespec="seconds")
    _run(config, "clock", "accept", "--wall", wall)
    _step("Rooms", "a camera hangs where none may be, and one is not registered:")
    _wait_for(config, lambda status: status["ready"])
    _run(config, "check")
    _step("Incident", "what was recorded in a room while that was prohibited is for two persons to decide about:")
    _run(config, "incident", "list")
    _step("Plan", "the store is new to the daemon, so what is due in it waits for a person:")
    _run(config, "plan")
    with bootstrap.open_view(loaded) as view:
        plan = next((item.waiting for item in view.outlook() if item.waiting is not None), None)
    if plan is None:
        raise RetentiondError("the demo found no plan that waits; please report this with the daemon's log")
    if ask_first and not click.confirm(f"Delete these {plan.count} recordings?", default=True):
        say("not approved; nothing is deleted")
        return
    _run(config, "approve", plan.run, "--count", str(plan.count), "--digest", plan.digest)
    _wait_for(config, lambda status: status["overdue"] == 0 and status["stores"][0]["waiting"] is None)
    _step("Status", "every recording past its deadline is gone:")
    _run(config, "status")
    _step("Proof", "each deletion is on the record, and the record verifies:")
    _run(config, "audit", "verify")
    _step("Certificate", "one deletion, proven to somebody who has nothing but a small file and the public key:")
    deletion = _one_deletion(loaded)
    _wait_for_head(loaded, deletion)
    _run(config, "audit", "certificate", str(deletion), "--out", str(config.parent))


def _one_deletion(loaded: bootstrap.Loaded) -> int:
    """Return the number of the record of some deletion."""
    with bootstrap.open_view(loaded) as view:
        found = view.find(CAMERAS[0], datetime.min.replace(tzinfo=UTC), view.now())
        return next(item.seq for item in found if item.seq is not None)


def _wait_for_head(loaded: bootstrap.Loaded, seq: int) -> None:
    """Wait until a signed head covers a record, some seconds at most; heads are kept once a second."""
    for _ in range(100):
        try:
            bootstrap.issue_certificate(loaded, seq)
        except TryAgainError:
            time.sleep(0.1)
        else:
            return


def _stay(config: Path, daemon: "subprocess.Popen[bytes]") -> None:
    settings = bootstrap.load(str(config)).settings
    say()
    say(coloured("The daemon goes on; in the next minutes some more recordings fall due one by one.", "head"))
    say("Look, in another terminal:")
    say(f"  export RETENTIOND_CONFIG={shlex.quote(str(config))}")
    if shutil.which("retentiond") is None:
        say(f'  export PATH="$PATH":{shlex.quote(os.path.dirname(sys.executable))}')
    say("  retentiond status                     how things stand")
    say("  retentiond find --camera entrance     what exists, what was deleted and when")
    say("  retentiond audit show --follow        the record, as it is written")
    if settings.http.listen is not None:
        say(f"  http://{settings.http.listen}/   the status page, and /metrics for Prometheus")
    say("Ctrl-C ends it.")
    try:
        daemon.wait()
    except KeyboardInterrupt:
        say()


def _step(title: str, text: str) -> None:
    say()
    say(coloured(f"── {title}", "head") + f": {text}")


def _run(config: Path, *arguments: str) -> None:
    """Show a command and run it, as a person would type it."""
    say(coloured(f"$ retentiond {' '.join(arguments)}", "dim"))
    flush()
    environ = {**os.environ, "RETENTIOND_CONFIG": str(config)}
    subprocess.run([sys.executable, "-m", "retentiond", *arguments], check=False, env=environ, stdout=sys.stdout)


def _wait_for(config: Path, done: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait until the daemon's status is as wanted, a minute at most."""
    loaded = bootstrap.load(str(config))
    for _ in range(600):
        status = bootstrap.ask(loaded, {"verb": "status"}, alone=False)
        if done(status):
            return
        time.sleep(0.1)
    raise StorageError("the daemon did not get there within a minute; see daemon.log")
