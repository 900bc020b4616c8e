"""Building: a report put together on a page: fields dropped into rows, columns and values, and what that makes of its definition.

In: a body as it was, the pairs of the form in their order (`at` a place, `item` what lies there as JSON, `by`, `fn`, `buckets`, `level`, and of a
formula `said`, `expr`, `as`, for the item before), one `act`. Out: another body. What the page does not show of a body is kept as it was. Pure but for labels of fields.

    add:PLACE:PATH   add:values:=  (a formula)   drop:PLACE:N   move:PLACE:N:-1 (or 1)   over:PLACE:N (to the other of rows and columns)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from patron_engine.jsonio import loads, whole
from patron_engine.page.building_chart import drawn
from patron_engine.page.filters import Choosable

PLACES = ("rows", "columns", "values")
BUILT = ("summary", "matrix")
PERIODS = ("day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year", "weekday")
FUNCTIONS = ("sum", "avg", "min", "max", "median", "count_distinct")
CHOSEN = ("by", "fn", "buckets", "level", "said", "expr", "as")
LEVELS = 5
LONGEST = 4_000  # characters of one item
MOST_ITEMS = 60

Body = dict[str, Any]
Label = Callable[[str, str], str]  # (function, field's label) -> what a new measure is called


def begun(object: str, label: Label) -> Body:
    """A new report: how many records there are."""
    return {
        "object": object, "type": "summary", "rows": [], "columns": [],
        "measures": [{"name": "records", "label": label("count", ""), "function": "count"}],
        "totals": ["rows", "columns", "grand"],
    }  # fmt: skip


def rebuilt(
    body: Mapping[str, Any], pairs: Sequence[tuple[str, str]], fields: Mapping[str, Choosable], label: Label
) -> Body:
    """The body after what the form says."""
    made = dict(body)
    given = dict(pairs)
    if (
        body.get("type") == "joined"
    ):  # its figures are its blocks'; what lies in values are formulas over them
        lying = _lying(pairs) if any(name == "at" for name, _ in pairs) else _placed(body)
        named = [m["name"] for block in body["blocks"] for m in block["measures"]]
        _act(lying, given.get("act", ""), fields, (named, label))
        made["measures"] = [item for item in lying["values"] if is_measure(item)]
    if body.get("type") in BUILT:
        lying = _lying(pairs) if any(name == "at" for name, _ in pairs) else _placed(body)
        named = [item["name"] for item in lying["values"] if is_measure(item)]
        _act(lying, given.get("act", ""), fields, (named, label))
        groups = {place: [_group(item, fields) for item in lying[place]] for place in ("rows", "columns")}
        made.update({place: [g for g in found if g is not None] for place, found in groups.items()})
        made["measures"] = _measures(lying["values"], fields, label)
        made["type"] = "matrix" if made["columns"] else "summary"
        _sorted(made, given)
    before = (body.get("chart") or {}).get("type")
    made = drawn(made, pairs)
    ranked = (made.get("chart") or {}).get("type") == "ranking" != before
    if ranked and made.get("type") in BUILT and not made.get("sort"):  # the table in the order of its chart
        made["sort"] = [f"-{made['measures'][0]['name']}"]
    return made


def _placed(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        "rows": list(body.get("rows") or ()),
        "columns": list(body.get("columns") or ()),
        "values": list(body.get("measures") or ()),
    }


def _lying(pairs: Sequence[tuple[str, str]]) -> dict[str, list[Any]]:
    """What lies where, with what was chosen for each."""
    found: dict[str, list[Any]] = {place: [] for place in PLACES}
    at = "rows"
    for name, value in pairs[: MOST_ITEMS * 6]:
        if name == "at" and value in PLACES:
            at = value
        elif name == "item" and len(found[at]) < MOST_ITEMS:
            item = _item(value)
            if item is not None:
                found[at].append(item)
        elif found[at] and name in CHOSEN:
            found[at][-1] = _chosen(found[at][-1], name, value)
    return found


def _item(text: str) -> Any:
    if len(text) > LONGEST:
        return None
    try:
        item = loads(text.encode())
    except ValueError:
        return None
    return item if isinstance(item, str | dict) else None


def _chosen(item: Any, name: str, value: str) -> Any:
    """An item with another period, function, borders or level, or another formula."""
    if name in ("said", "expr", "as"):
        return (
            _formula(item, name, value.strip()) if isinstance(item, dict) and "expression" in item else item
        )
    made = {"field": item} if isinstance(item, str) else dict(item)
    if name == "by" and value in PERIODS:
        return {**made, "by": value}
    if name == "fn" and value in FUNCTIONS and made.get("function") != value and "field" in made:
        return {**made, "function": value, "was_function": made.get("function")}
    if name == "buckets":
        borders = _borders(value)
        made.pop("buckets", None)
        return {**made, "buckets": borders} if borders else made
    if name == "level":
        made.pop("level", None)
        level = whole(value, 2)
        return {**made, "level": level} if level is not None and 1 <= level <= LEVELS else made
    return item


def _formula(item: Body, name: str, value: str) -> Body:
    if name == "said":
        known = item.get("label")  # of several languages: kept while what stands in the form is one of them
        same = not value or value in (known.values() if isinstance(known, Mapping) else (known,))
        return item if same else {**item, "label": value[:60]}
    if name == "expr":
        return {**item, "expression": value}
    rest = {k: v for k, v in item.items() if k != "format"}
    return (
        item
        if value == _shown_as(item)
        else {**rest, "format": {"as": value}}
        if value == "percent"
        else rest
    )


def _shown_as(item: Body) -> str:
    return str((item.get("format") or {}).get("as") or "")


def _borders(text: str) -> list[int | float]:
    found = []
    for part in text.replace("，", ",").split(","):
        try:
            number = Decimal(part.strip())
        except InvalidOperation:
            continue
        if number.is_finite() and len(part) < 20:
            found.append(int(number) if number == number.to_integral_value() else float(number))
    return sorted(set(found))[:50]


def _act(
    lying: dict[str, list[Any]], act: str, fields: Mapping[str, Choosable], formula: tuple[list[str], Label]
) -> None:
    verb, _, rest = act.partition(":")
    place, _, which = rest.partition(":")
    if place not in PLACES:
        return
    if verb == "add" and place == "values" and which == "=":
        known, label = formula
        free = next(i for i in range(1, MOST_ITEMS * 2) if f"formula_{i}" not in known)
        begins = (
            known[0] if known else "0"
        )  # of itself sound: what is changed step by step shows figures all the time
        lying[place].append(
            {"name": f"formula_{free}", "label": label("formula", str(free)), "expression": begins}
        )
        return
    if verb == "add" and which in fields:
        if (
            place == "values"
            and fields[which].family == "number"
            and lying[place] == begun("", formula[1])["measures"]
        ):
            lying[place].clear()  # what a new report counts gives way to the first amount somebody asks for
        lying[place].append(which)
        return
    number, _, step = which.partition(":")
    n = whole(number, 3)
    if n is None or not 0 <= n < len(lying[place]):
        return
    if verb == "drop":
        del lying[place][n]
    elif verb == "move" and 0 <= (to := n + (-1 if step == "-1" else 1)) < len(lying[place]):
        lying[place].insert(to, lying[place].pop(n))
    elif verb == "over" and place != "values":
        lying["columns" if place == "rows" else "rows"].append(lying[place].pop(n))


def path_of(item: Any) -> str:
    """The field an item is about; "" for a measure of none."""
    return item if isinstance(item, str) else str(item.get("field") or "")


def is_measure(item: Any) -> bool:
    return isinstance(item, Mapping) and ("function" in item or "expression" in item)


def _group(item: Any, fields: Mapping[str, Choosable]) -> Any:
    """What lies in rows or columns, as a group; None for what cannot be one."""
    if not is_measure(item):
        path = path_of(item)
        family = fields[path].family if path in fields else ""
        if family in ("date", "datetime") and (isinstance(item, str) or "by" not in item):
            kept = {} if isinstance(item, str) else item
            return {**kept, "field": path, "by": "month"}
        return item if path else None
    path = path_of(item)
    return _group(path, fields) if path else None


def _measures(items: Sequence[Any], fields: Mapping[str, Choosable], label: Label) -> list[Body]:
    """What lies in values, as measures; a report has one at least."""
    made: list[Body] = []
    taken = {str(item["name"]) for item in items if is_measure(item)}
    for item in items:
        if not is_measure(item):
            made.append(_measure(path_of(item), fields, taken, label))
            continue
        measure = dict(item)
        before = measure.pop("was_function", None)
        field = fields.get(path_of(measure))
        if before and field is not None and measure.get("label") == label(before, field.label):
            measure["label"] = label(measure["function"], field.label)
        made.append(measure)
    return made or [begun("", label)["measures"][0]]


def _measure(path: str, fields: Mapping[str, Choosable], taken: set[str], label: Label) -> Body:
    field = fields.get(path)
    function = "sum" if field is not None and field.family == "number" else "count_distinct"
    name = stem = f"{path.replace('.', '_').lower()}_{function}"[:50]
    n = 2
    while name in taken:
        name, n = f"{stem}_{n}", n + 1
    taken.add(name)
    said = path if field is None else field.of if field.family == "set" else field.label
    return {"name": name, "label": label(function, said), "function": function, "field": path}


def _sorted(made: Body, given: Mapping[str, str]) -> None:
    names = {m["name"] for m in made["measures"]}
    groups = {
        n
        for g in (*made["rows"], *made["columns"])
        for n in ((g,) if isinstance(g, str) else (g["field"], g.get("name")))
    }
    order = [given["sort"]] if given.get("sort") else [] if "sort" in given else list(made.get("sort") or ())
    made["sort"] = [item for item in order if item.removeprefix("-") in names | groups]
    if not made["sort"]:
        del made["sort"]
    if "limit" in given:
        made.pop("limit", None)
        limit = whole(given["limit"], 5)
        if limit is not None and 1 <= limit <= 10_000:
            made["limit"] = limit
