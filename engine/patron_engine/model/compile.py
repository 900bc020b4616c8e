"""Compile: effective documents -> a Model, or every problem of every kind at once.

    documents ──sketch──▶ objects without expressions ──type──▶ formulas typed, in the order they need
        ──compile──▶ every expression of every kind ──check──▶ names, values, objects ──assemble──▶ Model

In: the folded layers, the physical names known, the number the release will have. Out: the model and problems (warnings
too); no model when there are errors. Pure: no database, no clock. The same documents give the same model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies

from patron_engine.expr.types import TEXT, ExprType
from patron_engine.fields.base import Around
from patron_engine.fields.registry import TYPES
from patron_engine.fields.vault import Vault
from patron_engine.jsonio import checksum
from patron_engine.meta.document import path_text
from patron_engine.meta.layers import Effective, EffectiveDocument
from patron_engine.meta.reference import References
from patron_engine.model import limits
from patron_engine.model.assemble import Assembly
from patron_engine.model.cache import EXPRESSIONS, REFERENCES, ExpressionCache, uncollected
from patron_engine.model.catalog import SketchCatalog
from patron_engine.model.checks import ObjectChecks
from patron_engine.model.data import check_data
from patron_engine.model.expressions import Expressions
from patron_engine.model.layouts import check_layout, check_map, check_webform
from patron_engine.model.model import Model, Segment, Setting, Workspace
from patron_engine.model.names import Names
from patron_engine.model.physical import PhysicalNames
from patron_engine.model.sketch import FieldSketch, Sketch, zone_of
from patron_engine.model.sketching import sketch
from patron_engine.model.storing import Storing
from patron_engine.model.unkept import check_kept
from patron_engine.model.values import check_values, read_literal
from patron_engine.model.wanted import wanted
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems, beyond, nearest

Key = tuple[str, str]
WEEK_DAYS: Final = ("monday", "sunday", "saturday")


def compile_model(
    effective: Effective,
    physical: PhysicalNames,
    release: int,
    *,
    vault: Vault | None = None,
    cache: ExpressionCache = EXPRESSIONS,
    earlier: Iterable[Problem] = (),
    unread: frozenset[Key] = frozenset(),
) -> tuple[Model | None, tuple[Problem, ...]]:
    """The model of `effective`, or None with its problems. `model.physical` has the names it was compiled with, new ones
    included; `vault` is what encrypted fields are sealed with; `earlier` is what the documents
    by themselves were found to be: with an error among it there is no model, and of what it tells nothing more is told.
    `unread` are documents that stand in the author's files and could not be read: naming them is no problem."""
    with uncollected():
        before = tuple(earlier)
        try:
            model, problems = _compile(effective, physical, release, vault, cache, before, unread)
        except (TypeError, KeyError, ValueError, AttributeError, IndexError):
            if not any(problem.level == "error" for problem in before):
                raise
            return None, ()  # it stumbled over a shape that has been told already
        return model, tuple(beyond(before, problems))


def _compile(
    effective: Effective,
    physical: PhysicalNames,
    release: int,
    vault: Vault | None,
    cache: ExpressionCache,
    earlier: tuple[Problem, ...],
    unread: frozenset[Key],
) -> tuple[Model | None, tuple[Problem, ...]]:
    problems = Problems()
    documents = effective.documents
    if len(documents) > limits.DOCUMENTS:
        problems.add(
            "limit_documents",
            Phrase(
                "{count} documents, a workspace has at most {most}",
                count=len(documents),
                most=limits.DOCUMENTS,
            ),
        )
    uses = {key: REFERENCES.of(d) for key, d in documents.items()}
    made = sketch(documents, problems)
    settings = {name: _setting_field(made, d) for (kind, name), d in documents.items() if kind == "setting"}
    segments = {name: str(d.body.get("object")) for (kind, name), d in documents.items() if kind == "segment"}
    catalog = SketchCatalog(made, {n: f.expr or TEXT for n, f in settings.items()}, segments)
    expressions = Expressions(made, catalog, uses, cache, problems)
    expressions.type_formulas()
    expressions.compile_rest()
    storing = Storing(expressions)
    _check(effective, expressions, storing, uses, settings, Names(expressions, problems, unread))
    if problems.errors or any(p.level == "error" for p in earlier):
        return None, tuple(problems)
    names = physical.settle(wanted(expressions, storing), release)
    assembly = Assembly(expressions, storing, names, vault, problems)
    feeds = assembly.feeds()
    model = Model(
        release=release,
        workspace=workspace_of(documents),
        objects=MappingProxyType(
            {o.name: assembly.object(o, feeds.get(o.name, ())) for o in made.objects.values()}
        ),
        settings=MappingProxyType({n: _setting(f, documents["setting", n]) for n, f in settings.items()}),
        segments=MappingProxyType(dict(_segments(documents, expressions))),
        documents=MappingProxyType({key: d.body for key, d in documents.items()}),
        expressions=MappingProxyType(
            {
                (kind, name, path_text(documents[kind, name].body, path)): e
                for (kind, name, path), e in expressions.found.items()
            }
        ),
        object_aliases=MappingProxyType(dict(made.object_aliases)),
        fingerprint=checksum([[kind, name, d.body] for (kind, name), d in sorted(documents.items())]),
        physical=names,
    )
    return model, tuple(problems)


