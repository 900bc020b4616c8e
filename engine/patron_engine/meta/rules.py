"""Rules: what a schema cannot say about one document, and holds for every kind.

In: a Document whose schema may have failed already (nothing here trusts a type). Out: Problems. Names that are
reserved or stand twice, cases that can never be reached, people said twice, expressions where no `=` belongs.
What holds for one kind only is in rules_of.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from patron_engine.meta.document import Document, Path, element_name, former_names
from patron_engine.meta.rules_of import RULES_OF
from patron_engine.names import EXPRESSION_WORDS, FLOW_WORDS, ROOT_WORDS, name_fault
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems

# Values of records, not parts of the definition: what stands below is not looked at.
OPAQUE: Final = frozenset(
    {"set", "values", "default", "body", "headers", "query", "create", "back", "settings"}
)
CONDITIONS: Final = frozenset(
    [
        "when",
        "where",
        "expression",
        "stop_when",
        "start_when",
        "done_when",
        "pause_when",
        "takes",
        "exempt_when",
        "counts_when",
        "while",
    ]
)
PEOPLE: Final = frozenset(["who", "to", "managers", "members", "owned_by", "transfer", "from"])
WHO_WORDS: Final = frozenset(
    [
        "user",
        "role",
        "department",
        "department_head",
        "position",
        "group",
        "manager",
        "managers_up_to",
        "field",
        "head_of",
        "submitter",
        "owner",
        "followers",
        "chosen_by",
        "approvers_of",
        "expression",
        "queue",
    ]
)
WHO_MORE: Final = frozenset(["below", "where", "from", "each"])
_ALWAYS_RESERVED: Final = frozenset(
    ["id", "created_at", "created_by", "updated_at", "updated_by", "version", "record_type", "deleted_at"]
)
_FREE_LISTS: Final = frozenset(
    {"synonyms", "languages", "industries", "accept", "buckets", "run_as_system", "call"}
)


def check_rules(document: Document) -> list[Problem]:
    """All problems of the document that its schema does not see."""
    found = Problems()
    for path, value in _structure(document):
        if isinstance(value, list):
            _names_twice(document, path, value, found)
            _cases(document, path, value, found)
        elif isinstance(value, Mapping):
            _element_name(document, path, value, found)
            _people(document, path, value, found)
        elif isinstance(value, str) and path and path[-1] in CONDITIONS and value.startswith("="):
            found.add(
                "expression_sign",
                Phrase("`{path}` is an expression as it stands: no = before it", path=path[-1]),
                hint=Phrase("write {strip!r}", strip=value[1:].strip()),
                **document.where(path),
            )
    _reserved(document, found)
    for rule in RULES_OF.get(document.kind, ()):
        rule(document, found)
    return list(found)


def _structure(document: Document) -> Iterator[tuple[Path, Any]]:
    """Every part that belongs to the definition, not to values of records."""
    skipped = OPAQUE | ({"records"} if document.kind == "data" else set())

    def visit(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        yield path, value
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if key not in skipped:
                    yield from visit(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from visit(inner, (*path, index))

    if document.kind == "change":  # its keys are paths: only what it adds is looked at
        added = document.body.get("add")
        for key, items in added.items() if isinstance(added, Mapping) else ():
            yield from visit(items, ("add", key))
    else:
        yield from visit(document.body, ())


def _element_name(document: Document, path: Path, value: Mapping[str, Any], found: Problems) -> None:
    names = [value.get("name"), *former_names(value)]
    for key, name in zip(("name", *["was"] * (len(names) - 1)), names, strict=True):
        if isinstance(name, str) and ("__" in name or name.endswith("_")):
            fault = name_fault(name)
            if fault and not (document.kind == "check" and path):
                found.add(
                    "bad_name",
                    Phrase("{name!r} is not a name: {fault}", name=name, fault=fault),
                    **document.where((*path, key)),
                )


def _names_twice(document: Document, path: Path, items: list[Any], found: Problems) -> None:
    if not path or path[-1] in _FREE_LISTS:
        return
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        plain = isinstance(item, str)
        name = item if plain else item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            first = document.line((*path, seen[name]))
            found.add(
                "duplicate_name",
                Phrase("{name!r} stands twice in this list, first in line {first}", name=name, first=first)
                if first
                else Phrase("{name!r} stands twice in this list", name=name),
                hint="leave one out" if plain else "give one of them another name",
                **document.where((*path, index)),
            )
        seen.setdefault(name, index)
    _old_names(document, path, items, seen, found)


def _old_names(
    document: Document, path: Path, items: list[Any], seen: Mapping[str, int], found: Problems
) -> None:
    taken: dict[str, str] = {}
    for index, item in enumerate(items):
        for old in former_names(item) if isinstance(item, Mapping) else ():
            other = taken.get(old) or (old if old in seen else None)
            if other is not None:
                found.add(
                    "name_taken",
                    Phrase(
                        "{old!r} was the name of {item!r} and stays its alias; {other!r} cannot have it too",
                        old=old,
                        item=element_name(item),
                        other=other,
                    ),
                    hint="choose another name for the newer one",
                    **document.where((*path, index, "was")),
                )
            taken[old] = element_name(item) or old


def _cases(document: Document, path: Path, items: list[Any], found: Problems) -> None:
    """Of cases the first that fits wins, so only the last may have no `when`."""
    ordered = (document.kind, path[-1] if path else None) in {("pool", "return"), ("assignment", "rules")}
    if not path or (path[-1] != "cases" and not ordered):
        return
    if document.kind == "approval" and _at(document.body, path[:-1]).get("type") in ("parallel", "inclusive"):
        return
    for index, item in enumerate(items[:-1]):
        if isinstance(item, Mapping) and "when" not in item:
            found.add(
                "case_never_reached",
                Phrase(
                    "{item!r} has no `when`: what stands after it is never reached", item=element_name(item)
                ),
                hint="give it a `when`, or put it last",
                **document.where((*path, index)),
            )
    if path[-1] == "cases" and items and isinstance(items[-1], Mapping) and "when" in items[-1]:
        found.add(
            "no_last_case",
            Phrase(
                "the last case {items!r} has a `when`: where none fits, nothing is done",
                items=element_name(items[-1]),
            ),
            hint="add a last case without `when`",
            level="warning",
            **document.where((*path, len(items) - 1)),
        )


def _at(body: Any, path: Path) -> Mapping[str, Any]:
    for step in path:
        body = body[step]
    return body if isinstance(body, Mapping) else {}


def _people(document: Document, path: Path, value: Mapping[str, Any], found: Problems) -> None:
    """`who` says one thing: `{role: finance}`; `where`, `below` and `from` only narrow it."""
    key = next((step for step in reversed(path) if isinstance(step, str)), None)
    if key not in PEOPLE or not value or not set(value) <= WHO_WORDS | WHO_MORE:
        return
    words = [word for word in value if word in WHO_WORDS]
    if not words:
        found.add(
            "people_missing", "it says nobody: only how to narrow them", hint="say whom: role, user, department, field …",
            **document.where(path),
        )  # fmt: skip
    elif len(words) > 1:
        found.add(
            "people_twice",
            Phrase("{words} stand together; one word says whom", words=" and ".join(words)),
            hint="write a list: [{…}, {…}] is all of them",
            **document.where((*path, words[1])),
        )
    for more, needs in (("each", "field"), ("from", "chosen_by")):
        if more in value and needs not in value:
            found.add(
                "missing_key",
                Phrase("`{more}` needs `{needs}` beside it", more=more, needs=needs),
                **document.where((*path, more)),
            )


def _reserved(document: Document, found: Problems) -> None:
    body = document.body
    if document.kind == "object":
        fields, system = body.get("fields"), _system_names(body)
        _reserved_fields(document, ("fields",), fields, system, found)
    elif document.kind == "change" and document.name.startswith("object/"):
        added = body.get("add")
        fields = added.get("fields") if isinstance(added, Mapping) else None
        _reserved_fields(document, ("add", "fields"), fields, _ALWAYS_RESERVED, found)
    elif document.kind == "report":
        _reserved_fields(document, ("parameters",), body.get("parameters"), _ALWAYS_RESERVED, found)


def _system_names(body: Mapping[str, Any]) -> frozenset[str]:
    """Columns every record of this object has by itself."""
    names = set(_ALWAYS_RESERVED)
    if body.get("owner") != "none":
        names |= {"owner", "department", "queue"}
    if body.get("currency") == "record":
        names.add("currency")
    features = body.get("features")
    if isinstance(features, list) and "void" in features:
        names.add("voided_at")
    return frozenset(names)


def _reserved_fields(
    document: Document, path: Path, fields: Any, system: frozenset[str], found: Problems
) -> None:
    for index, field in enumerate(fields if isinstance(fields, list) else ()):
        if not isinstance(field, Mapping):
            continue
        link = field.get("type") in ("lookup", "master", "user", "department")
        _reserved_name(document, (*path, index, "name"), field.get("name"), system, link, found)
        reverse = field.get("reverse")
        name = reverse.get("name") if isinstance(reverse, Mapping) else reverse
        _reserved_name(document, (*path, index, "reverse"), name, _ALWAYS_RESERVED, True, found)


def _reserved_name(
    document: Document, path: Path, name: Any, system: frozenset[str], link: bool, found: Problems
) -> None:
    if not isinstance(name, str):
        return
    why = (
        "every record has it by itself"
        if name in system
        else "expressions use the word"
        if name in ROOT_WORDS | EXPRESSION_WORDS
        else "approvals, paths, clocks and pools show themselves under it"
        if link and name in FLOW_WORDS
        else None
    )
    if why:
        found.add(
            "reserved_name",
            Phrase("{name!r} is reserved: {why}", name=name, why=why),
            hint=Phrase("try {name}_value", name=name),
            **document.where(path),
        )
