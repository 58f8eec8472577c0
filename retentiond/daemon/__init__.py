"""The loop of the daemon, and the messages that it takes."""

from retentiond.daemon.loop import Daemon, Surroundings

__all__ = ["Daemon", "Surroundings"]
