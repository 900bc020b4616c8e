"""Upload: one file out of the body of a request, piece by piece while it arrives, never the whole of it.

In: a request whose body is a form (multipart/form-data, the file as `file`) or the file itself (any other type, its name in
`Content-Disposition`). Out: first the file's name, what its sender calls it and the short fields that stood before it, then its
bytes as they come. Refused: other parts, what follows the file, a form that ends in the middle, bodies that are packed, more
bytes than a file may have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from patron_engine.errors import Refused
from patron_engine.fields.limits import FILE_SIZE_CAP
from patron_engine.jsonio import whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_platform.api.body import BadBody, BodyTooLarge, UnsupportedMedia

FORM = "multipart/form-data"
HEAD_BYTES = 16 * 1024  # of the headers of a part
FORM_BYTES = 64 * 1024  # what a form may have around its file
FIELD_BYTES = 1_024  # of a field before the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How a file is called by who sends it, and its length where he says it (0: he does not).

    `fields` are the texts that stood before it in its form, of those that were asked for.
    """

    name: str
    declared: str
    expected: int
    fields: Mapping[str, str] = field(default_factory=dict)


def expected_bytes(request: Request) -> int:
    """The length of the body as it is declared, 0 without a declaration. Refuses what is too much before reading it."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMedia("send the file as it is, without Content-Encoding")
    length = whole(request.headers.get("content-length", "0"))
    if length is None or length < 0:
        raise BadBody("Content-Length is not a number", code="content_length")
    if length > FILE_SIZE_CAP + FORM_BYTES:
        raise _too_large()
    return min(length, FILE_SIZE_CAP)


def is_form(request: Request) -> bool:
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1") == FORM


async def read_upload(request: Request, fields: Collection[str] = ()) -> AsyncIterator[Sent | bytes]:
    """Gives a `Sent`, then the file's bytes in whatever pieces they come. A form may have `fields` before its file."""
    expected = expected_bytes(request)
    _, options = parse_options_header(request.headers.get("content-type", ""))
    pieces = (
        _of_form(request, options.get(b"boundary", b""), _Form(expected, frozenset(fields)))
        if is_form(request)
        else _of_body(request, expected)
    )
    size = 0
    async for piece in pieces:
        if isinstance(piece, bytes):
            size += len(piece)
            if size > FILE_SIZE_CAP:
                raise _too_large()
        yield piece


async def _of_body(request: Request, expected: int) -> AsyncIterator[Sent | bytes]:
    name = _name_of(request.headers.get("content-disposition", ""))
    if not name:
        raise Refused(
            [
                Problem(
                    code="required", path="Content-Disposition", message="say how the file is called",
                    hint="Content-Disposition: attachment; filename*=UTF-8''a.pdf, or a form with the file as `file`",
                )
            ]
        )  # fmt: skip
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    yield Sent(name=name, declared=kind, expected=expected)
    async for data in request.stream():
        if data:
            yield data


async def _of_form(request: Request, boundary: bytes, form: _Form) -> AsyncIterator[Sent | bytes]:
    try:
        if not boundary:
            raise BadBody("the form has no boundary", code="bad_form")
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        async for data in request.stream():
            parser.write(data)
            for piece in form.taken():
                yield piece
    except FormParserError as error:
        raise BadBody("the form cannot be read", code="bad_form", hint=str(error)[:200]) from None
    if not form.ended:
        raise BadBody("the form ends in the middle", code="bad_form")
    if form.sent is None:
        raise Refused(
            [Problem(code="required", message="send the file as `file`, multipart/form-data", path="file")]
        )


@dataclass(slots=True)
class _Form:
    """What the parser of a form has found since it was last asked."""

    expected: int
    fields: frozenset[str]
    sent: Sent | None = None
    ended: bool = False
    _found: list[Sent | bytes] = field(default_factory=list)
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _head: int = 0
    _texts: dict[str, bytes] = field(default_factory=dict)
    _open: str | None = None

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin, "on_header_field": self._header_name, "on_header_value": self._header_value,
            "on_header_end": self._header_end, "on_headers_finished": self._headers_end, "on_part_data": self._data,
            "on_end": self._end,
        }  # fmt: skip

    def taken(self) -> list[Sent | bytes]:
        found, self._found = self._found, []
        return found

    def _begin(self) -> None:
        if self.sent is not None:
            raise Refused(
                [Problem(code="one_file", message="a form has one file and nothing else", path="file")]
            )
        self._headers, self._head = {}, 0

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _count(self, length: int) -> None:
        self._head += length
        if self._head > HEAD_BYTES:
            raise BadBody(
                Phrase("the head of a part has at most {most} bytes", most=HEAD_BYTES), code="bad_form"
            )

    def _header_end(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        called = options.get(b"name", b"").decode("utf-8", "replace")
        self._open = called if called in self.fields and called not in self._texts else None
        if self._open is not None:
            self._texts[called] = b""
            return
        if called != "file":
            message = "a form has one file, `file`, and nothing else"
            raise Refused([Problem(code="one_file", message=message, path=called[:60] or None)])
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        if not name:
            raise Refused([Problem(code="required", message="say how the file is called", path="file")])
        kind, _ = parse_options_header(self._headers.get(b"content-type", b""))
        self.sent = Sent(
            name=name, declared=kind.decode("latin-1"), expected=self.expected,
            fields={name: text.decode("utf-8", "replace") for name, text in self._texts.items()},
        )  # fmt: skip
        self._found.append(self.sent)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._open is not None:
            self._texts[self._open] += data[start:end]
            if len(self._texts[self._open]) > FIELD_BYTES:
                raise BadBody(f"a field before the file has at most {FIELD_BYTES} bytes", code="bad_form")
            return
        self._found.append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _name_of(disposition: str) -> str:
    """`filename*` of a Content-Disposition (RFC 8187), else its `filename`; empty without either."""
    for part in disposition.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.strip().lower() == "filename*":
            charset, _, rest = value.strip().partition("'")
            if charset.lower() in ("utf-8", "iso-8859-1"):
                return unquote_to_bytes(rest.partition("'")[2]).decode(charset, "replace")
    _, options = parse_options_header(disposition)
    return options.get(b"filename", b"").decode("utf-8", "replace")


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(Phrase("a file has at most {most:,} bytes", most=FILE_SIZE_CAP), code="limit_upload")
