"""A file system of its own for a bench, in a file that is mounted; and an empty page cache."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BYTES_EACH = 512
"""Of a file without content: its inode, and its name in a directory."""

ROOM = 2 << 30


@contextmanager
def disk_for(directory: Path, files: int, kind: str = "ext4") -> Iterator[Path]:
    """Yield a directory on a file system of its own with room for so many files; without root, the directory itself."""
    if os.geteuid() != 0 or shutil.which(f"mkfs.{kind}") is None:
        yield directory
        return
    image, mounted = directory / "disk.img", directory / "disk"
    with image.open("wb") as file:
        file.truncate(ROOM + files * 2 * BYTES_EACH)
    inodes = str(files + files // 4 + 100_000)
    making = {"ext4": ["mkfs.ext4", "-q", "-F", "-N", inodes], "xfs": ["mkfs.xfs", "-q", "-f"]}
    subprocess.run([*making[kind], str(image)], check=True)
    mounted.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
    try:
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def empty_the_cache() -> bool:
    """Write everything out and let the kernel forget all it has read; False without the right to."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True
