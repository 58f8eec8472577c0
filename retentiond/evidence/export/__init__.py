"""The trail in the forms of other systems: OCSF, ECS, CloudEvents, CSV (docs/export.md).

One record becomes one line, in order, with a memory that does not grow. Nothing is left out: JSON forms carry the line
itself, and CSV what has no column of its own. What is written is printable ASCII (JSON) or printable text (CSV),
whatever a file on the disk was called.
"""
