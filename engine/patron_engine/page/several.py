"""Several: forms of several records on one page, each input named after the record it belongs to: `customer~name`.

In: an open form, a prefix; the pairs that such a page sends. Out: the form under other names; the pairs of each record under
their own names. A name of a record and one of a field have no `~`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from patron_engine.page.form_tree import FormRow, FormSection, FormTable, FormTree
from patron_engine.page.inputs import Input

BETWEEN = "~"
LEADS = ("_was.", "_state.", "_find.", "_table.")  # what stands before a name
BUTTONS = ("_add", "_remove", "_search")  # whose value is a name
Pairs = Iterable[tuple[str, str]]


def named(tree: FormTree, prefix: str) -> FormTree:
    """The form with its inputs, tables and sections under `prefix`."""
    return replace(tree, sections=tuple(_section(s, prefix) for s in tree.sections))


def _section(section: FormSection, prefix: str) -> FormSection:
    table = section.table
    return replace(
        section,
        name=f"{prefix}{section.name}",
        inputs=tuple(_input(i, prefix) for i in section.inputs),
        table=_table(table, prefix) if table is not None else None,
    )


def _table(table: FormTable, prefix: str) -> FormTable:
    return replace(
        table,
        set=f"{prefix}{table.set}",
        columns=tuple(_input(i, prefix) for i in table.columns),
        rows=tuple(_row(r, prefix) for r in table.rows),
        blank=_row(table.blank, prefix),
    )


def _row(row: FormRow, prefix: str) -> FormRow:
    return replace(row, inputs=tuple(_input(i, prefix) for i in row.inputs))


def _input(at: Input, prefix: str) -> Input:
    was = tuple((f"{prefix}{name}", text) for name, text in at.attributes.get("was") or ())
    return replace(at, name=f"{prefix}{at.name}", attributes={**at.attributes, "was": was})


def apart(pairs: Pairs, records: Iterable[str]) -> tuple[dict[str, list[tuple[str, str]]], dict[str, str]]:
    """The pairs of each record, and what the page says about itself."""
    own: dict[str, list[tuple[str, str]]] = {name: [] for name in records}
    frame: dict[str, str] = {}
    for name, text in pairs:
        lead = next((lead for lead in LEADS if name.startswith(lead)), "")
        record, between, rest = name.removeprefix(lead).partition(BETWEEN)
        if between and record in own:
            own[record].append((f"{lead}{rest}", text))
            continue
        of, between, rest = text.partition(BETWEEN)
        if name in BUTTONS and between and of in own:
            own[of].append((name, rest))
        frame[name] = text
    return own, frame


def kept_rows(pairs: Mapping[str, str] | Pairs) -> list[tuple[str, str]]:
    """The pairs of one record without those of rows that were taken out of a table: what such a row sent besides its cells."""
    every = list(pairs.items() if isinstance(pairs, Mapping) else pairs)
    tables = {name.removeprefix("_table.") for name, _ in every if name.startswith("_table.")}
    cells = {tuple(name.split(".")[1:3]) for name, _ in every if name.startswith("_state.")}
    kept = []
    for name, text in every:
        steps = tuple(name.split("."))
        if len(steps) > 2 and steps[0] in tables and steps[:2] not in cells:
            continue
        kept.append((name, text))
    return kept
