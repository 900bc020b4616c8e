"""Addresses: whether somewhere may be spoken to, and at which address. The wall between what people write and the inner
network.

In: a host name and a port that came from people; the networks the server's settings allow besides. Out: addresses that were
checked, to which the connection is then made: a name is resolved once. Refused is every name of which one address is not a
public one.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from patron_engine.errors import PatronError
from patron_engine.phrases import Phrase

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LOWEST: Final = 1_024  # ports below that are not spoken to, but those of the scheme
USUAL: Final = frozenset({80, 443, 25, 465, 587})
_NAT64: Final = ip_network("64:ff9b::/96")
_6TO4: Final = ip_network("2002::/16")


class Barred(PatronError):
    """It must not be spoken to. The message does not say what stands there."""

    code = "address_barred"


class Unknown(PatronError):
    """The name has no address at the moment."""

    code = "address_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What may be spoken to besides public addresses."""

    allowed: tuple[Network, ...] = ()

    def find(self, host: str, port: int, ports: frozenset[int] = frozenset({80, 443})) -> Sequence[str]:
        """The addresses of a host, each of them checked. Barred, or Unknown when there are none now."""
        if port not in ports and port < LOWEST:
            raise Barred(Phrase("port {port} is not spoken to", port=port), hint="ports of web services are")
        try:
            found = looked_up(host.rstrip("."), port)
        except (OSError, UnicodeError):
            raise Unknown(Phrase("{host} has no address", host=host[:200])) from None
        addresses = list(dict.fromkeys(found))
        for text in addresses:
            if not self.may(ip_address(text.partition("%")[0])):
                raise Barred(
                    Phrase("{host} is not a public address", host=host[:200]),
                    hint="an operator of the server may allow its network: PATRON_OUTBOUND_ALLOW",
                )
        return addresses

    def may(self, address: Address) -> bool:
        """Whether it is public, or allowed. One that stands inside another is looked at itself."""
        inner = _inner(address)
        if any(inner.version == n.version and inner in n for n in self.allowed):
            return True
        return inner.is_global and not inner.is_multicast and not inner.is_reserved


def looked_up(host: str, port: int) -> list[str]:
    """Every address of a name, as the system finds them."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _inner(address: Address) -> Address:
    """The IPv4 address an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address


def networks(text: str) -> tuple[Network, ...]:
    """Networks joined by commas: `10.1.0.0/16, 127.0.0.1`. ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
