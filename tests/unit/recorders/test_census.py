"""The file census of each recorder's page: every kind of file that it can write, and what becomes of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from retentiond.domain import instants
from retentiond.domain.recording import Kept, Recognised, Sighting, StoreName, Unclassified, Unit
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.registry import SUPPORTED, AnyRecorder, build_recorder
from tests.moonfire_tree import Moonfire

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs" / "recorders").glob("[a-z]*.md"))
ROW = re.compile(
    r"^\| `(?P<path>[^`]+)` \| (?P<category>[\w ]+) \| (?P<camera>[^|]+) \| (?P<begins>[^|]+) \|$", re.MULTILINE
)
CONFIG = re.compile(r"^<!-- (?P<name>[\w./-]+) -->\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ZONE = "Europe/Tallinn"


@dataclass(frozen=True)
class Row:
    """One line of a census."""

    path: bytes
    category: str
    camera: str
    begins: str

    @property
    def kind(self) -> EntryKind:
        """A path that ends in a slash is a directory, and one that ends in @ a link."""
        return {b"/": EntryKind.DIRECTORY, b"@": EntryKind.LINK}.get(self.path[-1:], EntryKind.FILE)


def census(page: Path) -> list[Row]:
    return [
        Row(found["path"].encode(), found["category"], found["camera"], found["begins"])
        for found in ROW.finditer(page.read_text(encoding="utf-8"))
    ]


def build(page: Path, root: Path) -> AnyRecorder:
    """Build a page's recorder, by the configuration that the page shows as `<!-- name -->`, if it shows one."""
    store = root / "store"
    store.mkdir(exist_ok=True)
    files = {found["name"]: found["text"] for found in CONFIG.finditer(page.read_text(encoding="utf-8"))}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("/srv/recordings", str(store)), encoding="utf-8")
    books = root / "books" / "db"
    if page.stem == "moonfire":
        Moonfire(books, store)
        files[str(books.relative_to(root))] = ""
    recorder = build_recorder(
        page.stem,
        store=StoreName("main"),
        store_path=str(store),
        timezone=ZONE,
        layouts=(),
        recorder_config=str(root / next(iter(files))) if files else None,
    )
    if files:
        recorder.devices()
        assert recorder.trouble is None
    return recorder


def look(recorder: AnyRecorder, row: Row) -> Sighting:
    directory, _, name = row.path.rstrip(b"/@").rpartition(b"/")
    (sighting,) = recorder.classify(directory, [Entry(name, row.kind)])
    return sighting


def told(sighting: Sighting) -> tuple[str, str, str]:
    match sighting:
        case Recognised(camera, category, start, unit):
            whole = " event" if unit is Unit.DIRECTORY else ""
            begins = "when written" if start is None else re.sub(r"\.000Z$", "Z", instants.to_text(start))
            return category + whole, camera, begins
        case Kept():
            return "kept", "-", "-"
        case Unclassified():
            return "unclassified", "-", "-"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_of_the_page_is_what_the_page_says(page: Path, tmp_path: Path) -> None:
    recorder, rows = build(page, tmp_path), census(page)
    assert len(rows) >= 3
    differing = {row.path: told(look(recorder, row)) for row in rows if told(look(recorder, row)) != _row(row)}
    assert differing == {}


def _row(row: Row) -> tuple[str, str, str]:
    return row.category, row.camera.strip(), row.begins.strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_form_that_is_recognised_is_on_the_page(page: Path, tmp_path: Path) -> None:
    """What the program would delete or keep, a person can look up."""
    recorder, rows = build(page, tmp_path), census(page)
    unseen = [form for form in _forms(recorder) if not any(form(row) for row in rows)]
    assert unseen == []


class _Form:
    """One layout or kept name of a recorder, with whether a row is of it."""

    def __init__(self, what: object, text: str) -> None:
        self._what = what
        self._text = text

    def __call__(self, row: Row) -> bool:
        from retentiond.recorders.classifier import KeptNames
        from retentiond.recorders.layout import Layout, NameReader

        directory, _, name = row.path.rstrip(b"/@").rpartition(b"/")
        if isinstance(self._what, KeptNames):
            return self._what.match(directory, name)
        assert isinstance(self._what, Layout)
        opened = self._what.open_directory(directory)
        return isinstance(opened, NameReader) and isinstance(opened.read(name), Recognised)

    def __repr__(self) -> str:
        return self._text


def _forms(recorder: AnyRecorder) -> Iterator[_Form]:
    classifier = getattr(recorder, "_classifier", None) or getattr(recorder, "classifier", None)
    if classifier is None:
        return
    for layout in (*classifier.layouts, *classifier.last):
        yield _Form(layout, repr(layout.parts))
    for kept in classifier.kept:
        yield _Form(kept, kept.why)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_only_look_similar_are_nobodys(page: Path, tmp_path: Path) -> None:
    """A suffix, a prefix and another directory make another name of every one in the census."""
    recorder = build(page, tmp_path)
    for row in census(page):
        if row.kind is not EntryKind.FILE or row.camera.strip() == "frigate":
            continue
        for path in (row.path + b".part", row.path + b"~", b"backup/" + row.path, row.path + b"\n"):
            directory, _, name = path.rpartition(b"/")
            (sighting,) = recorder.classify(directory, [Entry(name, EntryKind.FILE)])
            assert not isinstance(sighting, Recognised) or sighting.camera != row.camera.strip(), path


def test_every_recorder_has_a_page() -> None:
    assert {page.stem for page in PAGES} | {"template"} >= set(SUPPORTED)
