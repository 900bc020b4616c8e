"""The other side of a call on loopback: keeps what it is asked and answers what the test says.

with peer() as other:
    other.say(200, {"production_no": "P1"})     # the next answers, one after the other; the last one stays
    ...                                         # something asks http://127.0.0.1:PORT
    asked = other.next()                        # waits for it
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.asked: queue.Queue[Asked] = queue.Queue()
        self.answers: list[tuple[int, bytes, dict[str, str]]] = [(200, b"{}", {})]

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        self.answers = [(status, data, headers)]

    def then(self, status: int, body: Any = None) -> None:
        self.answers.append((status, json.dumps(body if body is not None else {}).encode(), {}))

    def next(self) -> Asked:
        return self.asked.get(timeout=10)

    def count(self) -> int:
        return self.asked.qsize()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        peer: Peer = self.server.peer
        headers = {k.lower(): v for k, v in self.headers.items()}
        peer.asked.put(Asked(self.command, self.path, headers, self.rfile.read(length)))
        status, body, more = peer.answers[0] if len(peer.answers) == 1 else peer.answers.pop(0)
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **more,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def peer() -> Iterator[Peer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.peer = Peer(server.server_address[1])  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.peer  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
