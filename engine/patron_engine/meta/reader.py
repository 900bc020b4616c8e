"""Reader: text -> documents. The first stage: what someone wrote becomes plain values with a line for each part.

In: the text of a YAML or JSON file (UTF-8). Out: Documents, and Problems for what cannot be read; never an exception.
It knows YAML 1.2 and no kinds: plain scalars are null, true, false, integers and decimals, all else is text; tags,
duplicate keys, keys that are not texts, aliases that grow and what is too large or too deep are refused.

It builds from PyYAML's events instead of its nodes, so that depth and growth are known before memory is spent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import yaml

from patron_engine.meta.boundaries import after_document
from patron_engine.meta.document import Document, Path
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems

MAX_FILE_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 50
MAX_NODES: Final = 200_000
MAX_ALIAS_BYTES: Final = 100_000  # what aliases add to a document when they are written out
MAX_DIGITS: Final = 40

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_CONSTANTS: Final[dict[str, Any]] = {"null": None, "~": None, "": None, "true": True, "false": False}

# Versions look like decimals (1.10) and are texts: these places keep what was written.
_TEXT_AT = frozenset({"version", "against", "platform"})
_TEXT_IN = frozenset({"requires", "optional"})


def read_documents(text: bytes | str, file: str) -> tuple[list[Document], list[Problem]]:
    """All documents of one file, in order. A syntax error ends its document: those around it are still returned."""
    problems = Problems()
    source = _decoded(text, file, problems)
    documents: list[Document] = []
    began = 0
    while source is not None:
        reading = _Reading(source=source, file=file, problems=problems, began=began)
        try:
            for body, places in reading.bodies():
                document = _document(body, places, file, problems)
                if document is not None:
                    documents.append(document)
            break
        except _GiveUp:
            break
        except yaml.YAMLError as error:
            _syntax(error, file, problems)
            source, began = after_document(source, reading.began)
    return documents, list(problems)


def read_values(text: bytes | str, file: str) -> tuple[list[Any], list[Problem]]:
    """The values of a YAML or JSON file that is no definition (a mapping of an import), one a document."""
    problems = Problems()
    source = _decoded(text, file, problems)
    values: list[Any] = []
    if source is not None:
        try:
            values = [body for body, _ in _Reading(source=source, file=file, problems=problems).bodies()]
        except _GiveUp:
            pass
        except yaml.YAMLError as error:
            _syntax(error, file, problems)
    return values, list(problems)


def plain_value(text: str) -> Any:
    """What a plain scalar means.

    >>> plain_value("on"), plain_value("12"), plain_value("1.50"), plain_value("007"), plain_value("null")
    ('on', 12, Decimal('1.50'), '007', None)
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text) and len(text) <= MAX_DIGITS:
        return int(text)
    if _DECIMAL.match(text) and len(text) <= MAX_DIGITS:
        return Decimal(text)
    return text


def _decoded(text: bytes | str, file: str, problems: Problems) -> str | None:
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        if len(raw) > MAX_FILE_BYTES:
            problems.add(
                "file_too_large",
                Phrase("the file has {count:,} bytes, at most {most:,} are read", count=len(raw), most=MAX_FILE_BYTES),
                hint="split it: several documents of one kind may stand in several files", file=file,
            )  # fmt: skip
            return None
        source = raw.decode("utf-8-sig")
    except UnicodeError as error:
        line = raw[: error.start].count(b"\n") + 1 if isinstance(error, UnicodeDecodeError) else None
        problems.add("not_utf8", "the file is not UTF-8 text", hint="save it as UTF-8", file=file, line=line)
        return None
    if file.endswith(".json"):  # JSON writes an emoji as two escapes, YAML does not know that
        source = _SURROGATES.sub(_paired, source)
    return source


