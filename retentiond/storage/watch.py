"""The watcher: says where to look early. It loses events silently, so nothing is decided by it (ADR 0003)."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from retentiond.domain.recording import StoreName
from retentiond.storage.identity import OWN

CANARY = "canary"
PROVEN_FOR_S = 180.0
_WORTH_A_LOOK = frozenset({"created", "closed", "moved", "deleted"})

Wake = Callable[[StoreName, bytes], None]


@dataclass(slots=True)
class _Watched:
    """What is known of the watch on one store."""

    path: str
    handle: ObservedWatch | None = None
    place: tuple[int, int] | None = None
    heard_at: float | None = None
    asked_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class InotifyWatch:
    """`Watch` by watchdog. A canary file that is touched and heard of proves that events still flow."""

    def __init__(self, stores: Mapping[StoreName, str]) -> None:
        self._watched = {name: _Watched(path) for name, path in stores.items()}
        self._observer: BaseObserver | None = None
        self._wake: Wake = lambda _store, _directory: None

    def start(self, wake: Wake) -> None:
        logging.getLogger("watchdog").setLevel(logging.WARNING)
        self._wake = wake
        self._observer = Observer()
        self._observer.start()
        self.probe()

    def proven(self, store: StoreName) -> bool:
        heard = self._watched[store].heard_at
        return heard is not None and time.monotonic() - heard < PROVEN_FOR_S

    def probe(self) -> None:
        for name, watched in self._watched.items():
            with suppress(OSError):
                self._renew(name, watched)
                self._touch_canary(watched)

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=5)

    def _renew(self, name: StoreName, watched: _Watched) -> None:
        """Watch a store that is not watched yet, is another directory now, or has gone silent."""
        status = os.stat(watched.path)
        place = (status.st_dev, status.st_ino)
        unheard = watched.asked_at is not None and (watched.heard_at is None or watched.heard_at < watched.asked_at)
        if watched.handle is not None and watched.place == place and not unheard:
            return
        if self._observer is None:
            return
        if watched.handle is not None:
            with suppress(KeyError, OSError):
                self._observer.unschedule(watched.handle)
            watched.handle = None
        watched.handle = self._observer.schedule(_Listener(self, name), watched.path, recursive=True)
        watched.place = place

    def _touch_canary(self, watched: _Watched) -> None:
        """Write the canary; only in a store that was adopted, because nothing else of ours may be made there."""
        own = os.path.join(watched.path, os.fsdecode(OWN))
        if not os.path.isdir(own):
            return
        watched.asked_at = time.monotonic()
        with open(os.path.join(own, CANARY), "w", encoding="ascii") as file:
            file.write("retentiond touches this file to hear whether the kernel still tells of changes\n")

    def heard(self, name: StoreName, event: FileSystemEvent) -> None:
        """Take in an event; called from the observer's thread, where an exception would end all watching."""
        watched = self._watched[name]
        try:
            if event.event_type not in _WORTH_A_LOOK:
                return
            for path in {event.src_path, event.dest_path} - {"", b""}:
                self._tell(name, watched, os.fsencode(path), event)
        except Exception:  # noqa: BLE001  a hint may be lost, the observer's thread may not
            logging.getLogger(__name__).warning("a hint of the watcher was lost")

    def _tell(self, name: StoreName, watched: _Watched, path: bytes, event: FileSystemEvent) -> None:
        below = os.path.relpath(path, os.fsencode(watched.path))
        top, _, _ = below.partition(b"/")
        if top == OWN:
            if below == OWN + b"/" + CANARY.encode():
                watched.heard_at = time.monotonic()
            return
        if event.event_type == "moved" and os.fsencode(event.dest_path).startswith(
            os.path.join(os.fsencode(watched.path), OWN)
        ):
            return  # a claim of our own
        if top in (b"..", b"."):
            return
        self._wake(name, os.path.dirname(below))
        if event.is_directory and event.event_type in ("created", "moved"):
            self._wake(name, below)


class _Listener(FileSystemEventHandler):
    """Passes events of one store on."""

    def __init__(self, watch: InotifyWatch, name: StoreName) -> None:
        self._watch = watch
        self._name = name

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass any event on."""
        self._watch.heard(self._name, event)


class NoWatch:
    """`Watch` that is switched off: the scan alone finds everything, a little later (I8)."""

    def start(self, wake: Wake) -> None:
        pass

    def proven(self, store: StoreName) -> bool:  # noqa: ARG002  the port's signature
        return False

    def probe(self) -> None:
        pass

    def stop(self) -> None:
        pass
