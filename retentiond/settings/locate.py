"""Where a daemon's socket is, without reading the rest of its configuration: for answers within 150 ms."""

import os
from dataclasses import dataclass

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.names import readable
from retentiond.settings.files import read_safely
from retentiond.settings.nodes import Mapping, Scalar, read_nodes
from retentiond.settings.paths import parse_absolute_path, parse_file_path, parse_state_path
from retentiond.settings.values import DEFAULT_STATE, socket_of


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The two places that a command needs to find a daemon."""

    state: str
    socket: str


def register_place(path: str) -> str | None:
    """Return where the register of a configuration lies that cannot be used otherwise; None if that is wrong too."""
    try:
        text = _texts(path).get("register", "")
        return os.path.join(os.path.dirname(path), parse_file_path(text)) if text else None
    except (ConfigurationError, ValueError):
        return None


def quick(path: str) -> Whereabouts:
    """Return state directory and socket of the configuration at `path`: those that reading all of it gives.

    Raises:
        ConfigurationError: the file cannot be read, others may write it, it is no YAML mapping, or one of the two
            places is none.
    """
    texts = _texts(path)
    try:
        state = parse_state_path(texts.get("state", DEFAULT_STATE))
        return Whereabouts(state, parse_absolute_path(texts.get("socket", socket_of(state))))
    except ValueError as error:
        raise ConfigurationError(f"{readable(os.fsencode(path))}: {error}; see: retentiond config check") from error


def _texts(path: str) -> dict[str, str]:
    """Return the texts that stand at the top of a configuration. Raises ConfigurationError if it is no YAML."""
    top, problems = read_nodes(read_safely(path), path)
    if problems.found:
        raise ConfigurationError(problems.texts())
    pairs = top.pairs if isinstance(top, Mapping) else ()
    return {key.text: value.text for key, value in pairs if isinstance(key, Scalar) and isinstance(value, Scalar)}
