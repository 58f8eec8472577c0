"""The recorders this version knows, by their names in the configuration. A literal list: nothing is discovered.

What only one of them needs is imported where that one is built: a command answers sooner for what it does not read.
"""

from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import StoreName
from retentiond.recorders.configured import Setup
from retentiond.recorders.line_memory import FORGETFUL as FORGETFUL_NAMES
from retentiond.recorders.line_memory import LineMemory
from retentiond.recorders.template import build_template, template_layouts
from retentiond.recorders.uploads import UPLOADS, build_upload
from retentiond.recorders.zoneminder_notes import UNWRITTEN, NotesFile

if TYPE_CHECKING:
    from retentiond.recorders.configured import ConfiguredRecorder
    from retentiond.recorders.fixed import FixedRecorder
    from retentiond.recorders.motion import Motion
    from retentiond.recorders.motion_memory import MotionMemory
    from retentiond.recorders.zoneminder import EventNames, ZoneMinder

AnyRecorder: TypeAlias = "ConfiguredRecorder | Motion | ZoneMinder | EventNames | FixedRecorder"

SUPPORTED = (
    *("frigate", "mediamtx", "moonfire", "viseron", *UPLOADS, "shinobi", "zoneminder", "motion", "motioneye"),
    "template",
)
"""What `recorder:` may say."""


def build_recorder(  # noqa: PLR0913  one argument for each key of a store
    kind: str,
    *,
    store: StoreName,
    store_path: str,
    timezone: str,
    layouts: tuple[str, ...],
    recorder_config: str | None,
    memory: "MotionMemory | None" = None,
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
        if kind == "template":
            if not layouts:
                raise ValueError("recorder 'template' needs a layout, such as '{camera}/%Y-%m-%d/%H-%M-%S.mp4'")
            return build_template(store, zone, layouts)
        if kind in ("motion", "motioneye"):
            return _of_motion(kind, Setup(store, store_path, zone, recorder_config, extra), memory)
        return _build(kind, Setup(store, store_path, zone, recorder_config, extra, names), notes or UNWRITTEN)
    except ValueError as error:
        raise ConfigurationError(f"store {store!r}: {error}") from error


def _of_motion(kind: str, setup: Setup, memory: "MotionMemory | None") -> "Motion | FixedRecorder":
    from retentiond.recorders.motion import FORGETFUL, build_motion
    from retentiond.recorders.motioneye import build_motioneye

    if kind == "motioneye":
        return build_motioneye(setup, memory or FORGETFUL)
    return build_motion(setup.store, setup.path, setup.zone, setup.config, setup.extra, memory=memory or FORGETFUL)


def _build(kind: str, setup: Setup, notes: NotesFile) -> AnyRecorder:
    if kind in UPLOADS:
        return build_upload(kind, setup)
    match kind:
        case "frigate":
            from retentiond.recorders.frigate import build_frigate

            return build_frigate(setup)
        case "mediamtx":
            from retentiond.recorders.mediamtx import build_mediamtx

            return build_mediamtx(setup)
        case "moonfire":
            from retentiond.recorders.moonfire import build_moonfire

            return build_moonfire(setup)
        case "viseron":
            from retentiond.recorders.viseron import build_viseron

            return build_viseron(setup)
        case "shinobi":
            from retentiond.recorders.shinobi import build_shinobi

            return build_shinobi(setup, notes)
        case _:
            from retentiond.recorders.zoneminder import build_zoneminder

            return build_zoneminder(setup, notes)


def _zone(timezone: str, store: StoreName) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"store {store!r}: timezone {timezone!r} is not known here; write one such as 'Europe/Tallinn' or 'UTC'"
        ) from error
