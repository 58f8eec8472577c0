"""A real ZoneMinder of Debian with its own MariaDB on a private socket, below one directory of a test.

ZoneMinder reads /etc/zm and nothing else, so its programs are run where that is ours: in a mount namespace.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pymysql

from tests.system.mariadb import PROGRAMS, MariaDb, find_program

SCHEMA = Path("/usr/share/zoneminder/db/zm_create.sql")
PASSWORD = "a password = with spaces"
ZM_CONF = """\
ZM_PATH_DATA=/usr/share/zoneminder
ZM_PATH_BIN=/usr/bin
ZM_PATH_LIB=/usr/lib/x86_64-linux-gnu
ZM_PATH_CONF=/etc/zm
ZM_PATH_WEB=/usr/share/zoneminder/www
ZM_PATH_CGI=/usr/lib/zoneminder/cgi-bin
ZM_WEB_USER=www-data
ZM_WEB_GROUP=www-data
ZM_DB_TYPE=mysql
ZM_DB_HOST=localhost:{root}/run/db.sock
ZM_DB_NAME=zm
ZM_DB_USER=zmuser
ZM_DB_PASS={password}
ZM_DB_SSL_CA_CERT=
ZM_DB_SSL_CLIENT_KEY=
ZM_DB_SSL_CLIENT_CERT=
ZM_SERVER_HOST=
"""
PATHS = """\
ZM_DIR_EVENTS={store}
ZM_DIR_SOUNDS=sounds
ZM_DIR_EXPORTS={root}/exports
ZM_PATH_ZMS=/zm/cgi-bin/zms
ZM_PATH_MAP={root}/map
ZM_PATH_SOCKS={root}/run
ZM_PATH_LOGS={root}/log
ZM_PATH_SWAP={root}/swap
ZM_PATH_ARP="/bin/true"
ZM_PATH_SHUTDOWN="/bin/true"
ZM_PATH_FFMPEG="/usr/bin/ffmpeg"
"""
DELETE_ONE = "use ZoneMinder; use ZoneMinder::Event; ZoneMinder::Event->find_one(Id=>$ARGV[0])->delete();"


def why_not() -> str | None:
    """Return why this machine cannot run a ZoneMinder, None if it can."""
    missing = [name for name in ("zmc", *PROGRAMS, "ffmpeg", "unshare") if not find_program(name)]
    if missing or not SCHEMA.exists():
        return f"{', '.join(missing) or SCHEMA} is not installed"
    if os.getuid() != 0:
        return "only root can give ZoneMinder a configuration of its own"
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else "no mount namespaces here"


class Site:
    """The database and the configuration. `store` is the one storage area."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.store = store
        self.config = root / "conf" / "zm.conf"
        self._server = MariaDb(root)
        for name in ("conf/conf.d", "map", "swap", "exports"):
            (root / name).mkdir(parents=True)
        self.config.write_text(ZM_CONF.format(root=root, password=PASSWORD))
        (root / "conf" / "conf.d" / "01-paths.conf").write_text(PATHS.format(root=root, store=store))

    # --- the database -------------------------------------------------------------------------------------------

    def make_database(self) -> None:
        """Make ZoneMinder's database from its own schema, with one storage area, and start it."""
        self._server.install()
        self.start_database()
        self._server.as_root(f"source {SCHEMA}")
        self._server.as_root(
            f"CREATE USER zmuser@localhost IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON zm.* TO zmuser@localhost"
        )
        self.sql("ALTER TABLE Storage MODIFY Path varchar(255) NOT NULL")  # a test's directory has a long name
        self.sql("UPDATE Storage SET Path = %s WHERE Id = 1", str(self.store))

    def start_database(self) -> None:
        self._server.start()

    def stop_database(self) -> None:
        self._server.stop()

    @property
    def running(self) -> bool:
        return self._server.running

    def sql(self, text: str, *parameters: object) -> list[tuple[Any, ...]]:
        connection = pymysql.connect(
            unix_socket=f"{self.root}/run/db.sock",
            user="zmuser",
            password=PASSWORD,
            database="zm",
            autocommit=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(text, parameters)
            return list(cursor.fetchall())

    # --- ZoneMinder's own programs --------------------------------------------------------------------------------

    def run(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program of ZoneMinder's with this configuration."""
        return subprocess.run(
            self._inside(*command), check=False, capture_output=True, text=True, timeout=timeout, env=self._environ()
        )

    def delete_as_zoneminder_does(self, ident: int) -> None:
        done = self.run("perl", "-e", DELETE_ONE, str(ident))
        assert done.returncode == 0, done.stderr

    def record(self, monitor: int, port: int, seconds: float) -> None:
        """Let ZoneMinder record a local HTTP stream for a while."""
        source = "testsrc2=size=320x240:rate=10:duration=120"
        codec = ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", "-f", "mpegts", str(self.root / "cam.ts")]
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *codec], check=True)
        stream = ["ffmpeg", "-v", "error", "-re", "-i", str(self.root / "cam.ts"), "-c", "copy", "-f", "mpegts"]
        camera = subprocess.Popen([*stream, "-listen", "1", f"http://127.0.0.1:{port}/cam.ts"])
        time.sleep(1)
        with (self.root / "log" / "zmc").open("ab") as log:
            zmc = subprocess.Popen(self._inside("zmc", "-m", str(monitor)), stdout=log, stderr=log, env=self._environ())
        time.sleep(seconds)
        zmc.send_signal(signal.SIGTERM)
        zmc.wait(timeout=60)
        camera.send_signal(signal.SIGTERM)
        camera.wait(timeout=60)

    def _inside(self, *command: str) -> list[str]:
        script = f'mount --bind {self.root}/conf /etc/zm && exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, "sh", *command]

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "TZ": "UTC"}
