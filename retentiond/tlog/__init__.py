"""A transparency log as pure values: Merkle tree, proofs, signed notes, checkpoints, certificates.

The package implements RFC 9162 section 2.1 (the tree of RFC 6962 with SHA-256) and the C2SP formats signed-note,
tlog-checkpoint, tlog-cosignature (type 0x04) and tlog-proof. It takes and returns values and bytes. It opens no file
and no socket, reads no clock, and knows nothing of recordings. Four rules hold throughout:

* What does not verify raises a `TlogError`. No function answers "no" with a value that a caller could overlook.
* Every text has exactly one accepted spelling: decimals without leading zeros, padded base64 without stray bits.
* A signature by a key that the caller did not name is ignored. One bad signature by a key that he did name rejects
  the whole note.
* Sizes, indices and timestamps are at most 2^63 - 1.
"""
