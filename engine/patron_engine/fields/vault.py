"""Vault: fields with `encrypted: true`, and secrets: sealed before they are written, opened after they are read.

The column holds nonce and AES-256-GCM ciphertext bound to its object and field; `x__blind` holds a keyed digest of the
normalised value, by which equality can still be asked. Both keys are derived from one secret of the workspace.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from patron_engine.errors import Unavailable
from patron_engine.expr.types import ExprType
from patron_engine.fields.base import PLAIN_FORMATS, Around, Fault, FieldType, Parts, Shape, TextFormats
from patron_engine.fields.field import Field, Spec
from patron_engine.phrases import Phrase

_NONCE: Final = 12
ENCRYPTABLE: Final = frozenset({"text", "long_text", "email", "phone", "url", "barcode"})


class Vault:
    """Seals and opens with a secret of at least 32 bytes. Thread-safe."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("a vault's secret has at least 32 bytes")
        self._cipher = AESGCM(hmac.digest(secret, b"patron:seal", sha256))
        self._blind_key = hmac.digest(secret, b"patron:blind", sha256)

    def seal(self, place: str, value: Any) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, orjson.dumps(value), place.encode())

    def open(self, place: str, sealed: bytes) -> Any:
        try:
            return orjson.loads(self._cipher.decrypt(sealed[:_NONCE], bytes(sealed[_NONCE:]), place.encode()))
        except InvalidTag:
            raise Unavailable(
                Phrase("the value of {place} cannot be opened", place=place),
                code="wrong_key",
                hint="the server has another secret than the one that wrote it",
            ) from None

    def blind(self, place: str, value: str) -> str:
        """Equal values of one field give equal digests; nothing else can be asked of them."""
        return hmac.digest(self._blind_key, f"{place}\0{value}".encode(), sha256).hex()


class Encrypted(FieldType):
    """A type whose columns are sealed: everything else is the inner type's."""

    def __init__(self, inner: FieldType) -> None:
        self.inner = inner
        self.name = inner.name  # type: ignore[misc]
        self.family = inner.family  # type: ignore[misc]

    def parts(self, shape: Shape) -> Parts:
        return self.inner.parts(shape)

    def spec(self, definition: Mapping[str, Any], around: Around) -> Spec:
        return self.inner.spec(definition, around)

    def expr_type(self, spec: Spec) -> ExprType:
        return self.inner.expr_type(spec)

    def read_wire(self, field: Field, raw: Any) -> Any:
        return self.inner.read_wire(field, raw)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> Any:
        return self.inner.read_text(field, text, formats)

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        return self.inner.reader(field, formats)

    def check(self, field: Field, value: Any) -> list[Fault]:
        return self.inner.check(field, value)

    def checker(self, field: Field) -> Callable[[Any], list[Fault]] | None:
        return self.inner.checker(field)

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        if value is None:
            return tuple(None for _ in field.columns)
        vault, place = vault_of(field), place_of(field)
        return tuple(
            vault.seal(place, value)
            if c.part == ""
            else vault.blind(place, value)
            if c.part == "blind"
            else None
            for c in field.columns
        )

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        return None if parts[0] is None else vault_of(field).open(place_of(field), parts[0])

    def to_wire(self, field: Field, value: Any) -> Any:
        return self.inner.to_wire(field, value)

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return self.inner.to_text(field, value, formats)

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None

    def normalise(self, field: Field, value: Any) -> Any:
        """Unique rules and lookups compare the digest."""
        return None if value is None else vault_of(field).blind(place_of(field), value)


def vault_of(field: Field) -> Vault:
    """The workspace's vault; Unavailable where the server was started without a secret."""
    vault = field.extra.get("vault")
    if not isinstance(vault, Vault):
        raise Unavailable(
            Phrase("{field} is encrypted and this server has no key", field=place_of(field)),
            code="no_key",
            hint="start it with the workspace's secret",
        )
    return vault


def place_of(field: Field) -> str:
    """What a sealed value is bound to: the column's own name, which renames do not change."""
    return field.columns[0].name
