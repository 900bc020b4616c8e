"""The way out over HTTP: what may be spoken to, what may be sent, how much and how long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from patron_platform.outward import addresses, client
from patron_platform.outward.addresses import Barred, Outside, Unknown, networks
from patron_platform.outward.client import Failed, Request, Unsendable, ask
from patron_testing.peer import peer

HERE = Outside(allowed=networks("127.0.0.1"))
NOBODY = Outside()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0177.0.0.1",
        "2130706433", "0x7f.1", "127.1", "224.0.0.1", "255.255.255.255", "::",
    ],
)  # fmt: skip
def test_inner_addresses_are_barred_however_they_are_written(host: str) -> None:
    with pytest.raises((Barred, Unknown)):
        NOBODY.find(host, 443)


@pytest.mark.parametrize("host", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_not(host: str) -> None:
    assert list(NOBODY.find(host, 443)) == [host]


@pytest.mark.parametrize("port", [22, 25, 1023])
def test_ports_of_other_services_are_barred(port: int) -> None:
    with pytest.raises(Barred):
        NOBODY.find("93.184.215.14", port)
    assert NOBODY.find("93.184.215.14", 1024)


def test_a_name_is_looked_up_once_and_of_several_addresses_none_may_be_inner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def answers(*found: str) -> Callable[[str, int], list[str]]:
        def look(host: str, port: int) -> list[str]:
            asked.append(host)
            return list(found)

        return look

    monkeypatch.setattr(addresses, "looked_up", answers("93.184.215.14", "10.0.0.1"))
    with pytest.raises(Barred):
        ask(Request(method="GET", url="http://both.example/"), NOBODY)
    with peer() as other:
        monkeypatch.setattr(addresses, "looked_up", answers("127.0.0.1"))
        asked.clear()
        assert ask(Request(method="GET", url=f"http://once.example:{other.port}/a"), HERE).status == 200
        assert other.next().headers["host"] == f"once.example:{other.port}"
    assert asked == ["once.example"]


def test_redirects_are_answers() -> None:
    with peer() as other:
        other.say(302, {}, Location="http://169.254.169.254/")
        assert ask(Request(method="GET", url=other.url), HERE).status == 302
        assert other.next() and other.count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example",
        "http://",
        "http://u:p@a.example",
        "http://a.example/ b",
        "http://a.example:99999/",
        "gopher://a",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(Unsendable):
        ask(Request(method="GET", url=url), HERE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "b"),
        ("host", "b"),
        ("X-A", "1\r\nX-B: 2"),
        ("X A", "1"),
        ("Content-Length", "1"),
        ("X-A", "a\x00"),
        ("", "1"),
        ("X-A", "例"),
    ],
)
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    with pytest.raises(Unsendable):
        ask(Request(method="GET", url="http://127.0.0.1:9/", headers={name: value}), HERE)


def test_limits_at_and_past() -> None:
    with peer() as other:
        assert ask(Request(method="POST", url=other.url, body=b"x" * client.BODY), HERE).status == 200
        with pytest.raises(Unsendable, match="bytes"):
            ask(Request(method="POST", url=other.url, body=b"x" * (client.BODY + 1)), HERE)
        many = {f"X-{n}": "1" for n in range(client.HEADERS)}
        assert ask(Request(method="GET", url=other.url, headers=many), HERE).status == 200
        with pytest.raises(Unsendable):
            ask(Request(method="GET", url=other.url, headers={**many, "X-Y": "1"}), HERE)
        other.say(200, b"y" * client.ANSWER)
        assert ask(Request(method="GET", url=other.url), HERE).whole
        other.say(200, b"y" * (client.ANSWER + 1))
        answer = ask(Request(method="GET", url=other.url), HERE)
        assert not answer.whole and len(answer.body) == client.ANSWER


@contextmanager
def raw(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            conn, _ = server.accept()
            with conn:
                conn.recv(65536)
                with suppress(OSError):
                    speak(conn)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def drips(before: bytes) -> Callable[[socket.socket], None]:
    def speak(conn: socket.socket) -> None:
        conn.sendall(before)
        for _ in range(400):
            conn.sendall(b"a")
            time.sleep(0.05)

    return speak


@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "]
)
def test_what_comes_byte_by_byte_ends_with_the_time(before: bytes) -> None:
    with raw(drips(before)) as url:
        began = time.monotonic()
        with pytest.raises(Failed):
            ask(Request(method="GET", url=url, seconds=1.0), HERE)
        assert time.monotonic() - began < 15


def test_headers_without_end_are_cut_off() -> None:
    def speak(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(20_000):
            conn.sendall(b"X-%d: " % n + b"a" * 1_000 + b"\r\n")

    with raw(speak) as url, pytest.raises(Failed):
        ask(Request(method="GET", url=url, seconds=5.0), HERE)


def test_nothing_is_unpacked() -> None:
    import gzip

    with peer() as other:
        other.say(200, gzip.compress(b"0" * 10_000_000), **{"Content-Encoding": "gzip"})
        assert ask(Request(method="GET", url=other.url), HERE).body[:2] == b"\x1f\x8b"
        assert other.next().headers["accept-encoding"] == "identity"
