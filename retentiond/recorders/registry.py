"""The recorders this version knows, by their names in the configuration. A literal list: nothing is discovered."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import StoreName
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.frigate import build_frigate
from retentiond.recorders.line_memory import FORGETFUL as FORGETFUL_NAMES
from retentiond.recorders.line_memory import LineMemory
from retentiond.recorders.mediamtx import build_mediamtx
from retentiond.recorders.moonfire import build_moonfire
from retentiond.recorders.motion import FORGETFUL, Motion, build_motion
from retentiond.recorders.motion_memory import MotionMemory
from retentiond.recorders.motioneye import build_motioneye
from retentiond.recorders.shinobi import build_shinobi
from retentiond.recorders.template import build_template, template_layouts
from retentiond.recorders.uploads import UPLOADS, build_upload
from retentiond.recorders.viseron import build_viseron
from retentiond.recorders.zoneminder import EventNames, ZoneMinder, build_zoneminder
from retentiond.recorders.zoneminder_notes import UNWRITTEN, NotesFile

AnyRecorder: TypeAlias = ConfiguredRecorder | Motion | ZoneMinder | EventNames | FixedRecorder

_BY_SETUP: Mapping[str, Callable[[Setup], ConfiguredRecorder | FixedRecorder]] = {
    "frigate": build_frigate,
    "mediamtx": build_mediamtx,
    "moonfire": build_moonfire,
    "viseron": build_viseron,
    **{kind: partial(build_upload, kind) for kind in UPLOADS},
}

_BY_NOTES: Mapping[str, Callable[[Setup, NotesFile], ConfiguredRecorder | ZoneMinder | EventNames]] = {
    "shinobi": build_shinobi,
    "zoneminder": build_zoneminder,
}

SUPPORTED = (*_BY_SETUP, *_BY_NOTES, "motion", "motioneye", "template")
"""What `recorder:` may say."""


def build_recorder(  # noqa: PLR0913  one argument for each key of a store
    kind: str,
    *,
    store: StoreName,
    store_path: str,
    timezone: str,
    layouts: tuple[str, ...],
    recorder_config: str | None,
    memory: MotionMemory = FORGETFUL,
    names: LineMemory = FORGETFUL_NAMES,
    notes: NotesFile | None = None,
) -> AnyRecorder:
    """Build the recorder of a store; reads the recorder's own configuration where there is one.

    `memory` and `names` keep what such a configuration said before. What is wrong with it is the recorder's `trouble`:
    it belongs to somebody else, and may be mended while the daemon runs.

    Raises:
        ConfigurationError: what our own configuration says of the recorder cannot be used.
    """
    if kind not in SUPPORTED:
        choice = ", ".join(SUPPORTED)
        raise ConfigurationError(f"store {store!r}: recorder {kind!r} is not known; use one of: {choice}")
    zone = _zone(timezone, store)
    try:
        extra = template_layouts(store, zone, layouts)
        if kind in _BY_SETUP:
            return _BY_SETUP[kind](Setup(store, store_path, zone, recorder_config, extra, names))
        if kind in _BY_NOTES:
            return _BY_NOTES[kind](Setup(store, store_path, zone, recorder_config, extra), notes or UNWRITTEN)
        if kind == "motioneye":
            return build_motioneye(Setup(store, store_path, zone, recorder_config, extra), memory)
        if kind == "motion":
            return build_motion(store, store_path, zone, recorder_config, extra, memory=memory)
        if not layouts:
            raise ValueError("recorder 'template' needs a layout, such as '{camera}/%Y-%m-%d/%H-%M-%S.mp4'")
        return build_template(store, zone, layouts)
    except ValueError as error:
        raise ConfigurationError(f"store {store!r}: {error}") from error


def _zone(timezone: str, store: StoreName) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"store {store!r}: timezone {timezone!r} is not known here; write one such as 'Europe/Tallinn' or 'UTC'"
        ) from error
