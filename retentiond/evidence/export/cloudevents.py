"""CloudEvents 1.0.2 in JSON (cloudevents.io). The data is the record, as it stands in the trail."""

from typing import Any

from retentiond.evidence.export.source import Exported
from retentiond.evidence.export.words import without_none


def to_cloudevents(item: Exported) -> dict[str, Any]:
    """Return a record as a CloudEvent; `source` and `id` together name it for ever."""
    store, camera = item.about("store"), item.about("camera")
    subject = "/".join(str(part) for part in (store, camera) if part is not None)
    return without_none(
        {
            "specversion": "1.0",
            "id": item.uid,
            "source": f"/retentiond/{item.host}",
            "type": f"org.retentiond.{item.fields['type']}.v{item.fields['v']}",
            "time": item.fields["ts"],
            "subject": subject or None,
            "datacontenttype": "application/json",
            "sequence": f"{item.fields['seq']:020d}",
            "leafhash": item.leaf,
            "data": item.fields,
        }
    )
