"""A bar chart in SVG, on a scale of powers of ten, so that what takes a hundredth of the time can still be seen."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

LABELS, BARS, ROW, HEAD, FOOT = 330, 430, 24, 44, 34
COLOURS = ("#2a6f97", "#a9bcc6")
"""Of what begins with `OURS`, and of the others."""

OURS = "retentiond"


def bars(title: str, seconds: Sequence[tuple[str, float]]) -> str:
    """Return a chart with a bar for each row, in milliseconds."""
    values = [1000 * value for _, value in seconds]
    low = math.floor(math.log10(min(values)))
    high = max(low + 1, math.ceil(math.log10(max(values))))
    height = HEAD + ROW * len(seconds) + FOOT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABELS + BARS + 90}" height="{height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="24" font-weight="bold">{escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        x = LABELS + BARS * (power - low) / (high - low)
        lines.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{HEAD - 6}" y2="{height - FOOT}" stroke="#dddddd"/>')
        lines.append(f'<text x="{x:.0f}" y="{height - 12}" text-anchor="middle" fill="#555555">{_tick(power)}</text>')
    for number, ((name, _), value) in enumerate(zip(seconds, values, strict=True)):
        y, length = HEAD + ROW * number, BARS * (math.log10(value) - low) / (high - low)
        lines.append(f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        colour = COLOURS[not name.startswith(OURS)]
        lines.append(f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{ROW - 7}" fill="{colour}"/>')
        lines.append(f'<text x="{LABELS + length + 6:.0f}" y="{y + 13}">{value:,.0f} ms</text>')
    return "\n".join([*lines, "</svg>", ""])


def draw(path: Path, title: str, medians: Mapping[str, float]) -> None:
    """Write a chart of medians in seconds beside the documents."""
    path.write_text(bars(title, list(medians.items())), encoding="utf-8")


def _tick(power: int) -> str:
    return f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3):,} s"
