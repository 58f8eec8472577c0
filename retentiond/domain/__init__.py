"""The rules of the program: values and decisions, no I/O, no clock, no logging.

Everything that can make a recording deletable lives in this package, so that the rules can be read,
tested and argued about without a disk (docs/architecture.md).
"""
