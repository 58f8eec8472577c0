"""A transparency log as pure values: Merkle tree, proofs, signed notes, checkpoints, certificates, witnesses.

The package implements RFC 9162 section 2.1 (the tree of RFC 6962 with SHA-256) and the C2SP formats signed-note v1.0.0,
tlog-checkpoint v1.0.0, tlog-cosignature v1 (Ed25519, type 0x04), tlog-proof@v1 and tlog-witness. It takes and returns
values and bytes. It opens no file and no socket, reads no clock, and knows nothing of recordings: it can be used by
itself, with `cryptography` as its only library. What is public has no underscore; each docstring names the clause that
it implements.

| module | holds |
|---|---|
| `tree` | hashes of leaves and nodes, `Frontier` (all that is needed to append), `TreeHead` |
| `subtrees` | hashes of parts of a tree, also where its beginning was pruned |
| `proof` | inclusion and consistency proofs: made and verified |
| `key` | `Signer`, `VerifierKey` and its text form, the vkey |
| `note`, `checkpoint` | signed notes; the signed size and root of a log |
| `cosignature` | what a witness signs (`Cosigner`), and its verification |
| `certificate` | a proof file that carries the entry itself |
| `witness` | the exchange between a log and a witness, both sides |

Four rules hold throughout:

* What does not verify raises a `TlogError`. No function answers "no" with a value that a caller could overlook.
* Every text has exactly one accepted spelling: decimals without leading zeros, padded base64 without stray bits.
* A signature by a key that the caller did not name is ignored. One bad signature by a key that he did name rejects
  the whole note.
* Sizes, indices and timestamps are at most 2^63 - 1.

A log of two entries, and the proof that the second is in it:

>>> from retentiond.tlog.certificate import Certificate, TrustedLog, format_certificate, parse_certificate
>>> from retentiond.tlog.certificate import verify_certificate
>>> from retentiond.tlog.checkpoint import Checkpoint, sign_checkpoint
>>> from retentiond.tlog.key import Signer
>>> from retentiond.tlog.proof import inclusion_proof
>>> from retentiond.tlog.subtrees import Subtrees
>>> from retentiond.tlog.tree import Frontier, leaf_hash
>>> leaves = [leaf_hash(b"first"), leaf_hash(b"second")]
>>> signer = Signer.from_seed("log.example/1", bytes(32))
>>> head = Frontier().extend(leaves).head
>>> note = sign_checkpoint(Checkpoint(origin="log.example/1", size=head.size, root=head.root), [signer])
>>> path = inclusion_proof(Subtrees(leaves), 1, head.size)
>>> file = format_certificate(Certificate(extra=b"second", index=1, hashes=path, note=note))
>>> verify_certificate(parse_certificate(file), TrustedLog(origin="log.example/1", keys=(signer.key,))).entry
b'second'
"""
