"""The watcher: says where to look early. It loses events silently, so nothing is decided by it (ADR 0003)."""

import logging
import os
import select
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from retentiond.domain.names import join
from retentiond.domain.recording import StoreName
from retentiond.ports import Watching
from retentiond.storage.beneath import open_absolute
from retentiond.storage.identity import OWN
from retentiond.storage.inotify import Change, TreeWatch, What
from retentiond.storage.syscalls import load_system_calls

CANARY = b"canary"
PROVEN_FOR_S = 180.0
MOST_TOLD = 10_000
_WORTH_A_LOOK = frozenset({"created", "closed", "deleted"})
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TOUCH = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TEXT = b"retentiond touches this file to hear whether the kernel still tells of changes\n"

Wake = Callable[[StoreName, bytes], None]


class TreeEmitter(EventEmitter):
    """Gives watchdog the events of one store.

    Watchdog's own emitter for Linux goes through a tree by recursion, in the thread that serves all stores: a tree of
    1,000 levels, which anybody who can write to one store can make, would end the watching of all of them.
    """

    tree: TreeWatch
    _bell: int
    _guard: threading.Lock

    def start(self) -> None:
        """Begin to watch, then to pass events on. Raises OSError or RuntimeError, and then leaves nothing behind."""
        self.tree = TreeWatch(load_system_calls(), os.fsdecode(self.watch.path))
        self._bell, self._guard = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK), threading.Lock()
        try:
            self.tree.open()
            super().start()
        except BaseException:
            self._close()
            raise

    def run(self) -> None:
        """Pass events on until the emitter is stopped. An error ends this emitter; a later probe makes another."""
        try:
            super().run()
        except OSError:
            logging.getLogger(__name__).warning("the watch on a store has ended")
        finally:
            self._close()

    def queue_events(self, timeout: float) -> None:
        """Wait for events, at most `timeout` seconds, and pass them on."""
        poll = select.poll()
        poll.register(self.tree.descriptor, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        poll.poll(timeout * 1000)
        if self.should_keep_running():
            for change in self.tree.read():
                self.queue_event(_as_event(os.fsencode(self.watch.path), change))

    def on_thread_stop(self) -> None:
        """End the waiting; called from another thread, perhaps after this one has ended."""
        with self._guard:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def _close(self) -> None:
        with self._guard:
            self.tree.close()
            if self._bell >= 0:
                os.close(self._bell)
            self._bell = -1


def _as_event(store: bytes, change: Change) -> FileSystemEvent:
    path = os.fsdecode(join(store, join(change.directory, change.name)))
    match change.what:
        case What.CREATED:
            return DirCreatedEvent(path) if change.is_directory else FileCreatedEvent(path)
        case What.DELETED:
            return DirDeletedEvent(path) if change.is_directory else FileDeletedEvent(path)
        case What.CLOSED:
            return FileClosedEvent(path)


@dataclass(slots=True)
class _Watched:
    """What is known of the watch on one store."""

    path: str
    handle: ObservedWatch | None = None
    place: tuple[int, int] | None = None
    heard_at: float | None = None
    asked_at: float | None = None
    losses: int = 0
    told: set[bytes] = field(default_factory=set)
    """Files that were told of when they were made and have not been closed since; for the observer's thread only."""


class InotifyWatch:
    """`Watch` by watchdog. A canary file that is touched and heard of proves that events still flow."""

    def __init__(self, stores: Mapping[StoreName, str]) -> None:
        self._watched = {name: _Watched(path) for name, path in stores.items()}
        self._observer: BaseObserver | None = None
        self._wake: Wake = lambda _store, _directory: None

    @property
    def enabled(self) -> bool:
        return True

    def start(self, wake: Wake) -> None:
        logging.getLogger("watchdog").setLevel(logging.WARNING)
        self._wake = wake
        observer = BaseObserver(TreeEmitter)
        try:
            observer.start()
        except RuntimeError:  # no more threads
            logging.getLogger(__name__).warning("stores are not watched: no thread can be started")
            return
        self._observer = observer
        self.probe()

    def watching(self, store: StoreName) -> Watching:
        watched = self._watched[store]
        trees = self._trees(watched)
        heard = watched.heard_at is not None and time.monotonic() - watched.heard_at < PROVEN_FOR_S
        return Watching(
            proven=heard and bool(trees) and all(tree.complete for tree in trees),
            directories=sum(tree.watched for tree in trees),
            losses=watched.losses + sum(tree.losses for tree in trees),
        )

    def _trees(self, watched: _Watched) -> Sequence[TreeWatch]:
        """Return the watch on a store, if there is one now."""
        emitters = () if self._observer is None else tuple(self._observer.emitters)
        return [item.tree for item in emitters if isinstance(item, TreeEmitter) and item.watch == watched.handle]

    def probe(self) -> None:
        for name, watched in self._watched.items():
            with suppress(OSError, RuntimeError):
                self._renew(name, watched)
                self._touch_canary(watched)

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=5)

    def _renew(self, name: StoreName, watched: _Watched) -> None:
        """Watch a store that is not watched yet, is another directory now, or has gone silent."""
        status = os.stat(watched.path, follow_symlinks=False)
        place = (status.st_dev, status.st_ino)
        unheard = watched.asked_at is not None and (watched.heard_at is None or watched.heard_at < watched.asked_at)
        if watched.handle is not None and watched.place == place and not unheard:
            return
        if self._observer is None:
            return
        if watched.handle is not None:
            watched.losses += sum(tree.losses for tree in self._trees(watched))
            with suppress(KeyError, OSError):
                self._observer.unschedule(watched.handle)
            watched.handle = None
        watched.handle = self._observer.schedule(_Listener(self, name), watched.path, recursive=True)
        watched.place = place

    def _touch_canary(self, watched: _Watched) -> None:
        """Write the canary; only in a store that was adopted, and only in a directory that nobody else can write."""
        with ExitStack() as held:
            store = open_absolute(watched.path)
            held.callback(os.close, store)
            try:
                own = os.open(OWN, _DIRECTORY, dir_fd=store)
            except FileNotFoundError:
                return
            held.callback(os.close, own)
            status = os.fstat(own)
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return
            watched.asked_at = time.monotonic()
            canary = os.open(CANARY, _TOUCH, 0o600, dir_fd=own)
            held.callback(os.close, canary)
            made = os.fstat(canary)
            if stat.S_ISREG(made.st_mode) and made.st_size == 0:
                os.write(canary, _TEXT)

    def heard(self, name: StoreName, event: FileSystemEvent) -> None:
        """Take in an event; called from the observer's thread, where an exception would end all watching."""
        watched = self._watched[name]
        try:
            if event.event_type in _WORTH_A_LOOK:
                self._tell(name, watched, os.fsencode(event.src_path), event)
        except Exception:  # noqa: BLE001  a hint may be lost, the observer's thread may not
            logging.getLogger(__name__).warning("a hint of the watcher was lost")

    def _tell(self, name: StoreName, watched: _Watched, path: bytes, event: FileSystemEvent) -> None:
        below = os.path.relpath(path, os.fsencode(watched.path))
        top, _, _ = below.partition(b"/")
        if top == OWN:
            if below == join(OWN, CANARY):
                watched.heard_at = time.monotonic()
            return
        if top in (b"..", b"."):  # the store itself: events were lost
            self._wake(name, b"")
            return
        if self._is_known(watched, below, event):
            return
        self._wake(name, os.path.dirname(below))
        if event.is_directory and event.event_type == "created":
            self._wake(name, below)
            self._wake(name, below)

    @staticmethod
    def _is_known(watched: _Watched, path: bytes, event: FileSystemEvent) -> bool:
        """Tell whether an event says only that a file is finished that was told of when it was made.

        A look is taken at names, and those are the same. It costs as much as there is in the directory.
        """
        if event.event_type == "created" and not event.is_directory:
            if len(watched.told) >= MOST_TOLD:
                watched.told.clear()  # what is forgotten costs one look more
            watched.told.add(path)
            return False
        known = path in watched.told
        watched.told.discard(path)
        return known and event.event_type == "closed"


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

    @property
    def enabled(self) -> bool:
        return False

    def start(self, wake: Wake) -> None:
        pass

    def watching(self, store: StoreName) -> Watching:  # noqa: ARG002  the port's signature
        return Watching()

    def probe(self) -> None:
        pass

    def stop(self) -> None:
        pass
