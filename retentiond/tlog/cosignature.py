"""Cosignatures of C2SP tlog-cosignature with Ed25519 (type 0x04): a witness says when it saw a checkpoint.

Those with ML-DSA-44 (type 0x06) are passed over like every signature of an unknown key.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retentiond.tlog.encoding import checked_number
from retentiond.tlog.errors import FormatError, SignatureError
from retentiond.tlog.key import SignatureType, VerifierKey, checked_key_name, encoded, private_key_from_seed
from retentiond.tlog.note import Note, Signature, checked_text, signatures_by

_TIMESTAMP = struct.Struct(">Q")
_ED25519_SIZE = 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified statement of a witness: this was the largest consistent tree it had seen of the log at that time.

    Attributes:
        witness: the key that signed.
        timestamp: POSIX seconds, by the clock of the witness.
    """

    witness: VerifierKey
    timestamp: int


@dataclass(frozen=True, slots=True)
class Cosigner:
    """The private key of a witness, and the name it cosigns under (C2SP tlog-cosignature, "Format", type 0x04).

    Raises:
        FormatError: the name is not a key name.
    """

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        checked_key_name(self.name)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "Cosigner":
        """Return the cosigner whose private key is the 32 bytes of `seed` (RFC 8032 section 5.1.5).

        Raises:
            FormatError: the name is not a key name, or the seed does not have 32 bytes.
        """
        return cls(name, private_key_from_seed(seed))

    @property
    def key(self) -> VerifierKey:
        """The public key that verifies what this cosigner signs."""
        return VerifierKey(
            name=self.name,
            kind=SignatureType.COSIGNATURE_V1,
            public_key=self.private_key.public_key().public_bytes_raw(),
        )

    def cosign(self, text: str, timestamp: int) -> Signature:
        """Return the signature line over the text of a checkpoint note (C2SP tlog-cosignature, "Format").

        The caller answers for what it says: as of `timestamp`, this is the largest consistent tree that it has seen.

        Raises:
            FormatError: the text cannot be that of a note, or the timestamp is not between 1 and 2^63 - 1; a witness
                must not leave it out (C2SP tlog-witness, "add-checkpoint").
        """
        if timestamp < 1:
            raise FormatError("a cosignature has a timestamp after 1970")
        signed = self.private_key.sign(cosignature_message(text, timestamp))
        return Signature(name=self.name, key_id=self.key.key_id, value=_TIMESTAMP.pack(timestamp) + signed)


def cosignature_message(text: str, timestamp: int) -> bytes:
    """Return what a witness signs (C2SP tlog-cosignature, "Ed25519 signed message").

    Args:
        text: the whole text of the checkpoint note, with its last newline and without signatures.
        timestamp: POSIX seconds.

    Raises:
        FormatError: the text cannot be that of a note, or the timestamp is negative or above 2^63 - 1.
    """
    return encoded(f"cosignature/v1\ntime {checked_number(timestamp)}\n{checked_text(text)}")


def verify_cosignature(text: str, signature: Signature, witness: VerifierKey) -> Cosignature:
    """Verify one signature line over the text of a checkpoint note (C2SP tlog-cosignature, "Format").

    Raises:
        SignatureError: the line is of another key, or does not verify.
        FormatError: the key is not of type 0x04, or the line does not hold a timestamp and a signature.
    """
    if witness.kind is not SignatureType.COSIGNATURE_V1:
        raise FormatError(f"the key of {witness.name!r} is of type {witness.kind:#04x}, and not of type 0x04")
    if (signature.name, signature.key_id) != (witness.name, witness.key_id):
        raise SignatureError(f"the signature of {signature.name!r} is not by the key of {witness.name!r}")
    if len(signature.value) != _TIMESTAMP.size + _ED25519_SIZE:
        raise FormatError(f"the cosignature of {witness.name!r} is not a timestamp and an Ed25519 signature")
    (timestamp,) = _TIMESTAMP.unpack_from(signature.value)
    if not witness.has_signed(cosignature_message(text, timestamp), signature.value[_TIMESTAMP.size :]):
        raise SignatureError(f"the cosignature of {witness.name!r} does not verify")
    return Cosignature(witness, timestamp)


def verify_cosignatures(note: Note, witnesses: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return what the known witnesses say, once each and by their latest timestamp (C2SP tlog-cosignature, "Format").

    None may have signed: how many are enough is for the caller to say. Unknown keys are ignored.

    Raises:
        SignatureError: a known witness has a signature that does not verify.
        FormatError: a key is not of type 0x04, two keys share name and id, or a known witness has a malformed line.
    """
    latest: dict[VerifierKey, Cosignature] = {}
    for witness, signature in signatures_by(note, witnesses, SignatureType.COSIGNATURE_V1):
        said = verify_cosignature(note.text, signature, witness)
        if witness not in latest or said.timestamp > latest[witness].timestamp:
            latest[witness] = said
    return tuple(latest.values())