def _paired(match: re.Match[str]) -> str:
    high, low = int(match[1], 16), int(match[2], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _syntax(error: yaml.YAMLError, file: str, problems: Problems) -> None:
    if isinstance(error, yaml.reader.ReaderError):
        problems.add(
            "yaml_character", Phrase("a character that YAML does not allow: {character}", character=_shown(error.character)),
            hint="remove control characters", file=file,
        )  # fmt: skip
        return
    mark = getattr(error, "problem_mark", None)
    if mark and any(p.code == "yaml_syntax" and p.line == mark.line + 1 for p in problems):
        return
    what = getattr(error, "problem", None) or Phrase("a character that YAML does not allow")
    context = getattr(error, "context", None)
    hint = "indent with spaces and quote texts that hold ': ' or ' #' or begin with a sign"
    if "tab character" in what or "\\t" in what:
        hint = "indent with spaces, not tabs"
    what = f"{what} ({context})" if context else what
    message = Phrase("this is not YAML: {what}", what=what)
    problems.add("yaml_syntax", message, hint=hint, file=file, line=mark.line + 1 if mark else None)


def _shown(character: Any) -> str:
    return f"U+{character:04X}" if isinstance(character, int) else repr(character)


def _document(body: Any, places: dict[Path, int], file: str, problems: Problems) -> Document | None:
    line = places.get(())
    if body is None:
        return None
    if not isinstance(body, dict):
        problems.add(
            "not_a_document", "a document is a map of keys that begins with `kind`", file=file, line=line,
            hint="write kind: object, name: …",
        )  # fmt: skip
        return None
    kind = body.get("kind")
    named_by = "of" if kind == "change" else "name"
    name = body.get(named_by)
    for key, value in (("kind", kind), (named_by, name)):
        if not isinstance(value, str) or not value:
            problems.add(
                "missing_key", Phrase("a document begins with `kind` and `{named_by}`; `{key}` is missing or no text", named_by=named_by, key=key),
                file=file, line=places.get((key,), line), path=key, hint=Phrase("write {key}: …", key=key),
            )  # fmt: skip
            return None
    return Document(kind=str(kind), name=str(name), body=body, file=file, places=places)


class _GiveUp(Exception):
    """A limit was reached; its problem is already noted."""


@dataclass(slots=True)
class _Anchored:
    value: Any
    places: tuple[Path, ...]
    size: int


@dataclass(slots=True)
class _Reading:
    """One pass over the events of a file."""

    source: str
    file: str
    problems: Problems
    began: int = 0  # line of the document being read, from 0
    places: dict[Path, int] = field(default_factory=dict)
    order: list[Path] = field(default_factory=list)  # the paths of `places` as they came
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)  # None: still being read
    nodes: int = 0
    grown: int = 0
    size: int = 0
    events: Iterator[Any] = field(default_factory=lambda: iter(()))

    def bodies(self) -> Iterator[tuple[Any, dict[Path, int]]]:
        self.events = yaml.parse(self.source, Loader=_Loader)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.places, self.order, self.anchors, self.grown = {}, [], {}, 0
                mark = event.start_mark
                self.began = mark.line if mark else self.began
                body = self._node(next(self.events), ())
                yield body, self.places

    def _fault(self, code: str, message: str, event: Any, path: Path, hint: str | None = None) -> None:
        self.problems.add(
            code, message, hint=hint, file=self.file, line=event.start_mark.line + 1,
            path=".".join(map(str, path)) or None,
        )  # fmt: skip

    def _stop(self, code: str, message: str, event: Any, path: Path, hint: str | None = None) -> None:
        self._fault(code, message, event, path[:5], hint)
        raise _GiveUp

    def _node(self, event: Any, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(
                "too_many_values", Phrase("the file has more than {most:,} values", most=MAX_NODES), event, path, "split it",
            )  # fmt: skip
        if len(path) > MAX_DEPTH:
            self._stop(
                "too_deep", Phrase("values are nested deeper than {most} levels", most=MAX_DEPTH), event, path
            )
        self.places[path] = event.start_mark.line + 1
        self.order.append(path)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag is not None:
            self._fault(
                "yaml_tag", Phrase("tags are not read: {tag}", tag=event.tag), event, path, "write the plain value",
            )  # fmt: skip
        if event.anchor is None:
            return self._value(event, path)
        self.anchors[event.anchor] = None
        before, first = self.size, len(self.order)
        value = self._value(event, path)
        inside = tuple(p[len(path) :] for p in self.order[first:])
        self.anchors[event.anchor] = _Anchored(value, inside, self.size - before)
        return value

    def _alias(self, event: Any, path: Path) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            what = Phrase("*{anchor} is not anchored before", anchor=event.anchor)
            if event.anchor in self.anchors:
                what = Phrase("*{anchor} stands inside itself", anchor=event.anchor)
            self._fault("yaml_alias", what, event, path, "write the value again")
            return None
        self.grown += known.size
        self.size += known.size
        if self.grown > MAX_ALIAS_BYTES:
            message = Phrase("aliases grow the document by more than {most:,} bytes", most=MAX_ALIAS_BYTES)
            self._stop("yaml_alias_growth", message, event, path, "write the values out, or fewer of them")
        if len(path) + max(map(len, known.places), default=0) > MAX_DEPTH:
            self._stop(
                "too_deep", Phrase("values are nested deeper than {most} levels", most=MAX_DEPTH), event, path
            )
        for inner in known.places:
            self.places[(*path, *inner)] = event.start_mark.line + 1
            self.order.append((*path, *inner))
        return _copied(known.value)

    def _value(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self.size += len(event.value) + 4
            plain = not event.style and event.implicit[0] and not _stays_text(path)
            return plain_value(event.value) if plain else event.value
        self.size += 4
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(inner, (*path, len(items))))
            return items
        return self._mapping(event, path)

    def _mapping(self, event: Any, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        last: Any = None
        while not isinstance(at := next(self.events), yaml.MappingEndEvent):
            if not isinstance(at, yaml.ScalarEvent):
                self._stop(
                    "yaml_key",
                    "a key must be a plain text",
                    at,
                    path,
                    "quote text that begins with { or [ or *",
                )
            key = at.value
            value_event = next(self.events)
            value = self._node(value_event, (*path, key))
            self.size += len(key) + 2
            self.places[(*path, key)] = at.start_mark.line + 1
            if key in found:
                self._fault(
                    "duplicate_key", Phrase("the key {key!r} stands twice in one map", key=key), at, (*path, key),
                    "keep one",
                )  # fmt: skip
            elif key == "<<" and not at.style:
                self._fault("yaml_merge", "merge keys (<<) are not read", at, path, "write the keys out")
            elif event.flow_style and _is_empty(value_event):
                self._bare(at, (*path, key), last)
            else:
                found[key] = last = value
                continue
            last = None
        return found

    def _bare(self, at: Any, path: Path, last: Any) -> None:
        """`{en: Won, first touch}`: the comma made a key without a value."""
        whole = f'"{last}, {at.value}"' if isinstance(last, str) else f'"…, {at.value}"'
        self._fault(
            "key_without_value", Phrase("{value!r} has no value: a comma ends a text in {{…}}", value=at.value), at, path,
            Phrase("quote it: {whole}", whole=whole),
        )  # fmt: skip


def _stays_text(path: Path) -> bool:
    if len(path) == 1:
        return path[0] in _TEXT_AT
    return len(path) == 2 and path[0] in _TEXT_IN


def _is_empty(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style and event.value == ""


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return [_copied(v) for v in value] if isinstance(value, list) else value
