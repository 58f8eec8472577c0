"""Tables of figures, printed, and put into a document between two marks that name them."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
PERFORMANCE = DOCUMENT.with_name("performance.md")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown; figures get separators between thousands."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(item) for item in line) + " |" for line in lines) + "\n"


def _cell(item: object) -> str:
    return f"{item:,}" if isinstance(item, int) else str(item)


def put(name: str, text: str, *, document: Path = DOCUMENT) -> None:
    """Print a text and, if the document has a place for it, put it there: `<!-- name -->` … `<!-- /name -->`."""
    print(f"{name}\n\n{text}", flush=True)
    if not document.exists():
        return
    old = document.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    document.write_text(place.sub(lambda found: f"{found[1]}{text}{found[2]}", old), encoding="utf-8")


def host() -> str:
    """Say what the figures were taken on, without naming the machine."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    release = Path("/proc/sys/kernel/osrelease").read_text().split("-")[0]
    return f"{time.strftime('%Y-%m-%d')}, Linux {release}, {model[1] if model else 'an unknown processor'}"
