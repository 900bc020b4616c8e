"""Form page: an open form drawn: at first, with what is wrong in it, with what somebody else changed meanwhile.

In: a visitor, a FormTree and what a save said. Out: the page (or the dialog), status 200 or 422. Knows nothing of saving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from jinja2 import TemplateNotFound
from starlette.responses import Response

from patron_engine.fields.field import Field
from patron_engine.page.form_tree import FormSection, FormTree
from patron_engine.page.inputs import Input
from patron_engine.page.reader import Reader
from patron_engine.page.show import numeric, shown
from patron_engine.query.call import Call
from patron_platform.web.form_stale import Stale
from patron_platform.web.render import environment, page, part, partial_wanted
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of sending the form. `warnings` are asked about; `confirm` names their rules; `stale` both values."""

    status: int = 200
    warnings: Sequence[tuple[str, str]] = ()  # input, text
    confirm: str = ""
    stale: Stale | None = None
    version: int | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Where the form stands: its addresses, whether in a dialog, where it goes on to. `loose` is what it sends besides,
    `once` tells it from every other form; `title` and `send` where the form is not simply that of a record."""

    address: str
    preview: str
    back: str
    next: str = ""
    dialog: bool = False
    inline: bool = False  # one field, for a script in its place on the record's page
    loose: Sequence[tuple[str, str]] = field(default=())
    once: str = ""
    title: str = ""
    send: str = ""


def draw_form(visitor: Visitor, call: Call, tree: FormTree, around: Around, said: Said) -> Response:
    """The form as a page, or as a part for a dialog."""
    reader = visitor.reader(call)
    t = texts_in(visitor.languages[0])
    name = reader.say(tree.object.label, tree.object.name)
    kind = tree.object.record_types.get(tree.record_type or "")
    values: dict[str, Any] = {
        **drawing(),
        "tree": tree,
        "send": around.send,
        "title": around.title
        or ((tree.title or t("forms.edit_of", name=name)) if tree.id else t("forms.new_of", name=name)),
        "type_label": reader.say(kind.label, kind.name) if kind else "",
        "address": around.address,
        "preview": around.preview,
        "back": around.back,
        "next": around.next,
        "dialog": around.dialog,
        "loose": around.loose,
        "once": around.once,
        "version": said.version if said.version is not None else tree.version,
        "summary": _summary(tree, around, t) if said.status != 200 and not said.warnings else [],
        "warnings": _named(tree, said.warnings, t),
        "confirm": said.confirm,
        "stale": _stale(tree, reader, said.stale) if said.stale is not None else None,
        "similar": tree.similar,
        "dirty": said.dirty,
    }
    if around.dialog:
        values["tree"] = brief(tree)
        return part(visitor, call, "form_dialog.html", status=said.status, **values)
    if around.inline and partial_wanted(visitor.request):
        return part(visitor, call, "form_inline.html", status=said.status, **values)
    return page(visitor, call, "form.html", here=tree.object.name, status=said.status, **values)


def drawing() -> Mapping[str, Any]:
    """What the macros of a form need to be drawn."""
    return {"widget_file": widget_file, "widget_macro": widget_macro, "is_number": is_number}


def brief(tree: FormTree) -> FormTree:
    """The few inputs a dialog asks for: what is required, the title, what was filled in or is wrong."""
    asked = tuple(
        i for s in tree.sections for i in s.inputs
        if i.visible and not i.readonly and (i.required or i.problems or i.field.name == tree.object.title)
    )  # fmt: skip
    first = next((s for s in tree.sections if s.inputs), None)
    few = asked or (first.inputs[:3] if first else ())
    return replace(
        tree, tabs=(), sections=(FormSection(name="few", label="", help="", columns=1, inputs=few),)
    )


@cache
def widget_file(name: str) -> str:
    """The template with the macro of a widget; that of a text where there is none."""
    found = f"widgets/{name}.html"
    try:
        environment().get_template(found)
    except TemplateNotFound:
        return "widgets/text.html"
    return found


def widget_macro(name: str) -> str:
    return widget_file(name).removeprefix("widgets/").removesuffix(".html")


def is_number(of: Field) -> bool:
    """Whether its values stand at the right of a column."""
    return numeric(str(of.extra.get("value_type") or of.type))


def summary_of(tree: FormTree, t: Texts) -> list[dict[str, str]]:
    """Everything that is wrong, each with the input it is about; of a row, with which it is."""
    found = [{"id": "", "label": "", "text": text} for text in tree.problems]
    for id, label, problems in _places(tree, t).values():
        found.extend(
            {"id": id, "label": label, "text": text if id or not label else f"{label}: {text}"}
            for text in problems
        )
    return found


def _places(tree: FormTree, t: Texts) -> dict[str, tuple[str, str, Sequence[str]]]:
    """Where something can be wrong: an input, or a row as a whole -> the id to go to, what it is called, what is wrong."""
    found: dict[str, tuple[str, str, Sequence[str]]] = {}
    for section in tree.sections:
        for at in section.inputs:
            found[at.name] = (at.id if at.visible else "", at.label, at.problems)
        if section.table is None:
            continue
        there = (row for row in section.table.rows if not row.deleted)
        for n, row in enumerate(there, start=1):
            place = t("forms.row_at", table=section.label, n=n).strip()
            seen = next((i.id for i in row.inputs if i.visible), "")
            found[f"{section.table.set}.{row.key}"] = (seen, place, row.problems)
            for at in row.inputs:
                label = t("forms.in_row", row=place, field=at.label)
                found[at.name] = (at.id if at.visible else seen, label, at.problems)
    return found


def _summary(tree: FormTree, around: Around, t: Texts) -> list[dict[str, str]]:
    """What is wrong; of a field that stands alone only what is not said beside it."""
    return [item for item in summary_of(tree, t) if not (around.inline and item["id"])]


def _named(tree: FormTree, warnings: Sequence[tuple[str, str]], t: Texts) -> list[dict[str, str]]:
    places = _places(tree, t)
    return [
        {"id": id, "label": label, "text": text}
        for name, text in warnings
        for id, label, _ in (places.get(name, ("", "", ())),)
    ]


def _stale(tree: FormTree, reader: Reader, stale: Stale) -> dict[str, Any]:
    """Both values of each field as people read them."""
    inputs: Mapping[str, Input] = {i.name: i for i in tree.inputs()}
    fields = []
    for name, both in stale.fields.items():
        of = tree.object.fields[name]
        at = inputs.get(name)
        texts = {w: shown(of, both[w], reader).text for w in ("mine", "theirs")}
        if at is not None and at.targets:
            texts["mine"] = ", ".join(c.text for c in at.choices)
        fields.append({"name": name, "label": at.label if at else reader.say(of.label, name), **texts})
    return {"fields": fields, "rows": stale.rows}
