"""Enclosed: what is enclosed in a letter that arrived becomes files of the workspace, for steps to hang on records.

In: a letter's attachments, what the automation takes of them. Out: `event.files`, ids of files that hang nowhere yet, and
`event.files_left_out`, the names of those that are not kept, with why. A letter is never refused for what is enclosed in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Any, Final

import psycopg

from patron_engine.errors import PatronError, Refused
from patron_engine.fields import limits
from patron_engine.fields.field import FileSpec
from patron_engine.fields.files import accepts, byte_size
from patron_engine.fields.filetypes import HEAD_BYTES, type_of_bytes
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import files
from patron_engine.store import blobs
from patron_platform.phrases import written

MOST: Final = 30  # attachments of one letter that are kept
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """`type` is what its sender calls it; what it is its bytes say."""

    name: str
    type: str
    data: bytes


def enclosed_in(message: EmailMessage) -> tuple[Enclosed, ...]:
    """What is no text of the letter: attachments, pictures in the text that have a name, letters in the letter."""
    return tuple(_found(message))


def _found(part: Any) -> Iterator[Enclosed]:
    kind = part.get_content_type()
    name = _name(part)
    if kind == "message/rfc822" and part.is_multipart():
        inner = part.get_payload(0)
        try:
            title, data = (
                str(inner.get("subject", "")),
                inner.as_bytes(policy=SMTP.clone(max_line_length=None)),
            )
        except RecursionError:
            raise
        except Exception:  # noqa: BLE001 - where the letter is none: it is left out, not the one it came in
            title, data = "", b""
        yield Enclosed(name=name or f"{title or 'letter'}.eml", type=kind, data=data)
    elif part.is_multipart():
        for inner in part.get_payload():
            yield from _found(inner)
    elif name or part.get_content_disposition() == "attachment":
        data = part.get_payload(decode=True) or b""
        yield Enclosed(name=name or "file", type=kind, data=data)


def _name(part: Any) -> str:
    try:
        return str(part.get_filename() or "").replace("\x00", "")
    except (LookupError, ValueError, UnicodeError):
        return ""


def kept(
    conn: Connection, call: Call, enclosed: Sequence[Enclosed], takes: Mapping[str, Any], room: int
) -> dict[str, Any]:
    """In the transaction in which the run begins: without a run nothing of them stays."""
    accept = takes.get("accept") or ()
    spec = FileSpec(
        max_size=byte_size(takes.get("max_size", limits.FILE_SIZE)),
        accept=(accept,) if isinstance(accept, str) else tuple(accept), many=True, capture=None,
    )  # fmt: skip
    languages = call.model.workspace.languages
    ids, left = list[str](), list[str]()
    for number, one in enumerate(enclosed):
        name = _short(one.name)
        why: str | None = None
        try:
            why = _unfit(spec, name, one, number)
            if why is None:
                ids.append(_keep(conn, call, name, one, room))
        except PatronError as error:
            problems = error.problems if isinstance(error, Refused) else ()
            why = problems[0].message if problems else error.detail
        if why is not None:
            left.append(f"{name}: {written(why, languages)}")
    return {"files": ids, "files_left_out": "\n".join(left)}


def _unfit(spec: FileSpec, name: str, one: Enclosed, number: int) -> Phrase | None:
    if number >= MOST:
        return Phrase("of one letter {most} files are kept", most=MOST)
    if not one.data:
        return Phrase("the file is empty")
    if len(one.data) > spec.max_size:
        return Phrase(
            "it has {size:,} bytes, at most {most:,} are taken", size=len(one.data), most=spec.max_size
        )
    mime = type_of_bytes(one.data[:HEAD_BYTES], name, one.type)
    return None if accepts(spec, mime, name) else Phrase("it is {mime}, which is not taken", mime=mime)


def _keep(conn: Connection, call: Call, name: str, one: Enclosed, room: int) -> str:
    with conn.transaction():
        id = files.begin(conn, call, name, expected=len(one.data), room=room)
        pieces = range(0, len(one.data), blobs.CHUNK_BYTES)
        for number, at in enumerate(pieces):
            blobs.put(conn, call.schema, id, number, one.data[at : at + blobs.CHUNK_BYTES])
        whole = files.Whole(
            size=len(one.data), chunks=len(pieces), sha256=sha256(one.data).hexdigest(), head=one.data[:HEAD_BYTES],
            declared=one.type,
        )  # fmt: skip
        files.finish(conn, call, id, whole, room=room)
    return id


def _short(name: str) -> str:
    """One that is too long keeps its ending: a letter is not refused for a name."""
    name = name.encode("utf-8", "replace").decode()
    if len(name) <= limits.FILE_NAME_LENGTH:
        return files.file_name(name)
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
    return files.file_name((stem if tail else name)[: limits.FILE_NAME_LENGTH - len(tail)] + tail)
