"""Forms as a browser without scripts has them: what it would send, what the page says is wrong.

saved(person, "/o/account/new", {"name": "Acme"})      # fills the form, sends it, gives the id of the record
told(person.post(path, sent(person.page(path), {"whole": "many"})))["whole"]
"""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup

from patron_testing.web import Person

Pairs = list[tuple[str, str]]


def drawn(page: BeautifulSoup) -> dict[str, list[str]]:
    """What a browser would send of the page's form as it is."""
    found: dict[str, list[str]] = {}
    form = page.select_one("form.form")
    assert form is not None
    for at in form.select("input[name], select[name], textarea[name]"):
        if at.find_parent("template") or at.find_parent("noscript") or at.has_attr("disabled"):
            continue
        name = str(at["name"])
        if at.name == "select":
            chosen = [str(o.get("value", o.text)) for o in at.select("option[selected]")]
            found.setdefault(name, []).extend(chosen if at.has_attr("multiple") else chosen[:1] or [""])
        elif at.name == "textarea":
            found.setdefault(name, []).append(at.text.removeprefix("\n"))
        elif at.get("type") not in ("checkbox", "radio") or at.has_attr("checked"):
            found.setdefault(name, []).append(str(at.get("value", "")))
    found.pop("_csrf", None)
    return found


def sent(page: BeautifulSoup, changes: dict[str, Any]) -> Pairs:
    """The form with some inputs filled in otherwise."""
    values: dict[str, Any] = {**drawn(page), **changes}
    return [(n, t) for n, v in values.items() for t in (v if isinstance(v, list) else [v])]


def saved(person: Person, path: str, changes: dict[str, Any]) -> str:
    """Fills the form at `path`, sends it, and gives the id of the record it leads to."""
    said = person.post(path, sent(person.page(path), changes))
    assert said.status_code == 303, BeautifulSoup(said.text, "html.parser").select(
        ".form-summary, .error-status, main"
    )
    return str(said.headers["location"].rpartition("/")[2])


def told(said: Any) -> dict[str, str]:
    """Name of a field -> what is said to be wrong with it."""
    assert said.status_code == 422, said.text[:500]
    page = BeautifulSoup(said.text, "html.parser")
    return {
        str(at.find_parent(attrs={"data-field": True})["data-field"]): at.get_text(" ", strip=True)
        for at in page.select(".field-error")
        if at.find_parent(attrs={"data-field": True}) and at.get_text(strip=True)
    }
