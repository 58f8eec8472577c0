"""A NetBox on a loopback address, as far as devices go: pages, filters, tokens, and the ways in which it goes wrong."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef01234567"


def a_device(number: int, name: str | None, **fields: Any) -> dict[str, Any]:
    """Return a device as NetBox shows it; the fields that nobody here reads are left out."""
    role = fields.pop("role", "camera")
    location = fields.pop("location", None)
    address = fields.pop("address", None)
    return {
        "id": number,
        "url": f"http://127.0.0.1/api/dcim/devices/{number}/",
        "display": name or f"Device {number}",
        "name": name,
        "role": {"id": 1, "name": role.capitalize(), "slug": role},
        "site": {"id": 1, "name": "Clinic", "slug": "clinic"},
        "location": None if location is None else {"id": 1, "name": location, "slug": location.lower()},
        "status": {"value": fields.pop("status", "active"), "label": "x"},
        "primary_ip": None if address is None else {"id": 1, "family": {"value": 4}, "address": address},
        **fields,
    }


@dataclass(slots=True)
class Netbox:
    """What the simulated NetBox holds. `raw` is answered instead of a list, if it is set."""

    devices: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 1000
    raw: bytes | None = None
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    secure: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        return f"{'http' if self.secure is None else 'https'}://127.0.0.1:{self.port}"

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        if authorization not in (f"Token {TOKEN}", f"Bearer nbt_{TOKEN}"):
            return 403, json.dumps({"detail": "Invalid token"}).encode()
        if self.raw is not None or self.status != 200:
            return self.status, self.raw or b"{}"
        query = parse_qs(urlsplit(path).query)
        roles = query.get("role", [])
        found = [item for item in self.devices if not roles or item["role"]["slug"] in roles]
        offset = int(query.get("offset", ["0"])[0])
        limit = min(int(query.get("limit", ["50"])[0]), self.most_at_once)
        more = f"http://127.0.0.1:9/api/dcim/devices/?limit={limit}&offset={offset + limit}"
        page = {
            "count": len(found),
            "next": more if offset + limit < len(found) else None,
            "previous": None,
            "results": found[offset : offset + limit],
        }
        return 200, json.dumps(page).encode()


@contextmanager
def running(netbox: Netbox) -> Iterator[Netbox]:
    """Let it answer on a loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            netbox.asked.append((self.command, self.path))
            status, body = netbox.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("API-Version", "4.2")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    netbox.port = server.server_address[1]
    if netbox.secure is not None:
        server.socket = netbox.secure.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield netbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
