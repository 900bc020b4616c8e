"""Files: file, image, signature, audio. The value is the ids of rows of the file table; the record has no column for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import Around, Fault, FieldType, Parts, Shape
from patron_engine.fields.field import Field, FileSpec, Spec
from patron_engine.fields.filetypes import fits_ending
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase

CAMERAS: Final = ("environment", "user")  # the one away from the person, the one towards him


class FileLike(FieldType):
    """What all files share."""

    family = "file"
    keys: ClassVar[tuple[str, ...]] = ("max_size", "accept", "many")
    wire = "id of a file; list of ids when many"
    sortable = False
    silent = True
    accept: ClassVar[tuple[str, ...]] = ()

    def parts(self, shape: Shape) -> Parts:
        return ()

    def spec(self, definition: Mapping[str, Any], around: Around) -> FileSpec:
        size = byte_size(definition.get("max_size", limits.FILE_SIZE))
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= limits.FILE_SIZE_CAP:
            around.fault(
                "limit_max_size",
                Phrase("max_size is at most {most:,} bytes", most=limits.FILE_SIZE_CAP),
                "max_size",
                "for example 10 MB",
            )
            size = limits.FILE_SIZE
        accept = definition.get("accept")
        kinds = (accept,) if isinstance(accept, str) else tuple(str(a) for a in accept or self.accept)
        capture = definition.get("capture")
        return FileSpec(
            max_size=size,
            accept=kinds,
            many=definition.get("many") is True,
            capture=capture if capture in CAMERAS else None,
        )

    def expr_type(self, spec: Spec) -> ExprType:
        return ExprType("list", element=ExprType("text"))

    def read_wire(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        if raw is None or raw == "":
            return None
        given = raw if isinstance(raw, list | tuple) else [raw]
        ids = [read_id(r.get("id") if isinstance(r, Mapping) else r) for r in given]
        return tuple(dict.fromkeys(ids)) or None

    def read_text(self, field: Field, text: str, formats: Any = None) -> tuple[str, ...] | None:
        if not text.strip():
            return None
        return self.read_wire(field, [p.strip() for p in text.split(";") if p.strip()])

    def check(self, field: Field, value: Any) -> list[Fault]:
        assert isinstance(field.spec, FileSpec)
        most = limits.FILES if field.spec.many else 1
        if value is not None and len(value) > most:
            return [
                (
                    "limit_files",
                    Phrase("{count} files, at most {most} can stand here", count=len(value), most=most),
                    "remove one",
                )
            ]
        return []

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return ()

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        return None

    def to_wire(self, field: Field, value: Any) -> Any:
        assert isinstance(field.spec, FileSpec)
        if field.spec.many:
            return list(value or ())
        return value[0] if value else None

    def to_text(self, field: Field, value: Any, formats: Any = None) -> str:
        return ";".join(value or ())

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None


def byte_size(raw: Any) -> Any:
    """`10 MB` as bytes; anything else as it is.

    >>> byte_size("10 MB"), byte_size(2048)
    (10485760, 2048)
    """
    found = re.fullmatch(r"([0-9]{1,9}) ?(KB|MB|GB)", raw, re.ASCII) if isinstance(raw, str) else None
    return int(found[1]) * {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[found[2]] if found else raw


def accepts(spec: FileSpec, mime: str, name: str) -> bool:
    """Whether a file of this type and name may stand in the field: `accept` holds types (image/*) and endings (.pdf).

    An ending is taken only from a file that is what it says: a page called `x.pdf` is no `.pdf`.
    """
    if not spec.accept:
        return True
    lower, kind = name.lower(), mime.lower()
    for wanted in (a.lower() for a in spec.accept):
        if wanted.startswith("."):
            fits = lower.endswith(wanted) and fits_ending(wanted, kind)
        else:
            fits = kind.startswith(wanted[:-1]) if wanted.endswith("/*") else kind == wanted
        if fits:
            return True
    return False


class File(FileLike):
    name = "file"
    about = "any file"


class Image(FileLike):
    name = "image"
    about = "a picture"
    keys: ClassVar[tuple[str, ...]] = (*FileLike.keys, "capture")
    accept = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Signature(FileLike):
    name = "signature"
    about = "a handwritten signature, kept as a picture"
    keys: ClassVar[tuple[str, ...]] = ("max_size",)
    accept = ("image/png", "image/svg+xml")


class Audio(FileLike):
    name = "audio"
    about = "a sound recording"
    accept = ("audio/*",)


TYPES: Final = (File(), Image(), Signature(), Audio())
