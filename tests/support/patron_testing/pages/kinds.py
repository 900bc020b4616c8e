"""Kinds: one page for each kind of definition, made from its published JSON Schema. Out: docs/reference/kinds/.

Every key with what it holds, whether it must be there and what its schema says of it. What several kinds share is written
once, on shared.md, and linked. Maps within maps become tables of their own, named by the way to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from patron_engine.meta.kinds import KINDS, Kind, schema
from patron_testing.pages.source import escape

COMMON: Final = "urn:patron:schema:common#/$defs/"
OWN: Final = "#/$defs/"
_TYPES: Final = {
    "string": "text", "object": "map", "array": "list", "boolean": "true or false", "integer": "whole number",
    "number": "number", "null": "nothing",
}  # fmt: skip
_MADE: Final = "Made from `meta/schemas/{file}.json` by `python docs/generate.py`; do not edit by hand.\n"
_ABOUT: Final = """
A definition is a YAML document with a `kind`; a file may hold several, divided by `---`. The folder is where people keep a
kind; what a document is, `kind` alone decides. *For* says whether `for` and `priority` may stand on it; *personal* whether
a person may own one, outside of releases. `patron schema KIND` prints the JSON Schema for editors.

What several kinds share (names, texts, conditions, fields, steps of flows …) is on [its own page](shared.md).

