"""A large clinic with a long history, as the text of its register: made by counting, so that it is always the same."""

from collections.abc import Iterator

FIRST_YEAR = 2016


def clinic_register(devices: int = 1_000, rooms: int = 300, years: int = 10) -> str:
    """Return register.yml of a clinic whose rooms change their use and whose cameras move, every year of its life."""
    return "\n".join(
        [
            "timezone: Europe/Tallinn",
            "demands: [approval, sign, dpia]",
            "rooms:",
            *(line for number in range(rooms) for line in _room(number, rooms, years)),
            "devices:",
            *(line for number in range(devices) for line in _device(number, rooms, years)),
            "approvals:",
            *(_approval(year, years, rooms) for year in range(years)),
            f"signs: [{{id: s-1, audio: true, rooms: [{_all(rooms)}], review: 2040-01-01}}]",
            f"dpias: [{{reference: D-1, rooms: [{_all(rooms)}], review: 2040-01-01}}]",
            "",
        ]
    )


def camera_name(number: int, year: int) -> str:
    """Return what the recorder calls a device in a year of the clinic's life."""
    return f"cam-{number}-{year}"


def _room(number: int, rooms: int, years: int) -> Iterator[str]:
    """Every seventh room is one for intimate care in every other year."""
    yield f"  - id: r-{number}"
    yield f"    neighbours: [{{room: r-{(number + 1) % rooms}, passes: [sight], from: {_day(1)}}}]"
    yield "    classes:"
    for year in range(years):
        kind = "intimate-care" if number % 7 == 0 and year % 2 == 0 else "treatment"
        yield f"      - {{class: {kind}, {_span(year, years)}}}".replace("from:", "since:").replace("to:", "until:")


def _device(number: int, rooms: int, years: int) -> Iterator[str]:
    """A camera that hangs in another room each year, where somebody has looked, and has another name each year."""
    yield f"  - id: 0190a3c4-0000-7000-8000-{number:012}"
    yield f"    name: device {number}"
    yield "    kind: camera"
    yield f"    tracks: {{video: true, audio: {'true' if number % 9 == 0 else 'false'}}}"
    names = (f"{{name: {camera_name(number, year)}, {_span(year, years)}}}" for year in range(years))
    yield f"    known_as: {{main: [{', '.join(names)}]}}"
    places = [(number + 13 * year) % rooms for year in range(years)]
    rooms_in_turn = (f"{{room: r-{place}, {_span(year, years)}}}" for year, place in enumerate(places))
    yield f"    assignments: [{', '.join(rooms_in_turn)}]"
    looked = (
        f"{{room: r-{beside % rooms}, checked: {_day(year)}}}"
        for year, place in enumerate(places)
        for beside in (place - 1, place + 1)
    )
    yield f"    out_of_view: [{', '.join(looked)}]"


def _approval(year: int, years: int, rooms: int) -> str:
    return f"  - {{reference: MB-{year}, audio: true, rooms: [{_all(rooms)}], {_span(year, years)}}}"


def _span(year: int, years: int) -> str:
    begin = f"from: {_day(year)}"
    return begin if year == years - 1 else f"{begin}, to: {_day(year + 1)}"


def _day(year: int) -> str:
    return f"{FIRST_YEAR + year}-01-01"


def _all(rooms: int) -> str:
    return ", ".join(f"r-{number}" for number in range(rooms))
