"""The loop of the daemon, and the messages that it takes."""

from retentiond.daemon.loop import Daemon
from retentiond.daemon.surroundings import Surroundings

__all__ = ["Daemon", "Surroundings"]
