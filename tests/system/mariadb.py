"""A real MariaDB of Debian on a private socket, below one directory of a test."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


def find_program(name: str) -> str | None:
    """Return where a program is, also one that only root has on its path."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class MariaDb:
    """One server. `socket` is where it answers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "run" / "db.sock"
        self._server: subprocess.Popen[bytes] | None = None
        for name in ("run", "log", "db"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def install(self) -> None:
        """Make the server's own tables."""
        install = [str(find_program("mariadb-install-db")), "--no-defaults", f"--datadir={self.root}/db", "--user=root"]
        more = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*install, *more], check=True, capture_output=True)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [str(find_program("mariadbd")), "--no-defaults", f"--datadir={self.root}/db", "--skip-networking"]
        more = [f"--socket={self.socket}", "--user=root", f"--pid-file={self.root}/run/db.pid"]
        with (self.root / "log" / "db").open("ab") as log:
            self._server = subprocess.Popen([*command, *more, "--innodb-flush-log-at-trx-commit=0"], stderr=log)
        for _ in range(600):
            if self._answers():
                return
            time.sleep(0.1)
        raise TimeoutError((self.root / "log" / "db").read_text())

    def stop(self) -> None:
        """Stop the server if it runs."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(timeout=60)
            self._server = None

    @property
    def running(self) -> bool:
        return self._server is not None

    def as_root(self, text: str) -> None:
        """Run statements as the server's root."""
        admin = [str(find_program("mariadb")), "--no-defaults", "-S", str(self.socket), "-uroot"]
        subprocess.run([*admin, "-e", text], check=True, capture_output=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0
