"""The trail on disk: JSON Lines in one Merkle tree (docs/audit-format.md). One writer; anybody may read."""
