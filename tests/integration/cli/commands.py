"""Every command of the program as somebody types it, and what it is to say in four situations.

A new command gets a row here; `test_every_command.py` fails until it has one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from retentiond.cli.main import retentiond

CONFIG = "{config}"
REGISTER = "{register}"
STORE = "{store}"
NOW = "{now}"


@dataclass(frozen=True, slots=True)
class Row:
    """A command with arguments that make sense in a `Place`, and its exit statuses.

    Attributes:
        typed: the command and its arguments; `{config}`, `{register}`, `{store}` and `{now}` stand for those.
        schema: of what it prints with `--json`; empty if it has no `--json`.
        fresh: the exit status where no daemon has ever run; 0 also means that it prints something, everywhere.
        alone: with the state that a daemon has left.
        beside: beside a running daemon.
        looks: whether it may be typed again and again, since it changes nothing anywhere.
        reads: what it has to read: `nothing`, the `files` of the configuration, or the `state` too.
    """

    typed: str
    schema: str
    fresh: int = 0
    alone: int = 0
    beside: int = 0
    looks: bool = True
    reads: str = "state"

    @property
    def name(self) -> str:
        """The command without its arguments."""
        words = self.typed.split()
        return " ".join(words[:2]) if words[0] in GROUPS else words[0]


GROUPS = frozenset({"store", "hold", "incident", "audit", "findings", "register", "config", "clock"})

ROWS = (
    Row("check", "retentiond.check/1", fresh=1, alone=1, beside=1),
    Row("plan", "retentiond.plan/1"),
    Row("plan --at 2030-01-01", "retentiond.plan/1"),
    Row("approve main-0 --count 1 --digest 0", "retentiond.approve/1", fresh=75, alone=2, beside=2, looks=False),
    Row("status", "retentiond.status/1", fresh=69, alone=69, beside=1),
    Row("doctor", "retentiond.doctor/1"),
    Row("store adopt main", "retentiond.store.adopt/1", looks=False),
    Row("store list", "retentiond.stores/1"),
    Row("store show main", "retentiond.store/1"),
    Row("find --camera entrance", "retentiond.find/1"),
    Row("find --camera entrance --from 2020-01-01 --to 2030-01-01", "retentiond.find/1"),
    Row(
        "hold place --camera hall --from 2020-01-01 --to 2020-02-01 --ground A15 --reason x --reference 7 "
        "--requested-by DPO --until 90d",
        "retentiond.hold.place/1",
        fresh=75,
        looks=False,
    ),
    Row("hold approve H-99", "", fresh=75, alone=2, beside=2, looks=False),
    Row("hold extend H-99 --until 90d", "", fresh=75, alone=2, beside=2, looks=False),
    Row("hold release H-99 --why x", "", fresh=75, alone=2, beside=2, looks=False),
    Row("hold list", "retentiond.holds/1"),
    Row("incident list", "retentiond.incidents/1"),
    Row("incident show I-99", "", fresh=2, alone=2, beside=2),
    Row(
        "incident decide I-99 --decision delete --why x --notification x",
        "",
        fresh=75,
        alone=2,
        beside=2,
        looks=False,
    ),
    Row("incident approve I-99", "", fresh=75, alone=2, beside=2, looks=False),
    Row("incident earlier hall", "", fresh=2, alone=2, beside=2),
    Row("audit show", "retentiond.audit.record/1", fresh=74),
    Row("audit verify", "retentiond.audit.verify/1", fresh=74),
    Row("audit prove 1", "retentiond.audit.prove/1", fresh=74, alone=75, beside=75),
    Row("audit certificate 1", "retentiond.audit.certificate/1", fresh=74, alone=75, beside=75),
    Row("audit accept-loss --count 1 --why x", "", fresh=2, alone=2, beside=2, looks=False),
    Row("audit prune --plan", "retentiond.audit.prune/1", fresh=74),
    Row("audit keygen", "retentiond.audit.keygen/1", fresh=73, looks=False),
    Row("findings list", "retentiond.findings/1", fresh=74, alone=1, beside=1),
    Row("findings show overdue", "retentiond.findings/1", fresh=74),
    Row("findings acknowledge overdue x --why x --for 3d", "", fresh=2, alone=2, beside=2, looks=False),
    Row("register show", "retentiond.register/1", reads="files"),
    Row("register show --at 2026-03-01", "retentiond.register/1", reads="files"),
    Row("register at 2026-03-01", "retentiond.register/1", reads="files"),
    Row("register diff {register}", "retentiond.register.diff/1", reads="files"),
    Row("register validate {register}", "retentiond.register.validate/1", reads="nothing"),
    Row("register who --room hall --from 2026-01-01 --to 2030-01-01", "retentiond.register.who/1"),
    Row("register export rooms", "retentiond.register.export/1", reads="files"),
    Row("register export devices", "retentiond.register.export/1", reads="files"),
    Row("config check", "retentiond.config.check/1", reads="files"),
    Row("config show", "retentiond.config/1", reads="files"),
    Row("config schema", "retentiond.config.schema/1", reads="nothing"),
    Row("clock status", "retentiond.clock/1"),
    Row("clock accept --wall {now}", "retentiond.clock.accept/1", looks=False),
    Row("run --once", "retentiond.status/1", fresh=1, alone=1, beside=75, looks=False),
)

ELSEWHERE = {
    "register import": "tests/integration/cli/test_register_tables.py",
    "demo": "tests/system/test_demo.py",
    "audit export": "tests/integration/evidence/test_export.py",
    "witness": "tests/integration/evidence/test_witness.py",
    "config init": "tests/integration/cli/test_config_init.py",
    "run": "every test that starts a daemon",
}
"""Commands, or ways to call one, that have tests of their own, and where."""


def every_command() -> dict[str, click.Command]:
    """Return every command that can be typed, by its words, from the program itself."""
    found: dict[str, click.Command] = {}
    pending: list[tuple[str, click.Command]] = [("", retentiond)]
    context = click.Context(retentiond)
    while pending:
        words, command = pending.pop()
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                pending.append((f"{words} {name}".strip(), below))
        else:
            found[words] = command
    return found


def now_as_typed() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
