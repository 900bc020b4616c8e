"""What a reader meets: a head on every module, a sentence on every public thing, files one can read at a sitting."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGES = [
    CHECKOUT / "engine" / "patron_engine",
    CHECKOUT / "platform" / "patron_platform",
    CHECKOUT / "designer" / "patron_designer",
]
LINES = 300
FUNCTION_LINES = 70
# Longer than a sitting, and why it stays whole.
LONG_FILES: dict[str, str] = {
    "engine/patron_engine/fields/choice.py": "one family of field types",
    "engine/patron_engine/meta/reader.py": "one grammar",
}
VAGUE = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "service_utils",
    "base_utils",
}
# Words about where the code was written instead of what it does; split so that this file does not name them.
FORBIDDEN = [
    "/wo" + "rk/",
    "/tmp/br" + "ief",
    "iss" + "ue 2",
    "sub" + "agent",
    "Cla" + "ude",
    "Anth" + "ropic",
]


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(p for package in PACKAGES for p in package.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def kept() -> list[Path]:
    """Every file git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout")
    return [CHECKOUT / n for n in listed.stdout.decode().split("\0") if n and (CHECKOUT / n).is_file()]


def test_every_module_says_what_it_is() -> None:
    silent = [name(p) for p in modules() if len((ast.get_docstring(tree(p)) or "").split()) < 3]
    assert silent == []


def test_every_module_reads_annotations_late() -> None:
    missing = [
        name(p)
        for p in modules()
        if "from __future__ import annotations" not in p.read_text(encoding="utf-8")
    ]
    assert missing == []


def public_classes_without_a_word(path: Path) -> Iterator[str]:
    for node in tree(path).body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_") or ast.get_docstring(node):
            continue
        # A member of a closed family is explained by the fields under its own name, or by its base.
        if not node.bases and not any(isinstance(n, ast.AnnAssign) for n in node.body):
            yield f"{name(path)}:{node.lineno} {node.name}"


def test_every_public_class_with_behaviour_has_a_sentence() -> None:
    assert [found for p in modules() for found in public_classes_without_a_word(p)] == []


def test_files_can_be_read_at_a_sitting() -> None:
    long = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in modules()}
    too_long = [f"{n}: {count} lines" for n, count in long.items() if count > LINES and n not in LONG_FILES]
    assert not too_long, "\n".join(too_long)
    assert [n for n in LONG_FILES if long.get(n, 0) <= LINES] == [], (
        "no longer an exception: take it off the list"
    )


def test_functions_fit_on_a_screen() -> None:
    too_long = [
        f"{name(p)}:{node.lineno} {node.name} ({(node.end_lineno or node.lineno) - node.lineno + 1} lines)"
        for p in modules()
        for node in ast.walk(tree(p))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert too_long == []


def test_names_of_files_say_something() -> None:
    parts = {part for p in modules() for part in (*p.parts[len(CHECKOUT.parts) :], p.stem)}
    assert parts & VAGUE == set()


def test_a_branch_that_is_not_written_is_not_there() -> None:
    """No stubs: no function whose whole body is `pass`, `...` or NotImplementedError, outside of protocols."""
    stubs: list[str] = []
    for path in modules():
        for owner in ast.walk(tree(path)):
            if not isinstance(owner, (ast.Module, ast.ClassDef)):
                continue
            if isinstance(owner, ast.ClassDef) and any("Protocol" in ast.unparse(b) for b in owner.bases):
                continue
            stubs += [f"{name(path)}:{f.lineno} {f.name}" for f in owner.body if _is_stub(f)]
    assert stubs == []


def _is_stub(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef) or any(
        "overload" in ast.unparse(d) for d in node.decorator_list
    ):
        return False
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return "abstract" not in "".join(map(ast.unparse, node.decorator_list))
    only = body[0]
    nothing = isinstance(only, ast.Pass) or (isinstance(only, ast.Expr) and ast.unparse(only) == "...")
    return len(body) == 1 and (nothing or "NotImplementedError" in ast.unparse(only))


def test_the_project_speaks_of_itself_alone() -> None:
    found = [
        f"{name(path)}: {word!r}"
        for path in kept()
        if path.suffix in (".py", ".md", ".yaml", ".sql", ".toml", ".sh", ".html", ".js", ".css", "")
        and path.name != "LICENSE"
        for word in FORBIDDEN
        if re.search(re.escape(word), path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
