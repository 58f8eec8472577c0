"""Valid logs, keys, notes and certificates in one call."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retentiond.tlog.certificate import Certificate
from retentiond.tlog.checkpoint import Checkpoint, sign_checkpoint
from retentiond.tlog.cosignature import cosignature_message
from retentiond.tlog.key import SignatureType, Signer, VerifierKey
from retentiond.tlog.note import Signature
from retentiond.tlog.proof import inclusion_proof
from retentiond.tlog.subtrees import Subtrees
from retentiond.tlog.tree import Frontier, TreeHead, leaf_hash

ORIGIN = "nvr7.example.org/retentiond/audit"
SIGNER = Signer.from_seed(ORIGIN, bytes(range(32)))
OTHER_SIGNER = Signer.from_seed(ORIGIN, bytes(range(1, 33)))


def some_entries(count: int) -> list[bytes]:
    return [b'{"seq":%d}' % index for index in range(count)]


def some_leaves(count: int) -> list[bytes]:
    return [leaf_hash(entry) for entry in some_entries(count)]


def a_head(leaves: list[bytes]) -> TreeHead:
    return Frontier().extend(leaves).head


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 section 2.1.1 writes it down: slow, and independent of the code under test."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    halves = root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + halves).digest()


def a_checkpoint(*, origin: str = ORIGIN, entries: int = 7) -> Checkpoint:
    head = a_head(some_leaves(entries))
    return Checkpoint(origin=origin, size=head.size, root=head.root)


def a_certificate(*, index: int = 3, entries: int = 7) -> Certificate:
    return Certificate(
        extra=some_entries(entries)[index],
        index=index,
        hashes=inclusion_proof(Subtrees(some_leaves(entries)), index, entries),
        note=sign_checkpoint(a_checkpoint(entries=entries), [SIGNER]),
    )


class Witness:
    """A witness as the specification describes it, written beside the product's own `Cosigner`."""

    def __init__(self, name: str, seed: int = 7) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = VerifierKey(
            name=name, kind=SignatureType.COSIGNATURE_V1, public_key=self._private.public_key().public_bytes_raw()
        )

    def cosign(self, text: str, timestamp: int = 1_679_315_147) -> Signature:
        signed = self._private.sign(cosignature_message(text, timestamp))
        return Signature(name=self.key.name, key_id=self.key.key_id, value=timestamp.to_bytes(8, "big") + signed)
