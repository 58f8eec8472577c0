"""Loading both files from the disk."""

import hashlib
import os
import socket
from collections.abc import Callable, Sequence

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.register import Register
from retentiond.settings.files import read_safely
from retentiond.settings.locate import register_place
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register
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
    data = read_safely(path)
    return LoadedRegister(parse_register(data, path), hashlib.sha256(data).hexdigest())


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
    stores = {item.name for item in settings.stores}
    found += [
        f"register: {camera!r} is known in a store {store!r} that the configuration does not have"
        for store, camera in register.known_names()
        if store not in stores
    ]
    return tuple(found)
