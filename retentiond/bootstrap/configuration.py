"""Reading the configuration, and proposing one for a directory."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retentiond.domain.errors import ConfigurationError, UsageError
from retentiond.domain.names import readable
from retentiond.domain.register import Register
from retentiond.ports import Recorder
from retentiond.services.rulebook import RuleBook

if TYPE_CHECKING:
    from retentiond.recorders.line_memory import LineMemory
    from retentiond.recorders.motion_memory import MotionMemory
    from retentiond.recorders.zoneminder_notes import NotesFile
    from retentiond.settings.propose import Proposal
    from retentiond.settings.values import Settings, StoreSettings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was read and found good."""

    path: str
    settings: "Settings"
    register: Register
    book: RuleBook
    warnings: tuple[str, ...]


def load(path: str) -> Loaded:
    """Read and check both files. Raises ConfigurationError with every problem."""
    from retentiond.settings.load import load_files, warnings

    settings, register = load_files(
        path, lambda read: [*_recorder_problems(read, path), *_witness_problems(read, path)]
    )
    book = RuleBook(
        policy=settings.policy,
        policy_digest=_digest(settings.policy.canonical()),
        register=register.register,
        register_digest=register.digest,
        incident_period=settings.incident_period,
    )
    return Loaded(path, settings, register.register, book, warnings(settings, register.register))


def _recorder_problems(settings: "Settings", path: str) -> list[str]:
    """Return what the configuration says of recorders and cannot be used."""
    problems: list[str] = []
    for item in settings.stores:
        try:
            recorder_of(item)
        except ConfigurationError as error:
            problems += [f"{readable(os.fsencode(path))}:{item.line}: {problem}" for problem in error.problems]
    return problems


def _witness_problems(settings: "Settings", path: str) -> list[str]:
    """Return what the configuration says of a witness and cannot be used."""
    if settings.audit.witness is None:
        return []
    from retentiond.evidence.certificate import parse_keys
    from retentiond.tlog.key import SignatureType

    try:
        parse_keys([settings.audit.witness.vkey], SignatureType.COSIGNATURE_V1)
    except UsageError as error:
        return [f"{readable(os.fsencode(path))}: audit.witness.vkey: {error}"]
    return []


def recorder_of(
    item: "StoreSettings",
    memory: "MotionMemory | None" = None,
    names: "LineMemory | None" = None,
    notes: "NotesFile | None" = None,
) -> Recorder:
    """Build what is known of a store's recorder; without memories, only as it is now. Raises ConfigurationError."""
    from retentiond.recorders.line_memory import ForgetfulLines
    from retentiond.recorders.registry import build_recorder

    return build_recorder(
        item.recorder,
        store=item.name,
        store_path=item.path,
        timezone=item.timezone,
        layouts=item.layouts,
        recorder_config=item.recorder_config,
        memory=memory,
        names=names or ForgetfulLines(),
        notes=notes,
    )


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def load_register(path: str) -> Register:
    """Read a register file. Raises ConfigurationError."""
    from retentiond.settings.load import load_register_file

    return load_register_file(path).register


def export_table(loaded: Loaded, table: str, *, for_excel: bool) -> str:
    """Return the `rooms` or `devices` of the register as CSV. Raises ConfigurationError."""
    from retentiond.settings.load import register_table

    return register_table(loaded.settings.register, table, for_excel=for_excel)


def import_table(loaded: Loaded, table: str, path: str) -> tuple[str, Register]:
    """Return the register with a table in it: its text, and what that says. Raises ConfigurationError."""
    from retentiond.settings.load import imported_register
    from retentiond.settings.parse_register import parse_register

    text = imported_register(loaded.settings.register, table, path)
    return text, parse_register(text.encode(), path)


def schema_text(*, of_register: bool) -> str:
    """Return the JSON Schema of one of the files."""
    import json

    from retentiond.settings.register_schema import register_schema
    from retentiond.settings.schema import settings_schema

    return json.dumps(register_schema() if of_register else settings_schema(), indent=2)


def effective_settings(loaded: Loaded) -> str:
    """Return the settings in force as YAML."""
    from retentiond.settings.render import render

    return render(loaded.settings)


def propose(store: str, *, recorder_config: str | None, timezone: str | None) -> "Proposal":
    """Look at a directory and propose both files for it. Raises UsageError, StorageError."""
    import socket

    from retentiond.recorders.recognise import recognise
    from retentiond.settings.paths import parse_store_path
    from retentiond.settings.propose import Recognised
    from retentiond.settings.propose import propose as propose_files
    from retentiond.settings.scalars import parse_zone_name

    try:
        path = parse_store_path(os.path.realpath(store))
        parse_zone_name(timezone or "UTC")
    except ValueError as error:
        raise UsageError(str(error)) from error
    if os.path.lexists(path) and not os.path.isdir(path):
        raise UsageError(f"{path}: is no directory; name the one that the recorder writes into")
    found = recognise(path, (recorder_config,) if recorder_config else _usual_configs(path))
    if not found:
        raise UsageError(
            f"{path}: nothing in it looks like recordings of a recorder that is known here; write recorder: template "
            "with a layout such as {camera}/%Y-%m-%d/%H-%M-%S.mp4"
        )
    if recorder_config and all(item.recorder_config != recorder_config for item in found):
        raise UsageError(
            f"{recorder_config}: cannot be used for {path}; name the configuration of the recorder that writes there, "
            "or leave the option out"
        )
    best = found[0]
    recognised = Recognised(
        recorder=best.recorder,
        layout=best.layout,
        cameras=best.cameras,
        recorder_config=best.recorder_config,
        timezone=timezone or _host_zone(),
        host=socket.gethostname(),
        looked_at=best.looked_at,
        matched=best.matched,
    )
    return propose_files(path, recognised)


def _usual_configs(path: str) -> tuple[str, ...]:
    """Return where recorders keep their own configuration: what of it exists is looked at."""
    beside = os.path.join(os.path.dirname(path), "config")
    return (
        "/etc/motion/motion.conf",
        "/usr/local/etc/motion/motion.conf",
        "/etc/motioneye/motion.conf",
        "/etc/zm/zm.conf",
        "/var/lib/moonfire-nvr/db",
        "/home/Shinobi/conf.json",
        "/etc/mediamtx.yml",
        "/usr/local/etc/mediamtx.yml",
        "/etc/mediamtx/mediamtx.yml",
        *(os.path.join(os.path.dirname(path), name) for name in ("mediamtx.yml", "conf.json")),
        *(os.path.join(folder, name) for folder in (beside, "/config") for name in ("config.yml", "config.yaml")),
    )


def _host_zone() -> str:
    """Return this host's time zone as systemd and Debian keep it, UTC where it cannot be told."""
    link = os.path.realpath("/etc/localtime")
    _, _, zone = link.partition("/zoneinfo/")
    return zone or "UTC"
