"""`retentiond audit`: read, verify, prove and sign the audit trail."""

import click

from retentiond.cli.audit_certificate import certificate, prove
from retentiond.cli.audit_export import export
from retentiond.cli.audit_keys import keygen
from retentiond.cli.audit_loss import accept_loss
from retentiond.cli.audit_prune import prune
from retentiond.cli.audit_show import show
from retentiond.cli.audit_verify import verify
from retentiond.cli.options import Subcommands


@click.group("audit", cls=Subcommands)
def command() -> None:
    """Show, verify and prove the audit trail; make a signing key."""


for _below in (show, verify, prove, certificate, export, keygen, accept_loss, prune):
    command.add_command(_below)
