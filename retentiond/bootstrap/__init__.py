"""The composition root: settings in, a wired daemon or a view out. The only package that names adapters.

Imports of adapters stand inside the functions that need them: a command pays for what it uses only.
"""

from retentiond.bootstrap.configuration import (
    Loaded,
    effective_settings,
    export_table,
    import_table,
    load,
    load_register,
    propose,
    schema_text,
)
from retentiond.bootstrap.evidence import (
    Against,
    Vouched,
    check_certificate,
    check_stamp,
    export_trail,
    issue_certificate,
    read_file,
    stamped,
    verify_trail,
    vkey_text,
)
from retentiond.bootstrap.parts import adopted_identity, diagnose, free_address, look_at_clock, wall_now
from retentiond.bootstrap.reading import (
    cameras_on_record,
    make_key,
    open_view,
    plan_pruning,
    public_keys,
    read_trail,
    recorded_decisions,
)
from retentiond.bootstrap.serving import run_daemon
from retentiond.bootstrap.witnessing import WitnessOrder, run_witness, witness_key
from retentiond.bootstrap.working import ask, run_once
from retentiond.services.changes import Change
from retentiond.services.find_incidents import clock_text
from retentiond.services.outlook import Outlook
from retentiond.services.survey import condition_name
from retentiond.services.unlisted import Suspected
from retentiond.services.view import Found, Held, Incomplete, Seen, View
from retentiond.services.who import Footage, Who, who

__all__ = [
    "Against",
    "Change",
    "Footage",
    "Found",
    "Held",
    "Incomplete",
    "Loaded",
    "Outlook",
    "Seen",
    "Suspected",
    "View",
    "Vouched",
    "Who",
    "WitnessOrder",
    "adopted_identity",
    "ask",
    "cameras_on_record",
    "check_certificate",
    "check_stamp",
    "clock_text",
    "condition_name",
    "diagnose",
    "effective_settings",
    "export_table",
    "export_trail",
    "free_address",
    "import_table",
    "issue_certificate",
    "load",
    "load_register",
    "look_at_clock",
    "make_key",
    "open_view",
    "plan_pruning",
    "propose",
    "public_keys",
    "read_file",
    "read_trail",
    "recorded_decisions",
    "run_daemon",
    "run_once",
    "run_witness",
    "schema_text",
    "stamped",
    "verify_trail",
    "vkey_text",
    "wall_now",
    "who",
    "witness_key",
]
