"""What an answer cannot know: stores that were not scanned whole yet, or whose disk is not there now."""

from collections.abc import Sequence
from typing import Any

from retentiond import bootstrap
from retentiond.cli.render import coloured, local, say
from retentiond.domain import instants


def say_incomplete(found: Sequence[bootstrap.Incomplete]) -> None:
    """Say, in a line for each such store, how far what was printed can be believed."""
    for item in found:
        if item.last_scan is None:
            why = "has not been scanned whole yet: there may be more on its disk"
        else:
            why = f"is {item.condition}: what is said to be on its disk is what the scan at {local(item.last_scan)} saw"
        say(coloured(f"store {item.store} {why}", "warn"))


def incomplete_fields(found: Sequence[bootstrap.Incomplete]) -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [
        {
            "store": item.store,
            "condition": item.condition,
            "last_scan": None if item.last_scan is None else instants.to_text(item.last_scan),
        }
        for item in found
    ]
