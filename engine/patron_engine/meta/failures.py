"""Failures: what a JSON Schema says is wrong, as sentences an author understands.

In: one failure of jsonschema. Out: findings: code, message, hint, path. A failure of `anyOf` becomes the failures of
the branch the author meant, so that one mistake is told once and where it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from patron_engine.meta.document import Path
from patron_engine.meta.hints import of_field_type, of_language, of_name
from patron_engine.phrases import Either, Phrase
from patron_engine.problems import nearest

_EVERYWHERE = frozenset(
    ["name", "type", "do", "event", "label", "help", "was", "when", "required", "readonly", "visible", "default", "unique", "indexed", "sensitive", "personal", "encrypted", "deprecated", "public", "kind", "description", "needs", "for", "priority"]
)  # fmt: skip
Finding = tuple[str, str, str | None, Path]  # code, message, hint, path
What = str | Either  # what is asked for, or which of several


def explain(failure: Any, above: Path = ()) -> Iterable[Finding]:
    path = (*above, *failure.path)
    say = _EXPLAIN.get(failure.validator)
    if say is None:
        return [("not_allowed", str(failure.message), None, path)]
    return say(failure, path)


def _extra_keys(failure: Any, path: Path) -> Iterable[Finding]:
    allowed = list(failure.schema.get("properties", {}))
    patterns = [re.compile(p) for p in failure.schema.get("patternProperties", {})]
    if not isinstance(failure.instance, Mapping) or failure.validator_value is not False:
        return
    for key in failure.instance:
        if key not in allowed and not any(p.search(key) for p in patterns):
            hint = nearest(key, allowed) or Phrase("keys here are {allowed}", allowed=_several(allowed))
            if failure.instance[key] is None:
                hint = Phrase("{hint}; where a comma of a text made this key, quote the text", hint=hint)
            yield "unknown_key", Phrase("there is no key {key!r} here", key=key), hint, (*path, key)


def _several(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 15 else ", ".join(names[:15]) + " …"


def _bad_key(failure: Any, path: Path) -> Iterable[Finding]:
    """A key that a propertyNames schema refuses: the key itself is the instance."""
    key = failure.instance
    title = Phrase(failure.schema.get("title") or "a key that may stand here")
    if title == "a language code":
        yield (
            "unknown_language",
            Phrase("{key!r} is no language code", key=key),
            of_language(str(key)),
            (*path, key),
        )
    elif failure.validator == "enum":
        own = [k for k in failure.validator_value if k not in _EVERYWHERE]
        hint = nearest(str(key), failure.validator_value) or Phrase(
            "its own keys are {own}", own=list(own) or "none"
        )
        yield "key_not_here", Phrase("{key!r} is not {title}", key=key, title=title), hint, (*path, key)
    else:
        yield (
            "bad_name",
            Phrase("the key {key!r} is not {title}", key=key, title=title),
            of_name(str(key)),
            (*path, key),
        )


def _missing(failure: Any, path: Path) -> Iterable[Finding]:
    for key in failure.validator_value:
        if isinstance(failure.instance, Mapping) and key not in failure.instance:
            about = failure.schema.get("properties", {}).get(key, {}).get("description")
            yield (
                "missing_key",
                Phrase("the key {key!r} is missing", key=key),
                Phrase("write {key}: …  {about}", key=key, about=about)
                if about
                else Phrase("write {key}: …", key=key),
                path,
            )


def _wrong_type(failure: Any, path: Path) -> Iterable[Finding]:
    wanted = (
        failure.validator_value if isinstance(failure.validator_value, list) else [failure.validator_value]
    )
    what: What = _titled(failure) or Either(_TYPES[t] for t in wanted)
    yield _not(failure.instance, what, path, text="string" in wanted, listed="array" in wanted)


def _not(value: Any, what: What, path: Path, *, text: bool = False, listed: bool = False) -> Finding:
    hint = None
    if value is None:
        hint = "it is empty: leave the key out, or quote the text"
    elif text and isinstance(value, bool | int | Decimal):
        hint = Phrase('quote it: "{value}"', value=_shown(value))
    elif text and isinstance(value, list):
        hint = "quote a text that begins with ["
    elif text and isinstance(value, Mapping):
        hint = "quote a text that holds ': ' or begins with {"
    elif listed:
        hint = "write it as a list: [ … ]"
    elif value in ("True", "False", "yes", "no", "on", "off", "Yes", "No"):
        hint = "write true or false"
    return "wrong_type", Phrase("{value} is not {what}", value=_shown(value), what=what), hint, path


def _pattern(failure: Any, path: Path) -> Iterable[Finding]:
    value, title = failure.instance, _titled(failure) or Phrase("of the right form")
    if title.startswith("a name:"):
        return [("bad_name", Phrase("{value!r} is not a name", value=value), of_name(value) or title, path)]
    if title.startswith("a duration"):
        return [
            (
                "bad_duration",
                Phrase("{value!r} is not {title}", value=value, title=title),
                _duration_hint(value),
                path,
            )
        ]
    return [("bad_form", Phrase("{value!r} is not {title}", value=value, title=title), None, path)]


def _duration_hint(value: str) -> str | None:
    unit = re.sub(r"[^a-z_]", "", value.lower())
    units = ["minutes", "hours", "work_hours", "days", "workdays", "weeks", "months"]
    return nearest(unit, units) or Phrase("units are {units}, after a number and one space", units=units)


def _word(failure: Any, path: Path) -> Iterable[Finding]:
    words = [failure.validator_value] if failure.validator == "const" else list(failure.validator_value)
    shown = [_shown(w) for w in words]
    if failure.instance is None or not isinstance(failure.instance, str):
        return [_not(failure.instance, Phrase("one of {shown}", shown=shown), path, text=True)]
    hint = of_field_type(failure.instance) if path and path[-1] == "type" and "auto_number" in words else None
    hint = hint or nearest(failure.instance, [w for w in words if isinstance(w, str)])
    more = f"{', '.join(shown[:30])} …" if len(shown) > 30 else ", ".join(shown)
    return [
        (
            "unknown_word",
            Phrase("{instance!r} is not one of {more}", instance=failure.instance, more=more),
            hint,
            path,
        )
    ]


def _size(failure: Any, path: Path) -> Iterable[Finding]:
    limit, bound = failure.validator_value, failure.validator
    if bound == "minLength" or (bound in ("minItems", "minProperties") and limit == 1):
        return [("empty", "it is empty", "leave the key out, or fill it", path)]
    words = {
        "minimum": Phrase("{value} is less than {limit}", value=_shown(failure.instance), limit=limit),
        "maximum": Phrase("{value} is more than {limit}", value=_shown(failure.instance), limit=limit),
        "minItems": Phrase("there must be {limit} at least", limit=limit),
        "maxItems": Phrase(
            "there may be {limit:,} at most, here are {count:,}", limit=limit, count=len(failure.instance)
        )
        if bound == "maxItems"
        else "",
        "maxLength": Phrase("it is longer than {limit:,} characters", limit=limit),
        "minProperties": Phrase("{limit} keys must be there at least", limit=limit),
        "maxProperties": Phrase("{limit} keys may be there at most", limit=limit)
        if limit > 1
        else Phrase("1 key may be there at most"),
    }
    listed = next((step for step in reversed(path) if isinstance(step, str)), "items")
    codes = {"minimum": "out_of_range", "maximum": "out_of_range", "maxItems": f"too_many_{listed}",
             "maxLength": "text_too_long", "maxProperties": "too_many_keys"}  # fmt: skip
    code = codes.get(bound, "too_few")
    return [(code, words[bound], None, path)]


def _branches(failure: Any, path: Path) -> Iterable[Finding]:
    """anyOf: of a map or a list, the branch the author meant is the one of that type with the fewest failures."""
    branches: dict[int, list[Any]] = {}
    for inner in failure.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    nested = isinstance(failure.instance, Mapping | list)
    wrong = ("type", "enum", "const") if nested else ("type",)
    meant = [b for b in branches.values() if not any(_itself(i) and i.validator in wrong for i in b)]
    if nested and meant:
        for inner in min(meant, key=_weight):
            yield from explain(inner, path)
    elif len(meant) == 1:
        for inner in meant[0]:
            yield from explain(inner, path)
    else:
        yield _none_of(failure, list(branches.values()), path)


def _itself(failure: Any) -> bool:
    """It is about the value, not about a part or a key of it."""
    return not failure.path and "propertyNames" not in failure.relative_schema_path


def _none_of(failure: Any, branches: list[list[Any]], path: Path) -> Finding:
    """A scalar that fits no branch: one sentence that lists what would."""
    value, words = failure.instance, [w for b in branches for i in b for w in _words(i)]
    whats = [repr(w) for w in words] + [w for b in branches for w in _wanted(b)]
    what: What = _titled(failure) or Either(dict.fromkeys(whats))
    text = any(
        i.validator in ("pattern", "enum") or i.validator_value == "string" for b in branches for i in b
    )
    if not isinstance(value, str):
        return _not(value, what, path, text=text)
    if isinstance(what, str) and what.startswith("a duration"):
        return (
            "bad_duration",
            Phrase("{value!r} is not {what}", value=value, what=what),
            _duration_hint(value),
            path,
        )
    if words:
        return (
            "unknown_word",
            Phrase("{value!r} is not {what}", value=value, what=what),
            nearest(value, words),
            path,
        )
    return "bad_form", Phrase("{value!r} is not {what}", value=value, what=what), None, path


def _titled(failure: Any) -> str | None:
    """What the schema calls such a value."""
    return Phrase(failure.schema["title"]) if failure.schema.get("title") else None


def _words(failure: Any) -> list[str]:
    values = [failure.validator_value] if failure.validator == "const" else failure.validator_value
    return [v for v in values if isinstance(v, str)] if failure.validator in ("enum", "const") else []


def _weight(branch: list[Any]) -> tuple[int, int]:
    keys = sum(
        i.validator in ("required", "additionalProperties", "propertyNames") and not i.path for i in branch
    )
    return keys, len(branch)


def _wanted(branch: list[Any]) -> list[str]:
    found: list[str] = []
    for inner in branch:
        if inner.validator == "type":
            kinds = (
                inner.validator_value if isinstance(inner.validator_value, list) else [inner.validator_value]
            )
            titled = _titled(inner)
            found += [titled] if titled else [_TYPES[t] for t in kinds]
        elif inner.validator in ("pattern", "minLength"):
            found.append(_titled(inner) or _TYPES["string"])
    return found


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value) if len(value) < 60 else repr(value[:57] + "…")
    return _TYPES["array"] if isinstance(value, list) else _TYPES["object"] if isinstance(value, Mapping) else str(value)  # fmt: skip


_TYPES = {
    "string": Phrase("a text"), "object": Phrase("a map"), "array": Phrase("a list"), "boolean": Phrase("true or false"),
    "integer": Phrase("a whole number"), "number": Phrase("a number"), "null": "null",
}  # fmt: skip


def _key_or_form(
    say: Callable[[Any, Path], Iterable[Finding]],
) -> Callable[[Any, Path], Iterable[Finding]]:
    """A failure under propertyNames is about a key, wherever in that schema it arose."""

    def chosen(failure: Any, path: Path) -> Iterable[Finding]:
        about_key = "propertyNames" in failure.relative_schema_path
        return _bad_key(failure, path) if about_key else say(failure, path)

    return chosen


_EXPLAIN: dict[str, Callable[[Any, Path], Iterable[Finding]]] = {
    "additionalProperties": _extra_keys,
    "required": _missing,
    "type": _wrong_type,
    "pattern": _key_or_form(_pattern),
    "enum": _key_or_form(_word),
    "const": _key_or_form(_word),
    "anyOf": _branches,
    **dict.fromkeys(
        ("minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), _size
    ),
}  # fmt: skip
