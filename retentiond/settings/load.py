"""Loading both files from the disk."""

import hashlib
import os
import socket
from collections.abc import Callable, Sequence

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.register import Register
from retentiond.settings.files import read_plainly, read_safely
from retentiond.settings.locate import register_place
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register, parse_register_text
from retentiond.settings.register_tables import DEVICE_COLUMNS, ROOM_COLUMNS, device_rows, room_rows
from retentiond.settings.source import REGISTER_BYTES
from retentiond.settings.tables import write_table
from retentiond.settings.values import LoadedRegister, Settings


def load_settings(path: str) -> Settings:
    """Return the settings in the file `path`. Raises ConfigurationError with every problem."""
    return parse_settings(read_safely(path), path, host_name=socket.gethostname() or "localhost")


def load_files(path: str, more: Callable[[Settings], Sequence[str]]) -> tuple[Settings, LoadedRegister]:
    """Return the settings in the file `path`, and the register that they name.

    Raises:
        ConfigurationError: with every problem of both files, and those that `more` finds in good settings.
    """
    problems: list[str] = []
    settings, place = None, None
    try:
        settings = load_settings(path)
        place = settings.register
        problems += more(settings)
    except ConfigurationError as error:
        problems += error.problems
        place = register_place(path)
    register = None
    try:
        register = None if place is None else load_register_file(place)
    except ConfigurationError as error:
        problems += error.problems
    if problems or settings is None or register is None:
        raise ConfigurationError(tuple(problems))
    return settings, register


def load_register_file(path: str) -> LoadedRegister:
    """Return the register in the file `path`, and its digest. Raises ConfigurationError with every problem."""
    data = read_safely(path, REGISTER_BYTES)
    return LoadedRegister(parse_register(data, path), hashlib.sha256(data).hexdigest())


def register_table(path: str, table: str, *, for_excel: bool) -> str:
    """Return the `rooms` or `devices` of the register in the file `path` as CSV. Raises ConfigurationError."""
    text = parse_register_text(read_safely(path, REGISTER_BYTES), path)
    columns, rows = {
        "rooms": (ROOM_COLUMNS, room_rows),
        "devices": (DEVICE_COLUMNS, device_rows),
    }[table]
    return write_table(columns, rows(text.register, text.zone), for_excel=for_excel)


def imported_register(path: str, table: str, table_path: str) -> str:
    """Return the register in the file `path` with the `rooms` or `devices` of a CSV file in it.

    Raises:
        ConfigurationError: with every problem of either.
    """
    try:
        from retentiond.settings.import_tables import import_devices, import_rooms
    except ModuleNotFoundError as error:
        raise ConfigurationError("tables are imported with ruamel.yaml: pip install 'retentiond[tables]'") from error

    put_in = {"rooms": import_rooms, "devices": import_devices}[table]
    return put_in(read_safely(path, REGISTER_BYTES), path, read_plainly(table_path), table_path)


def warnings(settings: Settings, register: Register) -> tuple[str, ...]:
    """Return what is legal and probably not meant."""
    found = [
        f"store {item.name!r}: {item.path} is not there (yet); the daemon waits for it"
        for item in settings.stores
        if not os.path.isdir(item.path)
    ]
    known = {camera for _, camera in register.known_names()}
    rooms = {room.ident for room in register.rooms}
    for rule in settings.policy.rules:
        found += [
            f"{rule.name}: no registered device is known as camera {name!r}" for name in sorted(rule.cameras - known)
        ]
        found += [f"{rule.name}: the register has no room {name!r}" for name in sorted(rule.rooms - rooms)]
    stores = {item.name for item in settings.stores} | {item.name for item in settings.sources}
    found += [
        f"register: {camera!r} is known in a store or source {store!r} that the configuration does not have"
        for store, camera in register.known_names()
        if store not in stores
    ]
    return tuple(found)
