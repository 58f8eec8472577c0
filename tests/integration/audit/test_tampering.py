"""What a check finds, and what it cannot: the two lists of docs/audit-format.md, tried a few thousand times."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import rfc8785

from retentiond.audit.head import format_head
from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import AuditDamagedError
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, leaf, root_by_definition

MUTATIONS = 2000


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of three segments of 6, 7 and 7 lines, with a signed head over all of them."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    for month in (3, 4, 5):
        disk.now = disk.now.replace(month=month, day=1)
        disk.fill(1, each=5)
    return disk


def head_of(lines: list[bytes]) -> tuple[int, bytes]:
    return len(lines), root_by_definition([leaf(line) for line in lines])


def found(disk: DiskTrail, external: tuple[int, bytes] | None = None) -> bool:
    """Tell whether a check finds something."""
    try:
        verify_trail(str(disk.path), external=external)
    except AuditDamagedError:
        return True
    return False


def put(disk: DiskTrail, segments: list[list[bytes]]) -> None:
    for path, lines in zip(disk.files(), segments, strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in lines))


def taken(disk: DiskTrail) -> list[list[bytes]]:
    return [path.read_bytes().split(b"\n")[:-1] for path in disk.files()]


# --- ways to change a trail ---------------------------------------------------------------------------------------


def flip(random: Random, line: bytes) -> bytes:
    changed = bytearray(line)
    for _ in range(random.randint(1, 3)):
        changed[random.randrange(len(line))] ^= 1 << random.randrange(8)
    return bytes(changed)


def change_a_value(random: Random, line: bytes) -> bytes:
    """Change one value and write the line as the program would."""
    fields = json.loads(line)
    key = random.choice(sorted(fields))
    value = fields[key]
    other = f"{value}x" if isinstance(value, str) else value + 1 if isinstance(value, int) else None
    return rfc8785.dumps({**fields, key: other})


def drop_a_key(random: Random, line: bytes) -> bytes:
    fields = json.loads(line)
    del fields[random.choice(sorted(fields))]
    return rfc8785.dumps(fields)


def write_otherwise(random: Random, line: bytes) -> bytes:
    """Say the same in another spelling, which only the bytes tell."""
    fields = json.loads(line)
    spellings: list[Callable[[], str]] = [
        lambda: json.dumps(fields),
        lambda: json.dumps(fields, separators=(",", ":")),
        lambda: json.dumps(dict(reversed(fields.items())), separators=(",", ":"), ensure_ascii=False),
        lambda: line.decode().replace('"v":1', '"v":1.0'),
        lambda: line.decode() + " ",
    ]
    return random.choice(spellings)().encode()


def cut(random: Random, line: bytes) -> bytes:
    return line[: random.randrange(len(line))]


CHANGES = (flip, change_a_value, drop_a_key, write_otherwise, cut)


def mutated(random: Random, whole: list[list[bytes]]) -> list[list[bytes]]:
    """Return the lines of each segment after one change somewhere."""
    segments = [list(lines) for lines in whole]
    lines = random.choice(segments)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(9):
        case 0 | 1 | 2 | 3:
            lines[one] = random.choice(CHANGES)(random, lines[one])
        case 4:
            del lines[one]
        case 5:
            lines.insert(other, lines[one])
        case 6:
            lines[one], lines[other] = lines[other], lines[one]
        case 7:
            foreign = random.choice(segments)
            foreign.insert(random.randrange(len(foreign) + 1), lines.pop(one))
        case _:
            del lines[one:]
    return segments


def mutations(disk: DiskTrail, seed: int) -> Iterator[list[list[bytes]]]:
    """Yield changed trails, none of which is the whole one."""
    whole, random, made = taken(disk), Random(seed), 0
    while made < MUTATIONS:
        changed = mutated(random, whole)
        if changed != whole:
            made += 1
            yield changed


def forge(disk: DiskTrail, segments: list[list[bytes]]) -> list[bytes]:
    """Make everything follow again, as somebody does who holds the key: numbers, chain, headers, files and head."""
    for path in disk.log.iterdir():
        path.unlink()
    lines: list[bytes] = []
    former = ""
    for segment in segments:
        first = len(lines)
        for line in segment:
            try:
                fields: dict[str, Any] = json.loads(line)
                fields["seq"], fields["prev"] = len(lines), leaf(lines[-1]).hex() if lines else "0" * 64
            except (ValueError, TypeError, AttributeError):
                continue
            if len(lines) == first and lines:
                stated = {"previous": former, "size": len(lines), "root": head_of(lines)[1].hex()}
                fields |= {"type": "audit.segment", **stated}
            lines.append(rfc8785.dumps(fields))
        if len(lines) > first:
            former = f"{first:020d}.jsonl"
            (disk.log / former).write_bytes(b"".join(line + b"\n" for line in lines[first:]))
    (disk.path / "checkpoint").write_bytes(format_head(ORIGIN, *head_of(lines), [SIGNER]))
    return lines


# --- without the key ----------------------------------------------------------------------------------------------


def test_every_change_below_the_head_is_found_without_anything_from_elsewhere(disk: DiskTrail) -> None:
    head = head_of(disk.lines())
    for changed in mutations(disk, 4711):
        put(disk, changed)
        assert found(disk)
        assert found(disk, head)


def test_every_single_bit_that_flips_is_found(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    disk.fill(1, each=2)
    (path,) = disk.files()
    data = path.read_bytes()
    missed = []
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        if not found(disk):
            missed.append(bit)
    assert missed == []
    path.write_bytes(data)
    assert not found(disk)


def test_every_single_bit_of_the_head_that_flips_is_found_or_changes_nothing(disk: DiskTrail) -> None:
    """What a check takes is the size and the root, or that nobody signed: never another size or root."""
    path = disk.path / "checkpoint"
    data, head = path.read_bytes(), head_of(disk.lines())
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            result = verify_trail(str(disk.path))
        except AuditDamagedError:
            continue
        raise AssertionError(f"bit {bit} of the head: {result} instead of {head}")


def test_every_place_at_which_the_files_end_is_found(disk: DiskTrail) -> None:
    """Below the head nothing may be missing, not even the last LF."""
    for path in disk.files():
        data = path.read_bytes()
        for end in range(len(data)):
            path.write_bytes(data[:end])
            assert found(disk), f"{path.name} ends after {end} bytes"
        path.write_bytes(data)
    assert not found(disk)


# --- with the key -------------------------------------------------------------------------------------------------


def test_what_is_forged_with_the_key_is_found_with_a_head_kept_elsewhere_and_only_with_it(disk: DiskTrail) -> None:
    whole, passed = disk.lines(), 0
    head = head_of(whole)
    for changed in list(mutations(disk, 815)):
        lines = forge(disk, changed)
        if lines[: len(whole)] == whole:
            continue  # nothing was changed up to the head that is known: something was added after it
        assert found(disk, head)
        passed += not found(disk)
    assert passed > MUTATIONS // 2, "a good forger gets past a check that knows nothing from elsewhere"


def test_a_roll_back_to_any_older_head_is_found_with_a_head_kept_elsewhere_and_only_with_it(tmp_path: Path) -> None:
    """No key is needed for it: the older head was signed once."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    past = []
    for _ in range(12):
        disk.fill(1, each=3)
        past.append({path: path.read_bytes() for path in disk.path.rglob("*") if path.is_file()})
    head = head_of(disk.lines())
    for state in past[:-1]:
        for path, data in state.items():
            path.write_bytes(data)
        assert not found(disk)
        assert found(disk, head)


def test_lines_after_the_head_are_held_by_the_chain_but_for_the_last(disk: DiskTrail) -> None:
    """Between two heads, at most a second: the chain finds what is changed, not what is cut off or changed last."""
    whole, random, missed = taken(disk), Random(99), set()
    disk.rewind(13)
    for number in range(7):
        for _ in range(40):
            changed = [list(lines) for lines in whole]
            changed[2][number] = random.choice(CHANGES)(random, changed[2][number])
            put(disk, changed)
            if changed != whole and not found(disk):
                missed.add(number)
            assert changed == whole or found(disk, head_of([line for lines in whole for line in lines]))
    assert missed == {6}
    for end in range(1, 7):
        put(disk, [*whole[:2], whole[2][:end]])
        assert not found(disk)
