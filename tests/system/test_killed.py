"""A run that is killed at any of its system calls, refused one or lied to deletes nothing that it should not."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.system.harness import needs
from tests.system.trial import ERRORS, KILLED, LIE, Fault, Trial, for_each, spread, trials_in, undergo
from tests.system.warm import calls_in, count_calls

pytestmark = pytest.mark.system

WORKERS = 2

EVERY = (
    "renameat2", "unlinkat", "unlink", "rename", "fsync", "fdatasync", "write", "pwrite64", "mkdir", "ftruncate",
    "fallocate",
)  # fmt: skip
"""What changes a disk, and what makes that durable: a run is killed at each of these calls that it makes."""

SPREAD = {"openat": 25, "openat2": 17, "fcntl": 12, "newfstatat": 12, "getdents64": 6, "close": 12}
"""At so many of these, evenly spread: what lies on the disk is the same as at the next of the others."""

REFUSED = ("pwrite64", "openat2", "fallocate")
"""What the kernel can refuse in the middle of a run."""

MADE_OF = ("renameat2", "unlinkat", "unlink", "rename", "fsync", "fdatasync", "write")
"""What a deletion and its record are made of: each of these calls fails once, as on a broken or a full disk in turn."""

UNLINK_HALF_WAY = 6
"""The run of the two that fell due by themselves makes 2 unlinks and prunes 2 directories; then 3 are unlinked."""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Trial]]:
    needs("strace")
    with trials_in([tmp_path_factory.mktemp(f"worker{number}") for number in range(WORKERS)]) as made:
        yield made


@pytest.fixture(scope="module")
def counts(trials: list[Trial]) -> Counter[str]:
    """How often each system call is made by a run that nothing disturbs."""
    trials[0].restore()
    counts = count_calls(trials[0].log_of_a_run())
    trials[0].hold_to_promise_at_rest()
    return counts


@pytest.mark.parametrize("call", EVERY)
def test_killed_at_every_call_that_changes_a_disk(trials: list[Trial], counts: Counter[str], call: str) -> None:
    assert counts[call] > 0, "a run makes no such call: the list is out of date"
    for_each(trials, [Fault(call, number, KILLED) for number in range(1, counts[call] + 1)], undergo)


def test_killed_at_other_calls(trials: list[Trial], counts: Counter[str]) -> None:
    faults = [Fault(call, number, KILLED) for call, wanted in SPREAD.items() for number in spread(counts[call], wanted)]
    for_each(trials, faults, undergo)


@pytest.mark.parametrize("call", MADE_OF)
def test_a_broken_and_a_full_disk_at_every_call_that_a_deletion_is_made_of(
    trials: list[Trial], counts: Counter[str], call: str
) -> None:
    """Both errors at each of them take four times as long: `python -m tests.bench.fault_points`."""
    faults = [Fault(call, number, ("EIO", "ENOSPC")[number % 2]) for number in range(1, counts[call] + 1)]
    for_each(trials, faults, undergo)


@pytest.mark.parametrize("call", REFUSED)
def test_refused_by_the_kernel(trials: list[Trial], counts: Counter[str], call: str) -> None:
    numbers = spread(counts[call], 14)
    turns = [ERRORS[number % len(ERRORS)] for number in range(len(numbers))]
    for_each(trials, [Fault(call, number, error) for number, error in zip(numbers, turns, strict=True)], undergo)


@pytest.mark.parametrize("error", [*ERRORS, "ENOMEM"])
def test_each_error_at_the_calls_that_a_deletion_is_made_of(
    trials: list[Trial], counts: Counter[str], error: str
) -> None:
    numbers = {call: spread(counts[call], 3) for call in ("renameat2", "unlinkat", "fsync")}
    for_each(trials, [Fault(call, number, error) for call in numbers for number in numbers[call]], undergo)


@pytest.mark.parametrize("call", ["unlinkat", "renameat2", "fsync", "fdatasync"])
def test_lied_to_by_the_kernel(trials: list[Trial], counts: Counter[str], call: str) -> None:
    """The call does nothing and says that it did: nothing is called deleted that is there."""
    for_each(trials, [Fault(call, number, LIE) for number in spread(counts[call], 9)], undergo)


def break_off_half_way(trial: Trial) -> None:
    """Kill a run between two unlinks: of three intents, one recording is gone, one is claimed, one has its name."""
    trial.restore()
    trial.killed_at("unlinkat", UNLINK_HALF_WAY)
    scene = trial.scene
    scene.hold_to_promise_at_any_instant()
    assert (len(scene.open_claims()), len(scene.claimed()), len(scene.present())) == (3, 1, 1)


def test_killed_again_while_it_recovers(trials: list[Trial]) -> None:
    break_off_half_way(trials[0])
    counts = count_calls(trials[0].log_of_a_run())
    trials[0].hold_to_promise_at_rest()

    def kill_recovery(trial: Trial, fault: Fault) -> bool:
        break_off_half_way(trial)
        killed = trial.killed_at(fault.call, fault.number)
        trial.scene.hold_to_promise_at_any_instant()
        trial.recover()
        trial.hold_to_promise_at_rest()
        return killed

    calls = ("renameat2", "unlinkat", "fsync", "fdatasync", "write", "rename")
    faults = [Fault(call, number, KILLED) for call in calls for number in range(1, counts[call] + 1)]
    for_each(trials, faults, kill_recovery)


def test_an_intent_is_durable_before_a_name_goes_and_a_deletion_before_it_is_told(trials: list[Trial]) -> None:
    """I1 and I2, as the kernel saw them: a kill shows the order of calls, a power cut the order of syncs."""
    trial = trials[0]
    trial.restore()
    calls = calls_in(trial.log_of_a_run("-s", "10000"))
    trial.hold_to_promise_at_rest()
    claims = [line["claim"] for line in trial.scene.lines() if line["type"] == "recording.deleted"]
    assert len(claims) == 5
    for claim in claims:
        intent = find(calls, "write", "deletion.intent", claim)
        durable = find(calls, "fdatasync", ".jsonl", after=intent)
        taken = find(calls, "renameat2", ".retentiond/claimed", claim)
        removed = find(calls, "unlinkat", ".retentiond/claimed", claim)
        synced = find(calls, "fsync", ".retentiond/claimed", after=removed)
        told = find(calls, "write", "recording.deleted", claim)
        assert intent < durable < taken < removed < synced < told
        home = calls[taken][1].partition("<")[2].partition(">")[0]  # the directory that the recording was in
        assert removed < find(calls, "fsync", f"<{home}>", after=removed) < told


def find(calls: Sequence[tuple[str, str]], name: str, *texts: str, after: int = -1) -> int:
    """Return the place of the first call of that name with all of the texts in its arguments."""
    for place, (called, arguments) in enumerate(calls):
        if place > after and called == name and all(text in arguments for text in texts):
            return place
    pytest.fail(f"no {name} with {texts} after call {after}")
