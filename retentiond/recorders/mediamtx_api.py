"""MediaMTX's own API on this machine: which tracks its paths have at the moment. It is asked rarely and briefly."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

ASK_EVERY_S = 60.0
_LONGEST_S = 0.5
_LIMIT = 4 << 20
_SILENT = frozenset(
    ("AV1", "VP9", "VP8", "H265", "H264", "MPEG-4 Video", "MPEG-1/2 Video", "M-JPEG", "KLV", "Generic", "")
)
"""Codecs without sound. What is not named here counts as sound."""


class TracksAsked:
    """What the API said last. A server that is not there, or does not answer, says nothing."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ask_again_at = 0.0
        self._sound: Mapping[str, bool] = {}

    def sound(self, port: int | None) -> Mapping[str, bool]:
        """Return for each path that has tracks now whether one of them is sound."""
        if port is None:
            return {}
        if self._monotonic() >= self._ask_again_at:
            self._ask_again_at = self._monotonic() + ASK_EVERY_S
            try:
                self._sound = _parse(_get(port))
            except (OSError, http.client.HTTPException, ValueError, RecursionError):
                self._sound = {}
        return self._sound


def _get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_S)
    try:
        connection.request("GET", "/v3/paths/list?itemsPerPage=1000")
        answer = connection.getresponse()
        data = answer.read(_LIMIT + 1)
        if answer.status != http.client.OK or len(data) > _LIMIT:
            raise ValueError("no list of paths")
        return data
    finally:
        connection.close()


def _parse(data: bytes) -> Mapping[str, bool]:
    told: Any = json.loads(data)
    items = told.get("items") if isinstance(told, dict) else None
    found: dict[str, bool] = {}
    for item in items if isinstance(items, list) else ():
        tracks = item.get("tracks") if isinstance(item, dict) else None
        if isinstance(tracks, list) and tracks and isinstance(item.get("name"), str):
            found[item["name"]] = any(str(track) not in _SILENT for track in tracks)
    return found
