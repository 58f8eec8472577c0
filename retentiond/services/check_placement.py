"""Meets the register with what recorders are configured to do and what lies on the disk (promise 5)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from retentiond.domain.errors import RetentiondError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.placement import SeenDevice, check_placement
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import Register
from retentiond.ports import Recorder


def check_rooms(
    register: Register,
    recorders: Iterable[tuple[StoreName, Recorder]],
    on_disk: Iterable[tuple[StoreName, CameraName]],
    now: datetime,
) -> tuple[Finding, ...]:
    """Return the findings of the room check; a recorder that cannot be asked is one, and the others go on (I9)."""
    seen: list[SeenDevice] = []
    unreachable: list[Finding] = []
    for store, recorder in recorders:
        devices = _ask(store, recorder)
        if isinstance(devices, Finding):
            unreachable.append(devices)
            continue
        seen += devices
        if recorder.trouble is not None:
            unreachable.append(_unusable(store, recorder, recorder.trouble))
    seen += [SeenDevice(store, camera, "recordings on the disk") for store, camera in on_disk]
    return (*check_placement(register, seen, now), *unreachable)


def _ask(store: StoreName, recorder: Recorder) -> Sequence[SeenDevice] | Finding:
    try:
        return recorder.devices()
    except RetentiondError as error:
        return _unusable(store, recorder, str(error))


def _unusable(store: StoreName, recorder: Recorder, why: str) -> Finding:
    return finding(
        FindingKind.SOURCE_UNREACHABLE,
        f"{store} / {recorder.kind}",
        f"the configuration of the recorder of store {store!r} cannot be used: {why}",
        "mend it, give the daemon the right to read it, or correct `recorder_config`",
    )