| kind | what it is | folder | for | personal |
|---|---|---|---|---|
"""
_TABLE: Final = "\n| key | what it holds | required | meaning |\n|---|---|---|---|\n"
_WORDS: Final = 12  # words of an enumeration that stand in a table; the rest stands in `patron schema KIND`

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """File name -> text, of all pages of the folder."""
    return {
        "index.md": _index(),
        "shared.md": _shared(),
        **{f"{kind.name}.md": _Page(kind.name).of_kind(kind) for kind in KINDS.values()},
    }


def _index() -> str:
    lines = [
        "# Kinds of definitions\n\n",
        _MADE.format(file="*"),
        _ABOUT,
    ]
    for kind in KINDS.values():
        folder = f"`{kind.folder}/`" if kind.folder else "the top"
        about = escape(schema(kind.name)["description"])
        marks = " | ".join("yes" if mark else "" for mark in (kind.audience, kind.personal))
        lines.append(f"| [{kind.name}]({kind.name}.md) | {about} | {folder} | {marks} |\n")
    return "".join(lines)


def _shared() -> str:
    page = _Page("common")
    lines = [
        "# What kinds share\n\n", _MADE.format(file="common"), "\nThe pages of the [kinds](index.md) link here.\n",
    ]  # fmt: skip
    for name, part in schema("common")["$defs"].items():
        lines.append(f"\n## {name}\n\n{_sentence(part)}\n")
        lines += page.form(part)
        lines += page.tables(part, name)
    return "".join(lines)


def _sentence(part: Schema) -> str:
    said = part.get("description") or (
        part["title"][0].upper() + part["title"][1:] + "." if "title" in part else ""
    )
    return escape(said) or "One of the forms below."


class _Page:
    """One page: how a part of its schema is written, and the tables of the maps in it."""

    def __init__(self, file: str) -> None:
        self.file = file

    def of_kind(self, kind: Kind) -> str:
        whole = schema(kind.name)
        kept = f" Kept in `{kind.folder}/`." if kind.folder else ""
        lines = [f"# {kind.name}\n\n{escape(whole['description'])}{kept}\n\n", _MADE.format(file=kind.name)]
        lines += self.tables(whole, "")
        for name, part in whole.get("$defs", {}).items():
            lines.append(f"\n## {name}\n\n{_sentence(part)}\n")
            lines += self.form(part)
            lines += self.tables(part, name)
        return "".join(lines)

    def tables(self, part: Schema, way: str) -> Iterator[str]:
        """The table of a map's keys, what differs by its type, and the tables of the maps inside it."""
        inner: list[tuple[str, Schema]] = []
        for found_way, found in _maps(part, way):
            if found is not part:
                inner.append((found_way, found))
                continue
            yield _TABLE
            for key, value in found["properties"].items():
                must = "yes" if key in found.get("required", ()) else ""
                yield f"| `{key}` | {self.holds(value)} | {must} | {self._meaning(value)} |\n"
                inner += _maps(value, f"{way}.{key}" if way else key)
            yield from self._by_word(found)
        for found_way, found in inner:
            depth = "##" if found_way.count(".") == 0 else "###"
            heading = "" if found_way == way else f"\n{depth} {found_way}\n"
            yield f"{heading}\n{_sentence(found)}\n"
            yield from self.tables(found, found_way)

    def _meaning(self, part: Schema) -> str:
        """What its schema says of a key, or else what the shared part says that it is made of."""
        if "description" in part or "$ref" not in part:
            return escape(part.get("description", ""))
        name = part["$ref"].rpartition("/")[2]
        shared = schema(self.file if part["$ref"].startswith(OWN) else "common")["$defs"].get(name, {})
        return escape(shared.get("description", ""))

    def _by_word(self, part: Schema) -> Iterator[str]:
        """`if type is x then only these keys`: which keys which word takes."""
        rows = []
        for rule in part.get("allOf", ()):
            for key, test in rule.get("if", {}).get("properties", {}).items():
                words = test.get("enum") or [test.get("const")]
                then = rule.get("then", {})
                allowed = then.get("propertyNames", {}).get("enum")
                must = then.get("required", ())
                if allowed is not None or must:
                    rows.append((key, words, allowed, must))
        if not rows:
            return
        each = [set(allowed) for _, _, allowed, _ in rows if allowed is not None]
        everywhere = set.intersection(*each) if each else set()
        yield f"\n| `{rows[0][0]}` | keys of its own | required |\n|---|---|---|\n"
        for key, words, allowed, must in rows:
            own = [k for k in allowed or () if k not in everywhere and k != key]
            yield f"| {_ticked(words)} | {_ticked(own) or '-'} | {_ticked(must)} |\n"
        shared = [k for k in part.get("properties", {}) if k in everywhere]
        if shared:
            yield f"\nAll of them take {_ticked(shared)}.\n"

    def form(self, part: Schema) -> Iterator[str]:
        """How a shared part is written, where it is not a map with keys."""
        if "properties" in part:
            return
        said = self.holds(part, title=False)
        if said != "anything":
            yield f"\nWritten as: {said}."
            if part.get("pattern"):
                yield f" Pattern: `{part['pattern']}`."
            yield "\n"

    def holds(self, part: Schema, *, title: bool = True) -> str:
        """What a key holds, for a cell of a table."""
        if "$ref" in part:
            return self._link(part["$ref"])
        if title and "title" in part:
            return escape(part["title"])
        if "const" in part:
            return f"`{_word(part['const'])}`"
        if "enum" in part:
            words = [_word(w) for w in part["enum"]]
            return _ticked(words[:_WORDS]) + (f" … ({len(words)} words)" if len(words) > _WORDS else "")
        if "anyOf" in part:
            return " or ".join(dict.fromkeys(self.holds(p) for p in part["anyOf"]))
        kinds = part.get("type")
        if isinstance(kinds, list):
            return " or ".join(_TYPES[k] for k in kinds)
        if kinds == "array":
            return self._list(part)
        if kinds == "object":
            return self._map(part)
        return _TYPES.get(kinds or "", "anything") + _bounds(part)

    def _list(self, part: Schema) -> str:
        most = f", at most {part['maxItems']:,}" if "maxItems" in part else ""
        return f"list of {self.holds(part['items']) if 'items' in part else 'anything'}{most}"

    def _map(self, part: Schema) -> str:
        more = part.get("additionalProperties")
        if "properties" in part or not isinstance(more, Mapping):
            return "map, see below" if "properties" in part else "map"
        keys = self.holds(part["propertyNames"]) if "propertyNames" in part else "text"
        return f"map of {keys} to {self.holds(more)}"

    def _link(self, ref: str) -> str:
        name = ref.rpartition("/")[2]
        here = ref.startswith(OWN)
        return f"[{name}]({'' if here else 'shared.md'}#{name})"


def _maps(part: Schema, way: str) -> Iterator[tuple[str, Schema]]:
    """The maps with keys of their own a part can be: itself, items of its list, values of its map, its branches."""
    if "properties" in part:
        yield way, part
        return
    if "items" in part:
        yield from _maps(part["items"], f"{way}[]")
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from _maps(part["additionalProperties"], f"{way}.*")
    for branch in part.get("anyOf", ()):
        yield from _maps(branch, way)


def _bounds(part: Schema) -> str:
    low, high, longest = part.get("minimum"), part.get("maximum"), part.get("maxLength")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    if low is not None or high is not None:
        return f", {low:,} or more" if low is not None else f", {high:,} at most"
    return f", {longest:,} characters at most" if longest is not None else ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _ticked(words: Sequence[str]) -> str:
    return " ".join(f"`{_word(w)}`" for w in words)
