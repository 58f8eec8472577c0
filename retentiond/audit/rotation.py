"""Which keys sign now, and how trust goes from an old key to a new one.

A new key is put on the record by `key.rotated`. A certificate of that record, under a head that the old key signed, is
kept in `rotations/`: with it, somebody who holds only the old public key comes to trust the new one, also after the
record was pruned. For OVERLAP from then on, heads bear both signatures; a verifier ignores the one that it does not
know (C2SP signed-note). Then the old key retires, and nothing that it signed loses its proof.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from retentiond.audit.keys import KnownKey, Signers, known_keys, remember_key, retire_keys
from retentiond.audit.line import parse_line
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, EventType
from retentiond.domain.instants import EPOCH
from retentiond.durable import replace_file, sync_directory
from retentiond.tlog.certificate import (
    Certificate,
    TrustedLog,
    format_certificate,
    parse_certificate,
    verify_certificate,
)
from retentiond.tlog.checkpoint import Checkpoint, sign_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, VerifierKey, format_vkey, parse_vkey
from retentiond.tlog.tree import Frontier, leaf_hash

OVERLAP = timedelta(days=7)
"""So long heads bear both signatures: every verifier sees the new key before the old one is gone."""


class KeyRing:
    """The keys at hand, what is known of them, and which of them sign."""

    def __init__(self, directory: str, signers: Signers, written_at: Callable[[int], datetime | None]) -> None:
        """Take the keys at hand; `written_at` tells when a record was written, None if it was pruned."""
        self._directory = directory
        self._at_hand = [key for key in (signers.current, signers.upcoming) if key is not None]
        self._written_at = written_at
        self._known: dict[str, KnownKey] = {}
        self._ends_at = EPOCH

    def open(self, size: int) -> None:
        """Look which keys are known. The very first is remembered as it is: there is none that could vouch for it.

        Raises:
            StorageError: `keys` cannot be read.
        """
        self._look()
        if not self._known and self._at_hand:
            with suppress(StorageError):  # a full disk: heads are unsigned until a start can note the key
                remember_key(self._directory, self._at_hand[0], size)
            self._look()

    @property
    def signs(self) -> bool:
        """Whether heads are signed."""
        return bool(self._active())

    def unannounced(self) -> Signer | None:
        """Return a key at hand that is not on the record yet, and so does not sign."""
        return next((key for key in self._at_hand if format_vkey(key.key) not in self._known), None)

    def signers(self, now: datetime, size: int) -> tuple[Signer, ...]:
        """Return the keys that sign a head of this size. An old one whose time is up retires, if that can be noted."""
        active = self._active()
        if len(active) > 1 and now >= self._ends_at:
            with suppress(StorageError):
                retire_keys(self._directory, [format_vkey(active[0].key)], size)
                self._look()
        return tuple(self._active())

    def announcement(self, new: Signer) -> Event:
        """Return the record that announces a key. `old` is null if no older key is there to vouch for it."""
        active = self._active()
        old = format_vkey(active[0].key) if active else None
        return Event(EventType.KEY_ROTATED, {"old": old, "new": format_vkey(new.key)})

    def accept(self, new: Signer, line: bytes, index: int, before: Frontier) -> None:
        """Let a key sign that the record `line`, number `index`, has announced and that is durable.

        Raises:
            StorageError: what lets others trust it cannot be kept; it does not sign then, and is announced again.
        """
        if self._active():
            note = sign_checkpoint(
                Checkpoint(origin=new.name, size=index + 1, root=before.append(leaf_hash(line)).root),
                [*self._active(), new],
            )
            # The last leaf of a tree has the whole edge before it for its path (RFC 9162, 2.1.3.1).
            path = tuple(reversed(before.hashes))
            _keep(self._directory, Certificate(extra=line, index=index, hashes=path, note=note))
        remember_key(self._directory, new, index + 1)
        at_hand = {format_vkey(key.key) for key in self._at_hand}
        retire_keys(self._directory, self._known.keys() - at_hand, index + 1)
        self._look()

    def _look(self) -> None:
        self._known = {key.vkey: key for key in known_keys(self._directory)}
        active = self._active()
        if len(active) > 1:
            began = self._written_at(self._known[format_vkey(active[-1].key)].first - 1)
            self._ends_at = EPOCH if began is None else began + OVERLAP

    def _active(self) -> list[Signer]:
        """Return the keys at hand that sign: known, and not retired."""
        known = ((key, self._known.get(format_vkey(key.key))) for key in self._at_hand)
        return [key for key, row in known if row is not None and row.last is None]


def trusted_keys(directory: str, origin: str, pinned: Iterable[str]) -> list[VerifierKey]:
    """Return the keys that somebody may trust who trusts the public keys `pinned`, and nothing on this machine.

    A trail that was begun anew after damage has another origin and may have the same key (`audit.forked`).

    Raises:
        AuditDamagedError: what is kept in `rotations/` is no such certificate, or does not verify.
        StorageError: it cannot be read.
    """
    trusted = [key_of_fork(parse_vkey(vkey), origin) for vkey in pinned]
    for path in _certificates(directory):
        try:
            with open(path, "rb") as file:
                certificate = parse_certificate(file.read())
            if not {(key.name, key.key_id) for key in trusted} & {
                (item.name, item.key_id) for item in certificate.note.signatures
            }:
                continue  # not by a key that is trusted: it vouches for nothing
            entry = verify_certificate(certificate, TrustedLog(origin=origin, keys=tuple(trusted))).entry
            fields = parse_line(entry)
            if fields["type"] != EventType.KEY_ROTATED:
                raise AuditDamagedError(f"{path}: certifies a record of type {fields['type']!r}, and no key")
            trusted.append(parse_vkey(fields["new"]))
        except OSError as error:
            raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
        except (TlogError, KeyError, TypeError, AttributeError) as error:
            raise AuditDamagedError(f"{path}: does not verify ({error}); keep a copy, and restore it") from error
    return list(dict.fromkeys(trusted))


def unannounced_key(known: Sequence[KnownKey], announced: dict[int, str], first: int) -> KnownKey | None:
    """Return a public key that signs although no record says so; `announced` has the keys by the number of the record.

    The first needs none. Of records that were pruned, before number `first`, nothing can be said.
    """
    for key in known[1:]:
        if key.first - 1 >= first and announced.get(key.first - 1) != key.vkey:
            return key
    return None


def key_of_fork(key: VerifierKey, origin: str) -> VerifierKey:
    """Return a key under the name `origin` if that is a trail which was begun anew in the place of the key's own.

    Such a trail has the same key and another name, `<origin>/2` and so on (`audit.forked`).
    """
    suffix = origin.removeprefix(f"{key.name}/")
    return VerifierKey(name=origin, public_key=key.public_key) if suffix.isdecimal() and suffix != origin else key


def _keep(directory: str, certificate: Certificate) -> None:
    rotations = os.path.join(directory, "rotations")
    try:
        if not os.path.isdir(rotations):
            os.makedirs(rotations, mode=0o755, exist_ok=True)
            sync_directory(directory)
    except OSError as error:
        raise StorageError(f"{rotations}: cannot be made ({error.strerror})") from error
    replace_file(
        os.path.join(rotations, f"{certificate.index:020d}.tlog-proof"), format_certificate(certificate), 0o644
    )


def _certificates(directory: str) -> list[str]:
    rotations = os.path.join(directory, "rotations")
    try:
        names = os.listdir(rotations)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{rotations}: cannot be read ({error.strerror})") from error
    return [os.path.join(rotations, name) for name in sorted(names) if name.endswith(".tlog-proof")]
