"""However many recordings a chunk has, its intents list each exactly once, in order, in short lines."""

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.decisions import Decisions
from retentiond.domain.event import INTENT_BYTES, intents
from tests.builders import STORE, a_recording, an_intended, at, records

paths = st.binary(min_size=1, max_size=600).filter(lambda path: not path.startswith(b"/") and not path.endswith(b"/"))


@given(st.lists(paths, max_size=40))
def test_intents_list_everything_once_in_order_and_come_back_from_the_record(listed: list[bytes]) -> None:
    start = at("2026-03-01")
    items = [
        an_intended(f"claim-{number}", recording=a_recording(start, path=path)) for number, path in enumerate(listed)
    ]
    events = intents(STORE, "run-1", items)
    for event in events:
        entries = event.fields["recordings"]
        assert entries
        assert len(entries) == 1 or sum(len(str(entry)) for entry in entries) <= INTENT_BYTES
    decisions = Decisions()
    decisions.apply_all(records(*events))
    assert [intent.claim for intent in decisions.open_intents_of(STORE)] == [item.claim for item in items]
    assert [intent.recording for intent in decisions.open_intents_of(STORE)] == [item.due.recording for item in items]
