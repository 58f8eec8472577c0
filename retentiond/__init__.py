"""retentiond keeps a CCTV deletion promise on the recording server, and proves it."""

__version__ = "0.1.0"
