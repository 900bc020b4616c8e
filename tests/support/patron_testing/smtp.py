"""A mail server on loopback that keeps what it is given, as a real SMTP peer.

with mail_server() as server:
    ...                      # settings with mail=server.address
    letter = server.next()   # waits for it; an EmailMessage
"""

from __future__ import annotations

import queue
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class _Peer(socketserver.StreamRequestHandler):
    """One conversation: the commands a client needs to hand over a letter."""

    server: Any

    def handle(self) -> None:
        self.say("220 mail.example")
        while line := self.rfile.readline():
            word = line.strip().partition(b" ")[0].upper()
            if word == b"EHLO":
                self.say("250-mail.example\r\n250 SMTPUTF8")
            elif word == b"DATA":
                self.say("354 go on")
                self.server.letters.put(message_from_bytes(self.body(), policy=policy.default))
                self.say("250 taken")
            elif word == b"RCPT" and b"relay_refused" in line:
                self.say("550 5.7.1 relaying denied")
            elif word == b"RCPT" and b"refused" in line:
                self.say("550 nobody here")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def body(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class MailServer:
    """`address` is what the settings take."""

    def __init__(self, port: int, letters: queue.Queue[EmailMessage]) -> None:
        self.address = f"smtp://127.0.0.1:{port}"
        self.letters = letters

    def next(self) -> EmailMessage:
        return self.letters.get(timeout=10)

    def link(self, path: str) -> str:
        """The address after the host of the link in the next letter."""
        found = re.search(rf"https?://[^/\s]+(/{path}/[A-Za-z0-9_-]+)", self.next().get_content())
        assert found is not None
        return found[1]

    def nothing_came(self) -> bool:
        try:
            self.letters.get(timeout=0.3)
        except queue.Empty:
            return True
        return False


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Peer) as server:
        server.daemon_threads = True
        server.letters = queue.Queue()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield MailServer(server.server_address[1], server.letters)  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
