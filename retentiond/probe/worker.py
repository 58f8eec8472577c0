"""The process that looks into files: it reads below the stores and can do nothing else.

The first line on its standard input names the stores, each further line one recording; each is answered by a line.
It ends when its input does.
"""

import json
import os
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

from retentiond.domain.media import Looked, Opaque, OpaqueReason
from retentiond.domain.names import join
from retentiond.probe.landlock import restrict_to_reading
from retentiond.probe.lines import MAX_LINE, reply_line
from retentiond.probe.opening import look_at_event, look_at_file

_MEMORY = 512 << 20
_CPU_S = 600
_FILES = 64


def main() -> int:
    """Serve requests until there are no more."""
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    roots = {name: os.fsencode(path) for name, path in json.loads(requests.readline(MAX_LINE * 64)).items()}
    _limit()
    version = restrict_to_reading(roots.values())
    replies.write(json.dumps({"landlock": version}).encode() + b"\n")
    replies.flush()
    serve(requests, replies, roots)
    return 0


def serve(requests: BinaryIO, replies: BinaryIO, roots: Mapping[str, bytes]) -> None:
    """Answer each line of `requests`, in order."""
    while line := requests.readline(MAX_LINE):
        replies.write(reply_line(_answer(line, roots)))
        replies.flush()


def _answer(line: bytes, roots: Mapping[str, bytes]) -> Looked:
    fields = json.loads(line)
    root = roots[fields["store"]]
    directory, name = bytes.fromhex(fields["directory"]), bytes.fromhex(fields["name"])
    try:
        if fields["unit"] == "directory":
            return look_at_event(root, join(directory, name))
        return look_at_file(root, directory, name)
    except MemoryError:
        return Opaque(OpaqueReason.BEYOND_LIMITS)


def _limit() -> None:
    """Bound memory, time and open files, and let nothing be written to any file."""
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # the limit is lower already
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main())
