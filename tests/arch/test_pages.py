"""Pages keep to their rules: nothing unescaped, nothing inline, every form checked, parts that stay small."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
WEB = CHECKOUT / "platform" / "patron_platform" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
BEHAVIOURS = sorted((CHECKOUT / "frontend" / "src" / "behaviours").glob("*.js"))
CHANGING = {"post", "put", "patch", "delete"}
UNSAFE = {
    "a value that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\("),
    "an inline style": re.compile(r"<[^>]*\sstyle\s*=|<style"),
    "an inline script": re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))"),
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=|hx-on"),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}
LONGEST_PAGE, LONGEST_BEHAVIOUR = 150, 150


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: f.relative_to(WEB).as_posix())
def test_a_template_has_nothing_unsafe_and_stays_small(file: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", file.read_text("utf-8"), flags=re.DOTALL)
    assert [what for what, pattern in UNSAFE.items() if pattern.search(text)] == []
    assert len(text.splitlines()) <= LONGEST_PAGE


def test_macros_that_ask_who_looks_are_given_the_context() -> None:
    """A value may be a link, which asks whether its reader may open the record."""
    asking = re.compile(r'\{% from "_(?:value|link)\.html" import (?![^%]*with context)')
    assert [f.name for f in TEMPLATES if asking.search(f.read_text("utf-8"))] == []
    calling, taking = re.compile(r"\brecord_link\("), re.compile(r"(?:import|macro) record_link")
    texts = {f.name: f.read_text("utf-8") for f in TEMPLATES}
    assert [name for name, text in texts.items() if calling.search(text) and not taking.search(text)] == []


@pytest.mark.parametrize("file", BEHAVIOURS, ids=lambda f: f.name)
def test_a_behaviour_is_small_and_makes_no_html_of_values(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith("//"), "its head says what it does, with an example"
    assert "export default function" in text or "export default async function" in text
    assert len(text.splitlines()) <= LONGEST_BEHAVIOUR
    lines = [line for line in text.splitlines() if "// drawn by the server" not in line]
    code = re.sub(r"//.*", "", "\n".join(lines))
    assert not re.search(
        r"\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", code
    )


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions() -> list[tuple[str, Function]]:
    return [
        (file.stem, node)
        for file in sorted(WEB.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, Function)
    ]


def _changes(node: Function) -> bool:
    """It stands behind an address that changes something."""
    called = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(isinstance(c, ast.Attribute) and c.attr in CHANGING for c in called)


def _called(node: Function) -> set[str]:
    """The last names of what it calls: `sent_by`, `check` of `csrf.check`."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(f"{ast.unparse(inner.value)}.{inner.attr}")
    return found


def _depending() -> list[tuple[str, set[str]]]:
    """`Posted = Annotated[Form, Depends(taken)]`: what a parameter of that type calls before its function."""
    return [
        (target.id, {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)})
        for file in sorted(WEB.rglob("*.py"))
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and "Depends" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def test_every_address_that_changes_something_checks_where_the_form_came_from() -> None:
    """By `csrf.check` (or, before anybody is signed in, `csrf.same_site`), itself, in what it calls or depends on."""
    functions = _functions()
    checking = {"csrf.check", "csrf.same_site"}
    for _ in range(5):  # what calls a function that checks checks as well
        for stem, node in functions:
            if _called(node) & checking:
                checking |= {node.name, f"{stem}.{node.name}"}
        checking |= {name for name, called in _depending() if called & checking}
    wanted = [(stem, node) for stem, node in functions if _changes(node)]
    assert len(wanted) > 3
    assert [f"{stem}: {node.name}" for stem, node in wanted if not _called(node) & checking] == []


def test_no_page_holds_sql_on_records() -> None:
    """Records are read and written by the ways; only a table of the platform's own (`sys__`, `patron.`) is asked here."""
    wrong = []
    for file in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                sql = node.value.strip()
                if re.match(r"(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", sql) and not re.search(
                    r"sys__|patron\.|pg_", sql
                ):
                    wrong.append(f"{file.name}:{node.lineno}")
    assert wrong == []


def test_a_text_becomes_a_whole_number_in_one_place() -> None:
    """By `jsonio.whole`. `"²".isdigit()` is true and `int("²")` fails, as it does for 5,000 digits: an error of the server each."""
    folders = (WEB, WEB.parent / "api", CHECKOUT / "engine" / "patron_engine" / "page")
    wrong = []
    for file in sorted(f for folder in folders for f in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            calls = [
                n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            ]
            if isinstance(node, Function) and "int" in calls:
                tested = {name.rpartition(".")[2] for name in _called(node)} & {
                    "isdigit",
                    "isdecimal",
                    "isnumeric",
                }
                wrong += [f"{file.name}: {node.name}"] if tested else []
    assert wrong == []


def test_behaviours_of_forms_use_no_name_a_field_can_have() -> None:
    """An input named `action` hides its form's; a name with a capital is no field's."""
    for name in ("form", "form-live", "offline-form"):
        text = re.sub(r"//.*", "", (BEHAVIOURS[0].parent / f"{name}.js").read_text("utf-8"))
        assert re.findall(r"\b(?:form|element)\.[a-z]+\b(?![A-Z])", text) == [], name


def test_what_a_class_looks_like_is_said_by_one_part_of_the_sheet() -> None:
    """All parts are one sheet: a second part that draws a class of the same name changes pages it never thought of. Parts may
    give a foreign class custom properties (`--c`), and touch.css says more about all of them."""
    drawn: dict[str, set[str]] = {}
    for part in sorted((CHECKOUT / "frontend" / "src" / "styles").glob("*.css")):
        text = re.sub(r"/\*.*?\*/", "", part.read_text("utf-8"), flags=re.DOTALL)
        for selectors, body in re.findall(r"([^{};]+)\{([^{}]*)\}", text):
            if part.stem == "touch" or all(
                said.strip().startswith("--") for said in body.split(";") if said.strip()
            ):
                continue
            for name in re.findall(r"(?:^|,)\s*\.([\w-]+)\s*(?=,|$)", selectors):
                drawn.setdefault(name, set()).add(part.stem)
    assert {name: parts for name, parts in drawn.items() if len(parts) > 1} == {}