def _check(
    effective: Effective, expressions: Expressions, storing: Storing, uses: Mapping[Key, References],
    settings: Mapping[str, FieldSketch], names: Names,
) -> None:  # fmt: skip
    documents, made, problems = effective.documents, expressions.sketch, names.problems
    for key, found in uses.items():
        names.check(documents[key], found.names)
        check_values(documents[key], found.values, expressions, problems)
    for fields in storing.circles():
        if (fields[0].object, fields[0].name) not in expressions.cyclic:
            chain = [f"{f.object}.{f.name}" for f in fields]
            document = made.objects[fields[0].object].document
            problems.add("formula_cycle", Phrase("these need each other: {value}", value=' → '.join([*chain, chain[0]])),
                         hint="take one of them out of the circle", **document.where(fields[0].path))  # fmt: skip
    storing.decide_all()
    stored = storing.has_column()
    for one in made.objects.values():
        ObjectChecks(one, expressions, stored, problems).run()
        _computable(one.fields.values(), made, expressions, storing, problems)
    for (kind, _), document in documents.items():
        if kind == "layout":
            check_layout(document, made, problems)
        elif kind == "view":
            check_map(document, made, problems)
        elif kind == "webform":
            check_webform(document, made, problems)
        elif kind == "workspace":
            _check_workspace(document, problems)
        else:
            check_kept(kind, document, made, problems)
    check_data(made, problems)
    for name, f in settings.items():
        raw = documents["setting", name].body.get("default")
        if (
            raw is not None
            and not (isinstance(raw, str) and raw.startswith("="))
            and f.type.family not in ("link", "people")
        ):
            read_literal(documents["setting", name], ("default",), raw, f, problems)


def _computable(
    fields: Any, made: Sketch, expressions: Expressions, storing: Storing, problems: Problems
) -> None:
    """A formula that is not kept is worked out by queries: everything in it must have an SQL side."""
    for f in fields:
        if f.type.name == "formula" and not storing.decide(f).stored:
            expression = storing.expression(f, "expression")
            if (
                expression is not None
                and expression.no_sql
                and (f.object, f.name) not in expressions.cyclic
                and expression.type.kind != "range"
            ):
                problems.add(
                    "formula_no_sql",
                    Phrase("{f} is not kept ({value}), and {no_sql} cannot be worked out in a query", f=f.name, value=storing.decide(f).why.partition(': ')[2], no_sql=expression.no_sql),
                    hint="write `stored: true`: it is then kept and refreshed", **made.objects[f.object].document.where((*f.path, "expression")),
                )  # fmt: skip


def _check_workspace(document: EffectiveDocument, problems: Problems) -> None:
    body = document.body
    currency = body.get("currency")
    if currency is not None and currency not in list_currencies():
        problems.add("unknown_currency", Phrase("{currency!r} is no currency code", currency=currency), hint=nearest(str(currency), list_currencies()) or "ISO 4217, for example CNY",
                     **document.where(("currency",)))  # fmt: skip
    zone = body.get("zone")
    if isinstance(zone, str):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            problems.add(
                "unknown_zone",
                Phrase("{zone!r} is no time zone", zone=zone),
                hint="for example Asia/Shanghai",
                **document.where(("zone",)),
            )


def _setting_field(made: Sketch, document: EffectiveDocument) -> FieldSketch:
    """A setting is typed like a field."""
    body = document.body
    type = TYPES.get(str(body.get("type")), TYPES["text"])
    spec = type.spec(
        body, Around(currency=workspace_of(made.documents).currency, option_sets=made.option_sets)
    )
    expr: ExprType = type.expr_type(spec)
    return FieldSketch(
        object="setting",
        name=document.name,
        definition=body,
        path=(),
        type=type,
        spec=spec,
        expr=expr,
        system=False,
        aliases=(),
    )


def _setting(f: FieldSketch, document: EffectiveDocument) -> Setting:
    raw = document.body.get("default")
    is_record = f.type.family in ("link", "people") or (isinstance(raw, str) and raw.startswith("="))
    default = None if raw is None or is_record else read_literal(document, ("default",), raw, f, Problems())
    return Setting(
        name=document.name,
        type=f.expr or TEXT,
        default=default,
        per=document.body.get("per") or "workspace",
        field_type=f.type.name,
        spec=f.spec,
    )


def _segments(documents: Mapping[Key, EffectiveDocument], expressions: Expressions) -> Any:
    for (kind, name), document in documents.items():
        where = expressions.found.get(("segment", name, ("where",))) if kind == "segment" else None
        if where is not None:
            object = expressions.sketch.object(document.body.get("object"))
            yield (
                name,
                Segment(
                    name=name,
                    object=object.name if object else "",
                    where=where,
                    refresh=document.body.get("refresh"),
                ),
            )


def workspace_of(documents: Mapping[Key, Any]) -> Workspace:
    """What the `workspace` document among effective ones says."""
    body: Mapping[str, Any] = next((d.body for (kind, _), d in documents.items() if kind == "workspace"), {})
    week = body.get("week_from")
    return Workspace(
        zone=zone_of(body),
        currency=str(body.get("currency") or "CNY"),
        languages=tuple(body.get("languages") or ("zh-CN", "en")),
        fiscal_year_from=int(body.get("fiscal_year_from") or 1),
        week_from=week if week in WEEK_DAYS else "monday",
        calendar=body.get("calendar"),
        second_factor=frozenset(body.get("second_factor") or ()),
    )
