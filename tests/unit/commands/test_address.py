"""Where a server listens is looked at before anything else is done."""

from __future__ import annotations

import socket

import pytest

from patron_engine.errors import Conflict, WrongUse
from patron_platform.serve import check_address
from patron_platform.settings import Settings


def test_a_taken_port_is_named_with_another_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            check_address(Settings(port=port))
    assert caught.value.code == "port_taken"
    assert str(port) in caught.value.detail and f"--port {port + 1}" in str(caught.value.hint)
    check_address(Settings(port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_wrong_use(host: str) -> None:
    with pytest.raises(WrongUse) as caught:
        check_address(Settings(host=host, port=0))
    assert host in caught.value.detail
