"""`Probe` by a process of its own, which is begun when it is first asked and ended when it does not answer."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from retentiond.domain.media import Looked, Opaque, OpaqueReason
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.probe.lines import MAX_LINE, read_reply, request_line

ANSWER_WITHIN_S = 10.0
_WORKER = (sys.executable, "-P", "-m", "retentiond.probe.worker")


class WorkerProbe:
    """Asks the worker. Any thread may ask; one is served after the other."""

    def __init__(
        self,
        stores: Mapping[StoreName, str],
        command: tuple[str, ...] = _WORKER,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._stores = dict(stores)
        self._command = command
        self._answer_within_s = answer_within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: list[subprocess.Popen[bytes]] = []
        self._rest = b""
        self._lock = threading.Lock()

    def look(self, store: StoreName, place: Place, unit: Unit) -> Looked:
        with self._lock:
            try:
                process = self._process or self._begin()
                return read_reply(self._ask(process, request_line(store, place, unit)))
            except (OSError, ValueError, KeyError, TypeError):
                self._end()
                return Opaque(OpaqueReason.NO_ANSWER)

    def stop(self) -> None:
        with self._lock:
            self._end()

    def _begin(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        self._rest = b""
        self._ask(process, json.dumps(self._stores).encode() + b"\n")
        return process

    def _ask(self, process: subprocess.Popen[bytes], line: bytes) -> bytes:
        """Put a line to the process and return its answer. Raises OSError, and ValueError for no answer."""
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has no pipes")
        process.stdin.write(line)
        process.stdin.flush()
        until = time.monotonic() + self._answer_within_s
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            ready = left > 0 and select.select([process.stdout], [], [], left)[0]
            data = os.read(process.stdout.fileno(), MAX_LINE) if ready else b""
            if not data or len(self._rest) > MAX_LINE:
                raise ValueError("no answer")
            self._rest += data
        answer, _, self._rest = self._rest.partition(b"\n")
        return answer

    def _end(self) -> None:
        """End the process. One that a disk holds is not waited for."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1.0)
            self._ended.append(process)
        self._ended = [item for item in self._ended if item.poll() is None]
