"""SQL is made of expression objects or constant text, never of strings put together at run time.

A lint over the syntax trees, with a self-test: each forbidden form is found, each allowed one is not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = [CHECKOUT / folder for folder in ("engine", "platform", "designer")]
STARTS = re.compile(
    r"^\s*(/\*.*?\*/\s*)?(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH\s+\w+\s+AS|CREATE|ALTER|DROP|TRUNCATE|COPY|GRANT"
    r"|LOCK\s+TABLE|NOTIFY|SET\s+LOCAL)\s", re.IGNORECASE | re.DOTALL,
)  # fmt: skip
# An English sentence may begin with such a word too: SQL goes on with a name, a star or a further keyword in capitals.
SHOUTED = re.compile(r"^\s*(/\*.*?\*/\s*)?[A-Z]{4,}\b")

# form -> modules that may use it, and why
ALLOWED: dict[str, dict[str, str]] = {
    "f-string": {},
    "glued": {},
    "sa.text": {},
    "literal_column": {},
    "op": {},
    "func by name": {},
}


def looks_like_sql(text: str) -> bool:
    return bool(STARTS.match(text) and SHOUTED.match(text))


def first_text(node: ast.expr) -> str:
    """The constant that a string expression begins with."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return first_text(node.values[0])
    if isinstance(node, ast.BinOp):
        return first_text(node.left)
    return ""


def constant(node: ast.expr) -> bool:
    """Text that is written in the program: no value of run time is in it."""
    if isinstance(node, ast.JoinedStr):
        return all(isinstance(v, ast.Constant) for v in node.values)
    if isinstance(node, ast.BinOp):
        return constant(node.left) and constant(node.right)
    if isinstance(node, ast.Name):
        return node.id.isupper()  # a constant of the module
    return isinstance(node, ast.Constant)


def forms(source: str) -> Iterator[tuple[int, str]]:
    """The forbidden forms in a module: (line, form)."""
    inner: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr) and not constant(node) and looks_like_sql(first_text(node)):
            yield node.lineno, "f-string"
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
            inner |= {id(n) for n in ast.walk(node) if isinstance(n, ast.BinOp)}
            if not constant(node) and looks_like_sql(first_text(node)):
                yield node.lineno, "glued"
        if isinstance(node, ast.Call):
            found = call_form(node)
            if found:
                yield node.lineno, found


def call_form(node: ast.Call) -> str | None:
    called = ast.unparse(node.func)
    if called in ("sa.text", "sqlalchemy.text", "sqlalchemy.sql.text"):
        return "sa.text"
    if called.endswith("literal_column"):
        return "literal_column"
    if called.endswith(".op") and called != "re.op":
        return "op"
    if called == "getattr" and node.args and ast.unparse(node.args[0]).split(".")[-1] == "func":
        return "func by name"
    method = node.func if isinstance(node.func, ast.Attribute) else None
    put_together = method is not None and method.attr in ("format", "join", "replace")
    return "glued" if method and put_together and looks_like_sql(first_text(method.value)) else None


def test_no_module_puts_sql_together() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{line} {form}"
        for root in SOURCES
        for path in sorted(root.rglob("*.py"))
        for line, form in forms(path.read_text(encoding="utf-8"))
        if str(path.relative_to(CHECKOUT)) not in ALLOWED[form]
    ]
    assert found == []


def test_exceptions_are_still_needed() -> None:
    unused = [
        f"{module}: {form}"
        for form, allowed in ALLOWED.items()
        for module in allowed
        if form not in {f for _, f in forms((CHECKOUT / module).read_text(encoding="utf-8"))}
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ('conn.execute(f"SELECT * FROM {table}")', "f-string"),
        ('conn.execute(f"INSERT INTO t VALUES ({v})")', "f-string"),
        ('x = f"/* r7 */ SELECT {a}"', "f-string"),
        ('conn.execute("SELECT a FROM " + table)', "glued"),
        ('conn.execute("SELECT a " "FROM t WHERE b = %s" % b)', "glued"),
        ('conn.execute("DELETE FROM {}".format(t))', "glued"),
        ('sa.text("x")', "sa.text"),
        ("sqlalchemy.text(x)", "sa.text"),
        ("sa.literal_column(x)", "literal_column"),
        ('column.op("@>")(value)', "op"),
        ("getattr(sa.func, name)(x)", "func by name"),
        ("getattr(func, name)(x)", "func by name"),
    ],
)
def test_forbidden_forms_are_found(source: str, form: str) -> None:
    assert [f for _, f in forms(source)] == [form]


@pytest.mark.parametrize(
    "source",
    [
        'conn.execute("SELECT a FROM t WHERE b = %s", (b,))',
        'conn.execute("SELECT a" " FROM t")',
        'conn.execute("SELECT a FROM t" + TAIL)',
        'sql.SQL("SELECT a FROM {}").format(sql.Identifier(t))',
        'sa.select(t.c.a).where(t.c.b == sa.bindparam("b"))',
        'raise Refused(f"Select at most {n} rows")',
        'raise Refused(f"update of {n} failed")',
        'f"{name}: with {n} rows"',
        "sa.func.lower(x)",
        "getattr(func_table, name)",
    ],
)
def test_allowed_forms_are_not_found(source: str) -> None:
    assert list(forms(source)) == []
