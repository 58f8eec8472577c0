"""Where a daemon's socket is, without reading the rest of its configuration: for answers within 150 ms."""

from dataclasses import dataclass

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.files import read_safely
from retentiond.settings.nodes import Mapping, Scalar, read_nodes
from retentiond.settings.paths import parse_absolute_path, parse_state_path
from retentiond.settings.values import DEFAULT_STATE, socket_of


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The two places that a command needs to find a daemon."""

    state: str
    socket: str


def quick(path: str) -> Whereabouts:
    """Return state directory and socket of the configuration at `path`: those that reading all of it gives.

    Raises:
        ConfigurationError: the file cannot be read, others may write it, it is no YAML mapping, or one of the two
            places is none.
    """
    top, problems = read_nodes(read_safely(path), path)
    if problems.found:
        raise ConfigurationError(problems.texts())
    texts = {}
    for key, value in top.pairs if isinstance(top, Mapping) else ():
        if isinstance(key, Scalar) and isinstance(value, Scalar):
            texts[key.text] = value.text
    try:
        state = parse_state_path(texts.get("state", DEFAULT_STATE))
        return Whereabouts(state, parse_absolute_path(texts.get("socket", socket_of(state))))
    except ValueError as error:
        raise ConfigurationError(f"{problems.shown_name}: {error}; see: retentiond config check") from error
