"""Client: one request over HTTP to somewhere people named. The only way out: no other module opens one.

    answer = ask(Request(method="POST", url=…, headers=…, body=b"…"), outside)

In: a request, what may be spoken to. Out: status and at most `ANSWER` bytes of the answer. The name is resolved once and the
connection made to that address (addresses.py); no redirect is followed, nothing is unpacked, and everything together has
`seconds`. Failed tells why without what was sent.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import httpcore

from patron_engine.errors import PatronError
from patron_engine.flow.calling import BODY
from patron_engine.phrases import Phrase
from patron_platform.hosts import parts
from patron_platform.outward.addresses import Barred, Outside

SECONDS: Final = (
    10.0  # call_seconds: what one request takes at most, from looking up the name to the last byte
)
MOST_SECONDS: Final = 60.0  # what a definition may give it
ANSWER: Final = 65_536  # limit_call_answer: bytes of an answer that are read
URL: Final = 3_000  # characters of an address
HEADERS: Final = 50  # limit_call_headers
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_VALUE: Final = re.compile(r"[\x20-\x7e\x80-\xff]{0,4000}\Z")
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Unsendable(PatronError):
    """It cannot be sent as it is written; trying again does not help."""

    code = "call_unsendable"


class Failed(PatronError):
    """No answer this time; another time there may be one."""

    code = "call_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`whole` is false where there was more than is read."""

    status: int
    body: bytes = field(repr=False)
    type: str = ""
    whole: bool = True
    retry_after: int | None = None


def ask(request: Request, outside: Outside) -> Answer:
    """The answer. Unsendable, Barred, Unknown, or Failed."""
    checked(request)
    ends = time.monotonic() + min(request.seconds, MOST_SECONDS)
    backend = _Pinned(outside, ends)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in _headers(request).items()]
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_trusted(), network_backend=backend, http2=False) as pool,
            pool.stream(
                request.method, request.url.encode("ascii"), headers=headers, content=request.body
            ) as said,
        ):
            body, whole = _read(said.iter_stream(), ends)
            return Answer(
                status=said.status, body=body, whole=whole, type=_header(said, b"content-type"),
                retry_after=_seconds(_header(said, b"retry-after")),
            )  # fmt: skip
    except PatronError:
        raise
    except (httpcore.TimeoutException, TimeoutError):
        raise Failed("no answer in time", code="call_timeout") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ssl.SSLError) as error:
        raise Failed(Phrase("no connection: {why}", why=type(error).__name__)) from None


def checked(request: Request) -> None:
    """Unsendable for what nobody should be sent."""
    found = parts(request.url)
    if found.scheme not in ("http", "https") or not found.hostname or found.username or found.password:
        raise Unsendable(
            "the address must begin with http:// or https:// and hold no password",
            code="call_address", hint="https://erp.example.com/orders",
        )  # fmt: skip
    if (
        not request.url.isascii()
        or any(c <= " " for c in request.url)
        or len(request.url) > URL
        or not _port(request.url)
    ):
        raise Unsendable("the address has characters that no address has", code="call_address")
    if request.method not in METHODS:
        raise Unsendable(Phrase("there is no method {name}", name=request.method[:20]), code="call_method")
    if len(request.body) > BODY:
        raise Unsendable(Phrase("what is sent has at most {most} bytes", most=BODY), code="limit_call_body")
    if len(request.headers) > HEADERS:
        raise Unsendable(Phrase("a call has at most {most} headers", most=HEADERS), code="limit_call_headers")
    for name, value in request.headers.items():
        if not _NAME.match(name) or name.lower() in _OURS or not _VALUE.match(value):
            raise Unsendable(Phrase("the header {name!r} cannot be sent", name=name[:60]), code="call_header")


def _port(url: str) -> bool:
    """Whether it names no port, or one there is."""
    try:
        return parts(url).port != 0
    except ValueError:
        return False


def host_of(url: str) -> str:
    """What people are shown of an address: no path and no parameters, which may open something."""
    return (parts(url).hostname or "")[:200]


def _headers(request: Request) -> dict[str, str]:
    found = parts(request.url)
    port = found.port
    usual = port in (None, 443 if found.scheme == "https" else 80)
    host = found.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return {
        "Host": host if usual else f"{host}:{port}", "User-Agent": "Patron", "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)), "Connection": "close", **request.headers,
    }  # fmt: skip


def _read(pieces: Iterable[bytes], ends: float) -> tuple[bytes, bool]:
    """At most `ANSWER` bytes, and whether that is all."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) > ANSWER:
            return bytes(kept[:ANSWER]), False
        if time.monotonic() > ends:
            raise TimeoutError
    return bytes(kept), True


def _header(said: httpcore.Response, name: bytes) -> str:
    found = next((value for key, value in said.headers if key.lower() == name), b"")
    return found.decode("latin-1")[:200]


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Pinned(httpcore.NetworkBackend):
    """Looks the name up once, connects to what was checked, and lets nothing take longer than the whole may."""

    def __init__(self, outside: Outside, ends: float) -> None:
        self._outside = outside
        self._ends = ends
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failure: Exception | None = None
        for address in self._outside.find(host, port):
            try:
                stream = self._plain.connect_tcp(address, port, timeout=_left(self._ends))
                return _Timed(stream, self._ends)
            except httpcore.ConnectError as error:
                failure = error
        raise failure or httpcore.ConnectError()

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        raise Barred("sockets of this machine are not spoken to")


class _Timed(httpcore.NetworkStream):
    """A stream of which every piece has what is left of the time."""

    def __init__(self, inner: httpcore.NetworkStream, ends: float) -> None:
        self._inner = inner
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, timeout=_left(self._ends))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout=_left(self._ends))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout=_left(self._ends))
        return _Timed(inner, self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
