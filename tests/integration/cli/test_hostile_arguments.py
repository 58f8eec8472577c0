"""Whatever is typed ends with a promised status and at most one line, and that line obeys nothing that it quotes."""

import pytest

from tests.integration.cli.place import Place

TAKES_A_TIME = frozenset({"--at", "--from", "--to", "--since", "--wall", "at", "--count"})
PROMISED = frozenset({0, 1, 2, 65, 69, 73, 74, 75, 77, 78})
HOLD = (
    *("hold", "place", "--from", "2026-01-01", "--to", "2026-01-02", "--until", "30d"),
    *("--ground", "JustificationA17LegalClaims", "--requested-by", "legal department"),
)
TYPED = (
    ("{x}",),
    ("--{x}",),
    ("plan", "{x}"),
    ("plan", "--at", "{x}"),
    ("approve", "{x}", "--count", "1", "--digest", "{x}"),
    ("approve", "main-0", "--count", "{x}", "--digest", "0"),
    ("store", "adopt", "{x}"),
    ("store", "show", "{x}"),
    ("find", "--camera", "{x}"),
    ("find", "--camera", "entrance", "--from", "{x}"),
    ("find", "--camera", "entrance", "--to", "{x}"),
    ("audit", "show", "--camera", "{x}"),
    ("audit", "show", "--run", "{x}"),
    ("audit", "show", "--type", "{x}"),
    ("audit", "show", "--since", "{x}"),
    ("audit", "verify", "--head", "{x}"),
    ("findings", "show", "{x}"),
    ("findings", "show", "waiting_for_approval", "{x}"),
    ("findings", "acknowledge", "{x}", "main", "--why", "x", "--for", "1d"),
    ("findings", "acknowledge", "waiting_for_approval", "{x}", "--why", "x", "--for", "1d"),
    ("findings", "acknowledge", "waiting_for_approval", "other", "--why", "{x}", "--for", "1d"),
    ("findings", "acknowledge", "waiting_for_approval", "main", "--why", "x", "--for", "{x}"),
    (*HOLD, "--camera", "{x}", "--reason", "x", "--reference", "x"),
    (*HOLD, "--camera", "hall", "--reason", "{x}", "--reference", "{x}"),
    (*HOLD, "--room", "{x}", "--reason", "x", "--reference", "x", "--requested-at", "{x}"),
    ("hold", "approve", "{x}"),
    ("hold", "extend", "H-1", "--until", "{x}"),
    ("hold", "release", "{x}", "--why", "{x}"),
    ("register", "show", "--at", "{x}"),
    ("register", "at", "{x}"),
    ("register", "diff", "{x}"),
    ("clock", "accept", "--wall", "{x}"),
    ("config", "init", "{x}", "--out", "{out}"),
    ("config", "init", "{store}", "--out", "{x}"),
    ("config", "init", "{store}", "--out", "{out}", "--recorder-config", "{x}"),
    ("config", "init", "{store}", "--out", "{out}", "--timezone", "{x}"),
    ("demo", "--dir", "{store}/{x}/y/z"),
)
HOSTILE = "a\nBREACH forged: nothing\x1b[2J\x1b]0;title\x07\u202e\u2066%s{0.__class__}%(x)s"
WORDS = {"hostile": HOSTILE, "not UTF-8": "\udcff\udcfe", "empty": "", "long": "x" * 100_000, "option": "--"}
INSTANTS = {
    "number": "1" * 400,
    "far": "9999-12-31T23:59:59Z",
    "first": "0001-01-01T00:00:00Z",
    "west": "0001-01-01T00:00:00+14:00",
}
NAMED = (
    ("approve", "{x}", "--count", "1", "--digest", "0"),
    ("approve", "main-0", "--count", "1", "--digest", "{x}"),
    ("store", "adopt", "{x}"),
    ("store", "show", "{x}"),
    ("find", "--camera", "{x}"),
    ("findings", "show", "{x}"),
    ("findings", "acknowledge", "overdue", "{x}", "--why", "x", "--for", "1d"),
    ("findings", "acknowledge", "overdue", "x", "--why", "{x}", "--for", "1d"),
    ("audit", "show", "--camera", "{x}"),
    ("audit", "show", "--run", "{x}"),
)
LINES = [" ".join(words) for words in TYPED]


def in_place(words: tuple[str, ...], word: str, place: Place) -> list[str]:
    values = {"{x}": word, "{store}": str(place.store), "{out}": str(place.root / "out")}
    for mark, value in values.items():
        words = tuple(item.replace(mark, value) for item in words)
    return list(words)


def words_for(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return what to put in the place of {x}, and what it is; a demo is not begun."""
    found = {**WORDS, **INSTANTS} if TAKES_A_TIME & set(words) else WORDS
    return [(name, word) for name, word in found.items() if words[0] != "demo" or name not in ("empty", "option")]


def as_json(name: str) -> tuple[str, ...]:
    """Half a surrogate pair must not get into JSON; the other words are tried for people."""
    return ("--json",) if name == "not UTF-8" else ()


@pytest.mark.parametrize("words", TYPED, ids=LINES)
def test_it_ends_well(words: tuple[str, ...], left: Place) -> None:
    (left.root / "out").mkdir(exist_ok=True)
    (left.store / "x").mkdir(exist_ok=True)
    before = left.files("*.mp4")
    for name, word in words_for(words):
        done = left.call(*in_place(words, word, left), *as_json(name), directory=str(left.root / "out"))
        assert done.status in PROMISED, (name, done)
        for sign in ("Traceback", "internal error", "Errno"):
            assert sign not in done.err, (name, done)
        assert len(done.complaints) <= 1, (name, done)
        assert len(done.err) < 4_000, name
        assert all(line.isprintable() for line in (done.out + done.err).splitlines()), (name, done)
        done.out.encode("utf-8")
        done.err.encode("utf-8")
        for path in (left.root / "out").glob("*.yml"):
            path.unlink()
    assert left.files("*.mp4") == before


@pytest.mark.parametrize("words", NAMED, ids=" ".join)
def test_a_name_that_is_no_utf_8_is_refused_with_the_way_to_write_it(words: tuple[str, ...], left: Place) -> None:
    done = left.call(*in_place(words, WORDS["not UTF-8"], left))
    assert (done.status, done.out) == (2, "")
    assert "'\\xff\\xfe' is no UTF-8; write a name as it is shown, with \\xNN for such bytes; see: " in done.err


@pytest.mark.parametrize("words", [words for words in TYPED if words[0] in ("approve", "clock")], ids=str)
def test_a_daemon_answers_it_and_lives_on(words: tuple[str, ...], beside: Place) -> None:
    for name, word in WORDS.items():
        done = beside.call(*in_place(words, word, beside))
        assert done.status in PROMISED - {0}, (name, done)
        assert len(done.complaints) == 1, (name, done)
        assert all(line.isprintable() for line in done.complaints), (name, done)
    assert beside.call("status").status == 1


def test_a_name_of_a_configuration_can_be_anything(left: Place) -> None:
    for name, word in WORDS.items():
        done = left.call("plan", "--config", str(left.root / word) if word else "", with_config=False)
        assert done.status in (2, 78), (name, done)
        assert len(done.complaints) == 1, (name, done)
        assert done.err.isascii() or done.err.rstrip("\n").isprintable(), (name, done)
        assert len(done.err) < 4_000
