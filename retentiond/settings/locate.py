"""Where a daemon's socket is, without reading the rest of its configuration: for answers within 150 ms."""

from dataclasses import dataclass

import yaml

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.values import DEFAULT_STATE, socket_of

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The two places that a command needs to find a daemon."""

    state: str
    socket: str


def quick(path: str) -> Whereabouts:
    """Return state directory and socket of the configuration at `path`.

    Raises:
        ConfigurationError: the file cannot be read or is no YAML mapping.
    """
    try:
        with open(path, "rb") as file:
            top = yaml.compose(file, Loader=_LOADER)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); name it with --config") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}: is no YAML; see: retentiond config check") from error
    texts = {}
    for key, value in top.value if isinstance(top, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
            texts[str(key.value)] = str(value.value)
    state = texts.get("state", DEFAULT_STATE)
    return Whereabouts(state, texts.get("socket", socket_of(state)))
