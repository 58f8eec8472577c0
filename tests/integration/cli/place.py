"""A recording server as the command line meets it: two files, a store, a state, and sometimes a daemon."""

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.system.harness import Site, register_of
from tests.system.warm import Done, Warm

ZONE = "Asia/Kolkata"
"""Where the commands of these tests are typed: an offset that no default gives, and no summer time."""

OFFSET = "+05:30"
NOBODY = 65534
PLAIN: Mapping[str, str | None] = {
    "TZ": ZONE,
    "RETENTIOND_CONFIG": None,
    "RETENTIOND_DEBUG": None,
    "PYTHONUNBUFFERED": None,
    "NO_COLOR": None,
    "LC_ALL": "C.UTF-8",
}


class Place(Site):
    """A site whose commands run at once, without their start-up, and whose store holds four cameras."""

    def __init__(self, root: Path, warm: Warm, *, mode: str = "enforce") -> None:
        super().__init__(root, mode=mode, register=register_of("entrance", "hall"))
        self.warm = warm

    def fill(self) -> None:
        """Put recordings of 40 days, 10 days and an hour into the store, of two cameras that the register knows."""
        now = datetime.now(UTC).replace(microsecond=0)
        for camera in ("entrance", "hall"):
            for age in (timedelta(days=40), timedelta(days=10), timedelta(hours=1)):
                self.record(camera, now - age)

    def call(self, *arguments: str, with_config: bool = True, **options: Any) -> Done:
        """Run a command as a person in Kolkata types it."""
        environment = {**PLAIN, **options.pop("environment", {})}
        config = ("--config", str(self.config)) if with_config else ()
        return self.warm.call(*arguments, *config, environment=environment, **options)

    def call_json(self, *arguments: str, **options: Any) -> Any:
        """Run a command with --json and return the object that it printed."""
        done = self.call(*arguments, "--json", **options)
        assert done.out, done
        return json.loads(done.out)

    def is_waiting(self) -> bool:
        """Tell whether a plan waits for a person."""
        return any(run["approvable"] for run in self.call_json("plan")["runs"])

    def everything(self) -> dict[str, tuple[int, int, bytes]]:
        """Return every file below the site with its inode, time of change and content: what a look must not alter."""
        found = {}
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                content = Path(path).read_bytes() if os.path.isfile(path) and not os.path.islink(path) else b""
                found[path] = (status.st_ino, status.st_mtime_ns, content)
        return found

    def give_to(self, user: int) -> None:
        """Make store and state those of another user, as they are where the daemon is one."""
        subprocess.run(["chown", "-R", str(user), str(self.store), str(self.state.parent)], check=True)
