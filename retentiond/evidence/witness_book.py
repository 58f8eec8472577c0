"""What a witness has cosigned last of each log, in a directory of its own (C2SP tlog-witness).

A witness is worth something only if it never forgets: the new head is durable before anything is signed, in the order
check, keep, sign, answer, and all of it under one lock. What cannot be read is never taken for nothing seen.
"""

import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from retentiond.audit.head import read_small
from retentiond.audit.keys import load_signer, make_key
from retentiond.audit.rotation import key_of_fork
from retentiond.domain.errors import ConfigurationError, StorageError, TryAgainError
from retentiond.durable import replace_file, sync_directory
from retentiond.tlog.checkpoint import Checkpoint, parse_checkpoint
from retentiond.tlog.cosignature import Cosigner
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import VerifierKey
from retentiond.tlog.note import Note, Signature, format_note, format_signatures, parse_note
from retentiond.tlog.tree import TreeHead
from retentiond.tlog.witness import NOTHING_SEEN, Refused, judge, open_request, seen_path

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class KnownLogs(Mapping[str, Sequence[VerifierKey]]):
    """The public keys of the logs that a witness knows, by origin.

    A log that was begun anew after damage has the same key under the name `<origin>/2`, and is known with it.
    """

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        self._keys = tuple(keys)

    def __getitem__(self, origin: str) -> Sequence[VerifierKey]:
        found = tuple(key for key in (key_of_fork(key, origin) for key in self._keys) if key.name == origin)
        if not found:
            raise KeyError(origin)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.name for key in self._keys))

    def __len__(self) -> int:
        return len({key.name for key in self._keys})


class WitnessBook:
    """The heads that were cosigned last. Safe from any thread; one process a directory (`open_book`)."""

    def __init__(
        self, directory: str, cosigner: Cosigner, logs: Mapping[str, Sequence[VerifierKey]], now: Callable[[], datetime]
    ) -> None:
        self._directory = directory
        self._cosigner = cosigner
        self._logs = logs
        self._now = now
        self._lock = threading.Lock()

    @property
    def key(self) -> VerifierKey:
        """The public key of the witness."""
        return self._cosigner.key

    def add_checkpoint(self, body: bytes) -> tuple[Checkpoint, str] | Refused:
        """Judge a request, and return the checkpoint with the line that cosigns it, or why it is refused.

        Raises:
            StorageError: the head cannot be read or kept. Nothing was signed.
        """
        opened = open_request(body, self._logs)
        if isinstance(opened, Refused):
            return opened
        request, checkpoint = opened
        with self._lock:
            refused = judge(request, checkpoint, self._latest(checkpoint.origin))
            if refused is not None:
                return refused
            note = self._signed_by_log(request.note)
            self._keep(checkpoint.origin, note)
            line = self._cosign(note)
            with suppress(StorageError):  # the head is kept; what is shown of it is cosigned again when it is asked for
                self._keep(checkpoint.origin, Note(note.text, (*note.signatures, line)))
        return checkpoint, format_signatures([line])

    def shown(self, origin_hash: str) -> bytes | None:
        """Return the latest head of the log with this hash, cosigned; None if there is none.

        Raises:
            StorageError: it cannot be read.
        """
        if not _HASH.fullmatch(origin_hash):
            return None
        with self._lock:
            note = self._read(os.path.join(self._directory, origin_hash, "checkpoint"))
            if note is None:
                return None
            if all(item.name != self.key.name or item.key_id != self.key.key_id for item in note.signatures):
                note = Note(note.text, (*note.signatures, self._cosign(note)))
        return format_note(note)

    def _latest(self, origin: str) -> TreeHead:
        note = self._read(os.path.join(self._directory, seen_path(origin)))
        return NOTHING_SEEN if note is None else parse_checkpoint(note.text).head

    def _read(self, path: str) -> Note | None:
        data = read_small(path)
        if data is None:
            return None
        try:
            note = parse_note(data)
            parse_checkpoint(note.text)
        except TlogError as error:
            raise StorageError(
                f"{path}: is no head ({error}); restore it: a witness that forgets must not cosign"
            ) from error
        return note

    def _signed_by_log(self, note: Note) -> Note:
        """Return a note with the signatures that verified and no others: nobody else may make the file grow."""
        origin = parse_checkpoint(note.text).origin
        known = {(key.name, key.key_id) for key in self._logs[origin]}
        kept = {item: None for item in note.signatures if (item.name, item.key_id) in known}
        return Note(note.text, tuple(kept))

    def _cosign(self, note: Note) -> Signature:
        return self._cosigner.cosign(note.text, int(self._now().timestamp()))

    def _keep(self, origin: str, note: Note) -> None:
        path = os.path.join(self._directory, seen_path(origin))
        folder = os.path.dirname(path)
        try:
            if not os.path.isdir(folder):
                os.makedirs(folder, mode=0o755, exist_ok=True)
                sync_directory(self._directory)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be made ({error.strerror})") from error
        replace_file(path, format_note(note), 0o644)


@contextmanager
def open_book(
    directory: str, name: str, keys: Sequence[VerifierKey], now: Callable[[], datetime]
) -> Iterator[WitnessBook]:
    """Open the directory of a witness as its only process; it and the key are made if they are not there.

    Args:
        directory: of the witness.
        name: under which it cosigns, for life.
        keys: of the logs that it cosigns.
        now: the wall clock.

    Raises:
        TryAgainError: another process has it open.
        ConfigurationError: it was another name.
        NotPermittedError: others may read the key.
        StorageError: it cannot be read or made.
    """
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise StorageError(f"{directory}: cannot be made ({error.strerror})") from error
    try:
        _lock(directory, lock)
        yield WitnessBook(directory, _cosigner(directory, name), KnownLogs(keys), now)
    finally:
        os.close(lock)


def _lock(directory: str, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TryAgainError(f"{directory}: another witness is running on it; stop that one first") from error
    except OSError as error:
        raise StorageError(f"{directory}: cannot be locked ({error.strerror})") from error


def _cosigner(directory: str, name: str) -> Cosigner:
    """Return the key of the witness under its name, which is kept beside it: another would be another witness."""
    path, named = os.path.join(directory, "witness.key"), os.path.join(directory, "name")
    known = read_small(named)
    if known is None:
        replace_file(named, f"{name}\n".encode(), 0o644)
    elif known != f"{name}\n".encode():
        raise ConfigurationError(
            f"--name {name}: the witness in {directory} is called {known.decode(errors='replace').strip()!r}, and "
            "those who trust it know it by that; give another one another directory"
        )
    signer = load_signer(path, name)
    if signer is None:
        make_key(path, name)
        signer = load_signer(path, name)
    if signer is None:
        raise StorageError(f"{path}: was made and is not there")
    return Cosigner(name, signer.private_key)
