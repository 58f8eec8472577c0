"""What people read of recordings that only their recorder may delete."""

import re
from datetime import UTC, datetime, timedelta

from tests.integration.cli.place import Place
from tests.moonfire_tree import Moonfire


def test_find_says_what_moonfire_has_and_how_it_is_made_to_delete(fresh: Place) -> None:
    moonfire = Moonfire(fresh.root / "db" / "db", fresh.store)
    stream = moonfire.add_stream("hall")
    now = datetime.now(UTC).replace(microsecond=0)
    for days in (40, 31, 1):
        moonfire.record(stream, now - timedelta(days=days))
    text = re.sub(r"(?m)^    layout: .*\n", "", fresh.config.read_text())
    assert "recorder: template" in text
    config = f'recorder: moonfire\n    recorder_config: "{fresh.root}/db"'
    fresh.config.write_text(text.replace("recorder: template", config))

    done = fresh.call("find", "--camera", "hall")
    assert done.status == 0, done
    assert "moonfire has 3 recordings in store 'main', which nobody but it may delete" in done.out
    assert "2 or more" in done.out
    assert "lower retain_bytes of its stream main" in done.out
    (seen,) = fresh.call_json("find", "--camera", "hall")["observed"]
    assert (seen["recorder"], seen["recordings"], seen["overdue"]) == ("moonfire", 3, 2)
    assert "moonfire" not in fresh.call("find", "--camera", "yard").out
