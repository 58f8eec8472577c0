"""What the documents say exists: tests, files, commands; and what they show is true."""

import base64
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.cli.main import retentiond
from retentiond.domain.event import Event, EventType
from retentiond.domain.finding import SEVERITY, FindingKind, Severity
from retentiond.domain.meaning import MEANING
from retentiond.evidence.certificate import issue_certificate
from retentiond.tlog.key import Signer, format_vkey
from tests.system.harness import needs

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = ROOT / "README.md"
FINDINGS = ROOT / "docs" / "findings.md"
FORMAT = ROOT / "docs" / "audit-format.md"

TEST = re.compile(r"`(tests/[\w./-]*)(?:::(\w+))?`")
SOURCE = re.compile(r"`((?:retentiond|[a-z]+)/(?:[a-z_]+/)*[a-z_]+\.py)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(retentiond [^`]+)`")
COMMAND = re.compile(r"(?:^|[#$] |-- |; |&& )retentiond (.+)$")


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def _blocks(document: Path, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(document.read_text(encoding="utf-8")) if found == language]


# --- what is referred to is there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCS, ids=_name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    missing = []
    for path, name in TEST.findall(document.read_text(encoding="utf-8")):
        place = ROOT / path
        if not place.exists() or (name and f"def {name}(" not in place.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}")
    assert missing == []


@pytest.mark.parametrize("document", DOCS, ids=_name)
def test_every_module_that_is_named_exists(document: Path) -> None:
    named = SOURCE.findall(document.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / "retentiond" / path).exists()] == []


