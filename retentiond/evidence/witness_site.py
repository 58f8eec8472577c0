"""The witness over HTTP: the paths of C2SP tlog-witness, submission and monitoring under one address."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from retentiond.domain.errors import StorageError
from retentiond.evidence.witness_book import WitnessBook
from retentiond.tlog.witness import PATH, SIZE_TYPE, Refused, Status, format_size
from retentiond.web.serve import Answer, Request, plain

BODY_LIMIT = 16 * 1024
"""A checkpoint of ours has some hundred bytes, and a proof at most 63 lines of 45."""


class Log(Protocol):
    """Where the operator of the witness reads what happens."""

    def info(self, event: str, **fields: object) -> None: ...
    def warning(self, event: str, **fields: object) -> None: ...
    def error(self, event: str, **fields: object) -> None: ...


class WitnessSite:
    """`Site` of a witness."""

    body_limit = BODY_LIMIT
    headers: Mapping[str, str] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

    def __init__(self, book: WitnessBook, log: Log) -> None:
        self._book = book
        self._log = log

    def answer(self, request: Request) -> Answer:
        folder, _, last = request.path.removeprefix("/").rpartition("/")
        try:
            match request.method:
                case "POST" if request.path == f"/{PATH}":
                    return self._add(request.body)
                case "GET" | "HEAD" if last == "checkpoint":
                    return self._show(folder)
                case "GET" | "HEAD" if request.path == "/-/healthy":
                    return plain(HTTPStatus.OK, "The witness is healthy.")
                case _:
                    return plain(HTTPStatus.NOT_FOUND, "There is nothing here.")
        except StorageError as error:
            self._log.error("the state of the witness cannot be used", exc_info=error)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "The witness cannot use its state.")

    def _add(self, body: bytes) -> Answer:
        done = self._book.add_checkpoint(body)
        if isinstance(done, Refused):
            # A conflict or a proof that fails can be a log that was rolled back or contradicts itself.
            self._log.warning("checkpoint refused", status=int(done.status), reason=done.status.name.lower())
            if done.status is Status.CONFLICT:
                return Answer(HTTPStatus.CONFLICT, format_size(done.size), SIZE_TYPE)
            return plain(HTTPStatus(done.status), done.why)
        checkpoint, line = done
        self._log.info("checkpoint cosigned", origin=checkpoint.origin, size=checkpoint.size)
        return Answer(HTTPStatus.OK, line.encode())

    def _show(self, origin_hash: str) -> Answer:
        note = self._book.shown(origin_hash)
        if note is None:
            return plain(HTTPStatus.NOT_FOUND, "The witness has cosigned no checkpoint of that log.")
        return Answer(HTTPStatus.OK, note)
