"""`retentiond doctor`: what this host lets the daemon do, and how to get what is missing."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import coloured, say

_ROLE = {"fine": "good", "missing": "bad", "note": "warn"}


@click.command("doctor")
@common
def command(config: str, as_json: bool) -> int:
    """Look at rights per camera directory, mounts, the clock, inotify, Landlock and systemd. Changes nothing.

    Root looks with the rights of the daemon's user, to whom the state directory belongs; others with their own. Exit 1
    if something is missing.
    """
    diagnoses = bootstrap.diagnose(bootstrap.load(config))
    if as_json:
        fields = [
            {"subject": item.subject, "verdict": item.verdict, "text": item.text, "remedy": item.remedy}
            for item in diagnoses
        ]
        emit_json("retentiond.doctor/1", {"diagnoses": fields})
    else:
        for item in diagnoses:
            say(f"{coloured(item.verdict.ljust(8), _ROLE[item.verdict])}{item.subject}: {item.text}")
            if item.remedy:
                say(f"        {coloured(item.remedy, 'dim')}")
    return 1 if any(item.verdict == "missing" for item in diagnoses) else 0