@pytest.mark.parametrize("document", DOCS, ids=_name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in LINK.findall(text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def _anchors(document: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_checks_find_something_to_check() -> None:
    text = "".join(document.read_text(encoding="utf-8") for document in DOCS)
    assert len(TEST.findall(text)) > 30
    assert len(SOURCE.findall(text)) > 30
    assert len(LINK.findall(text)) > 30
    assert len(_commands()) > 15


# --- commands -----------------------------------------------------------------------------------------------------


def _commands() -> list[str]:
    """Return every command line of ours in the README, without what comes before it."""
    text = README.read_text(encoding="utf-8")
    lines = [line for _, body in BLOCK.findall(text) for line in body.splitlines()]
    found = [match[1] for line in lines if (match := COMMAND.search(line.strip()))]
    return [*found, *(line.removeprefix("retentiond ") for line in INLINE.findall(text))]


@pytest.mark.parametrize("line", _commands())
def test_every_command_of_the_readme_exists_with_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)
    command: click.Command = retentiond
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        below = command.get_command(context, name)
        assert below is not None, f"no command {name!r}"
        command = below
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


# --- what is shown is true ----------------------------------------------------------------------------------------


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """A signed trail of several segments and an odd number of records."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    signer = Signer.from_seed("nvr.example/retentiond", bytes(32))
    settings = TrailSettings(
        str(tmp_path / "audit"), "nvr.example/retentiond", lambda: now, signer=signer, segment_bytes=2000
    )
    with open_trail(settings) as trail:
        for _ in range(5):
            trail.append([Event(EventType.HEARTBEAT, {"note": "ä\n\\"})] * 3)
    return tmp_path / "audit"


def _run(audit: Path, *command: str, seconds: float = 60, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=audit,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **environ},
    )


def _spoil(audit: Path) -> None:
    """Change a record in the middle, which leaves it well formed."""
    path = sorted(audit.glob("log/*.jsonl"))[1]
    path.write_bytes(path.read_bytes().replace(b'"type":"heartbeat"', b'"type":"heartbeet"', 1))


def test_the_verifier_in_the_manual_verifies(audit: Path) -> None:
    program = _blocks(FORMAT, "python")[0]
    done = _run(audit, sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nvr.example/retentiond: the first ")
    _spoil(audit)
    assert _run(audit, sys.executable, "-c", program).returncode != 0


def test_the_chain_in_the_manual_is_followed_in_the_shell(audit: Path) -> None:
    needs("bash", "jq", "sha256sum")
    program = _blocks(FORMAT, "sh")[0]
    done = _run(audit, "bash", "-c", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records follow one another" in done.stdout
    _spoil(audit)
    assert _run(audit, "bash", "-c", program).returncode == 1


def test_the_signature_is_verified_as_the_manual_says(audit: Path) -> None:
    needs("bash", "openssl")
    program = _blocks(FORMAT, "sh")[1]
    vkey = format_vkey(Signer.from_seed("nvr.example/retentiond", bytes(32)).key)
    done = _run(audit, "bash", "-c", program, VKEY=vkey)
    assert "Signature Verified Successfully" in done.stdout, done.stderr
    other = format_vkey(Signer.from_seed("nvr.example/retentiond", bytes(31) + b"\1").key)
    assert _run(audit, "bash", "-c", program, VKEY=other).returncode != 0


def test_a_certificate_is_checked_as_the_manual_says(audit: Path) -> None:
    needs("bash", "openssl")
    program = _blocks(FORMAT, "python")[1]
    vkey = format_vkey(Signer.from_seed("nvr.example/retentiond", bytes(32)).key)
    for seq in range(8, 12):
        proof = issue_certificate(str(audit), seq).proof
        (audit / "proof").write_bytes(proof)
        (audit / "checkpoint").write_bytes(proof.partition(b"\n\n")[2])
        done = _run(audit, sys.executable, "-c", program, "proof")
        assert f'"seq":{seq},' in done.stdout, done.stderr
        done = _run(audit, "bash", "-c", _blocks(FORMAT, "sh")[1], VKEY=vkey)
        assert "Signature Verified Successfully" in done.stdout, done.stderr
        (audit / "proof").write_bytes(proof.replace(f"index {seq}\n".encode(), f"index {seq ^ 1}\n".encode()))
        assert "AssertionError" in _run(audit, sys.executable, "-c", program, "proof").stderr


def test_the_leaf_hash_in_the_manual_is_that_of_the_line_shown() -> None:
    (line,) = _blocks(FORMAT, "json")
    leaf = hashlib.sha256(b"\x00" + line.rstrip("\n").encode()).hexdigest()
    assert FORMAT.read_text(encoding="utf-8").count(leaf) == 2


def test_the_small_tree_in_the_manual_adds_up() -> None:
    text = FORMAT.read_text(encoding="utf-8")
    leaves = [bytes.fromhex(found) for found in re.findall(r"^L\d = ([0-9a-f]{64})$", text, re.MULTILINE)]
    assert len(leaves) == 3
    inner = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    root = hashlib.sha256(b"\x01" + inner + leaves[2]).digest()
    assert f"node(L0, L1)           = {inner.hex()}" in text
    assert f"node(node(L0, L1), L2) = {root.hex()}" in text
    shown = re.search(r"^demo\.example/retentiond\n\d+\n(\S+)\n", text, re.MULTILINE)
    assert shown is not None
    assert f"the root {base64.b64decode(shown[1]).hex()}" in text


def test_every_type_of_record_has_a_row_in_the_manual() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| .+ \| .*\|$", FORMAT.read_text(encoding="utf-8"), re.MULTILINE)
    named = [row for row in rows if "." in row or row in set(EventType)]
    assert set(named) == {kind.value for kind in EventType}
    assert [row for row in set(named) if named.count(row) > 1] == [EventType.HOLD_EXTENDED.value]  # says two things


def test_go_checks_a_trail_and_a_certificate_as_the_manual_says(audit: Path) -> None:
    go = shutil.which("go")
    if go is None or not Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs go, and golang.org/x/mod as Debian packages it (golang-golang-x-mod-dev)")
    (program,) = _blocks(FORMAT, "go")
    (audit / "check.go").write_text(program)
    paths = {"GOPATH": "/usr/share/gocode", "GOCACHE": str(audit / "cache"), "HOME": str(audit)}
    modules = {"GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    # Newer releases of Go come without their own packages built.
    built = _run(audit, go, "build", "check.go", seconds=300, **modules, **paths)
    assert built.returncode == 0, built.stderr
    good, other = (format_vkey(Signer.from_seed("nvr.example/retentiond", seed).key) for seed in (bytes(32), b"1" * 32))
    segments = [str(path) for path in sorted(audit.glob("log/*.jsonl"))]
    done = _run(audit, "./check", good, "checkpoint", *segments)
    assert done.stdout.startswith("nvr.example/retentiond: "), done.stderr
    assert _run(audit, "./check", other, "checkpoint", *segments).returncode == 1
    proofs = [issue_certificate(str(audit), seq).proof for seq in range(12)]
    for seq, proof in enumerate(proofs):
        (audit / "proof").write_bytes(proof)
        assert f'"seq":{seq},' in _run(audit, "./check", good, "proof").stdout
    assert _run(audit, "./check", other, "proof").returncode == 1
    (audit / "proof").write_bytes(proofs[11].replace(b"index 11\n", b"index 10\n"))
    assert "invalid transparency proof" in _run(audit, "./check", good, "proof").stderr
    _spoil(audit)
    assert "is not that of these" in _run(audit, "./check", good, "checkpoint", *segments).stderr


def test_every_kind_of_finding_is_in_the_manual_with_what_it_means() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+) \|$", FINDINGS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(kind, severity, meaning) for kind, severity, meaning, _ in rows] == [
        (kind.value, SEVERITY.get(kind, Severity.WARNING).value, MEANING[kind]) for kind in FindingKind
    ]


@pytest.mark.parametrize("number", [0, 1], ids=["retentiond.yml", "register.yml"])
def test_the_configuration_in_the_readme_loads(tmp_path: Path, number: int) -> None:
    from retentiond.settings.load import load_register_file, load_settings

    path = tmp_path / "file.yml"
    path.write_text(_blocks(README, "yaml")[number], encoding="utf-8")
    path.chmod(0o644)
    if number == 0:
        assert not load_settings(str(path)).enforcing
    else:
        assert len(load_register_file(str(path)).register.devices) == 2


def test_prometheus_takes_the_alerts_of_the_readme(tmp_path: Path) -> None:
    needs("promtool")
    rules = tmp_path / "rules.yml"
    rules.write_text(_blocks(README, "yaml")[2], encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_metric_that_is_named_exists() -> None:
    observe = ROOT / "retentiond" / "observe"
    source = "".join((observe / name).read_text(encoding="utf-8") for name in ("metrics.py", "gauges.py"))
    text = "".join(document.read_text(encoding="utf-8") for document in DOCS)
    named = set(re.findall(r"\bretentiond_[a-z_]+", text))
    assert {name for name in named if f'"{name.removesuffix("_total").removesuffix("_info")}' not in source} == set()
