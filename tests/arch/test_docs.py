"""The documents say what is there: pages made from the code are current, links lead somewhere, folders exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from patron_engine.meta.kinds import KINDS
from patron_testing.pages import kinds, limits, problems
from patron_testing.pages.source import CHECKOUT, REFERENCE, modules

AGAIN = "run: python docs/generate.py"
PAGES = [
    p for p in [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("examples/**/*.md")]
]
ENGINE = CHECKOUT / "engine" / "patron_engine"
PLATFORM = CHECKOUT / "platform" / "patron_platform"


def test_the_pages_of_the_kinds_are_current() -> None:
    made = kinds.pages()
    assert {p.name for p in (REFERENCE / "kinds").glob("*.md")} == set(made), AGAIN
    stale = [name for name, text in made.items() if (REFERENCE / "kinds" / name).read_text("utf-8") != text]
    assert stale == [], AGAIN


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_has_every_key_of_its_schema(kind: str) -> None:
    text = (REFERENCE / "kinds" / f"{kind}.md").read_text("utf-8")
    missing = [key for key in kinds.schema(kind)["properties"] if f"| `{key}` |" not in text]
    assert missing == [], AGAIN


def test_every_code_of_the_source_has_a_line() -> None:
    listed = problems.page_codes((REFERENCE / "problems.md").read_text("utf-8"))
    found = set(problems.codes())
    assert (sorted(found - listed), sorted(listed - found)) == ([], []), AGAIN


def test_codes_are_found_where_the_source_says_them() -> None:
    """One of each way to say a code: should the collector go blind to one of them, this fails."""
    found = problems.codes()
    assert "record/check.py" in found["required"].places  # row.wrong(code, message, field)
    assert found["expr_too_long"].messages == [
        "an expression has at most {…} characters, this has {…}"
    ]  # Fault(…)
    assert found["stale_version"].places[0] == "errors.py"  # the code of a class
    assert found["unknown_key"].messages[0].startswith("there is no key")  # a tuple
    assert "too_many_{…}" in found  # put together
    assert "changes_count" in found  # LimitExceeded(…, code=…)


def test_every_limit_has_a_line_with_its_figure() -> None:
    listed = limits.page_limits((REFERENCE / "limits.md").read_text("utf-8"))
    found = limits.said()
    assert {k: v for k, v in listed.items() if found.get(k) != v} == {}, AGAIN
    assert sorted(found.keys() - listed.keys()) == [], AGAIN


def test_limits_show_the_figures_the_engine_uses() -> None:
    from patron_engine.expr.limits import NUMBER_LIMIT
    from patron_engine.model.limits import OBJECTS

    said = limits.said()
    assert said["model/limits.py: OBJECTS"] == f"{OBJECTS:,}"
    assert said["expr/limits.py: NUMBER_LIMIT"] == "10^25"
    assert NUMBER_LIMIT == 10**25


def test_codes_that_comments_of_limits_name_exist() -> None:
    found = set(problems.codes())
    begins = re.compile(r"(?:limit|expr|query|import|workbook|sheet)_\w+")
    named = {limit.key: code[0] for limit in limits.limits() if (code := begins.match(limit.what))}
    assert len(named) > 20
    assert {key: code for key, code in named.items() if code not in found} == {}


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_folders_and_files_architecture_names_are_there() -> None:
    """Words in code type that look like a module: `record/`, `meta/kinds.py`, `store/ddl.py`."""
    text = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
    words = {w for w in re.findall(r"`([\w./]+)`", text) if w.endswith(("/", ".py", ".toml"))}
    assert {"record/", "ways/", "problems.py"} <= words
    alone = {p.name for start in (ENGINE, PLATFORM) for p in start.rglob("*.py")}
    starts = (CHECKOUT, ENGINE, PLATFORM)
    lost = [w for w in words if w not in alone and not any((start / w).exists() for start in starts)]
    assert sorted(lost) == []


def test_the_table_of_rooms_names_every_folder_of_the_engine() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
    rooms = text.partition("| room |")[2].partition("\n\n")[0]
    folders = {m.place.split("/")[0] for m in modules() if "/" in m.place and ":" not in m.place}
    assert sorted(folder for folder in folders if f"`{folder}/`" not in rooms) == []


def test_commands_in_the_documents_exist() -> None:
    """`patron WORD …` and `./run WORD …` in code: the word is a command, and its options are options of it."""
    import typer.main

    from patron_platform.cli import app

    root = typer.main.get_command(app)
    wrong = []
    for page in PAGES:
        for line in re.findall(r"(?:\./run|patron) ((?:[a-z]+ ?)[^`\n#]*)", "\n".join(code_of(page))):
            wrong += [f"{page.name}: {line.strip()}: {w}" for w in unknown_words(root, line.split())]
    assert wrong == []


def code_of(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    lines = re.findall(r"`((?:\./run|patron) [^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [re.sub(r"\\\n\s*", "", b) for b in blocks] + lines


def unknown_words(command: object, words: list[str]) -> list[str]:
    subcommands = getattr(command, "commands", {})
    if subcommands:
        if not words or words[0] in ("test", "…", "COMMAND"):
            return []
        if words[0].startswith("--"):
            return [w for w in words[:1] if w != "--help"]
        found = subcommands.get(words[0])
        return [words[0]] if found is None else unknown_words(found, words[1:])
    known = {option for parameter in getattr(command, "params", ()) for option in parameter.opts}
    known |= {"--help", "-h"}
    asked = [w.partition("=")[0] for w in words[: words.index("|") if "|" in words else None]]
    return [w for w in asked if re.match(r"--?[a-z]", w) and w not in known]
