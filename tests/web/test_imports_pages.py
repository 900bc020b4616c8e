"""Imports in the browser, without scripts: a file is sent, its columns are said, it is tried, imported and taken back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from bs4 import BeautifulSoup

from patron_engine.transfer.sheet import open_sheet
from patron_platform.jobs.tasks import work_off
from patron_testing.house import House
from patron_testing.web import WORKSPACE, Person

FILE = "客户名称,Phone,Old grade\nBrand new,,x\nMine Limited,13800138001,y\n,13800138002,z\n"


def sent(who: Person, object: str, name: str, data: bytes, **fields: str) -> Any:
    files = {"file": (name, io.BytesIO(data), "application/octet-stream")}
    return who.call("POST", f"/list/{object}/import", files=files, data={"_csrf": who.token(), **fields})


def draft_of(who: Person, object: str, name: str, data: bytes) -> str:
    """The address of the page of its columns."""
    said = sent(who, object, name, data)
    assert said.status_code == 303, said.text[:2_000]
    return path_of(said)


def path_of(said: Any) -> str:
    assert said.status_code == 303, said.text[:2_000]
    return str(said.headers["location"]).removeprefix(f"/w/{WORKSPACE}")


def chosen(page: BeautifulSoup) -> dict[str, str]:
    """What the form of the columns would send as it stands."""
    form = page.select_one("#import-form")
    found = {}
    for select in form.select("select"):
        option = select.select_one("option[selected]") or select.select_one("option")
        found[select["name"]] = option.get("value", option.get_text())
    found["existing"] = form.select_one("input[name=existing][checked]")["value"]
    return found


def work(home: House) -> None:
    work_off(home.service.runtime.workspace(WORKSPACE))


def figures(page: BeautifulSoup) -> dict[str, str]:
    return {
        d["class"][0].removeprefix("import-"): d.select_one("dd").get_text()
        for d in page.select(".import-figures > div")
    }


def names(home: House, who: str = "rep") -> list[str]:
    return sorted(r["name"] for r in home.api(who).rows("account", fields="name"))


def workbook(*rows: list[str]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return made.getvalue()


def test_a_file_goes_the_whole_way(home: House) -> None:
    rep, before = home.person("rep"), names(home)
    begins = rep.page("/o/account").select_one(f'a[href="/w/{WORKSPACE}/list/account/import"]')
    assert begins is not None and "200 MB" in rep.page("/list/account/import").get_text()
    draft = draft_of(rep, "account", "客户.csv", FILE.encode("gb18030"))
    page = rep.page(draft)
    form = chosen(page)
    assert (form["c0"], form["c1"], form["c2"]) == ("name", "phone", "")
    assert "Not imported: Old grade" in page.get_text() and "13800138001" in page.get_text()

    told = rep.post(draft, {**form, "c0": "", "act": "check"}, headers={"HX-Request": "true"})
    assert told.status_code == 200 and "no column gives it: Name" in told.text and "<html" not in told.text
    twice = rep.post(draft, {**form, "c1": "name", "act": "try"})
    assert twice.status_code == 422 and "Name gets both" in twice.text
    nothing = rep.post(draft, {**form, "existing": "update", "match": "", "act": "try"})
    assert nothing.status_code == 422 and "Choose the field that tells" in nothing.text
    assert path_of(rep.get(f"{draft}/trial")) == draft, "nothing was tried yet"

    said = {**form, "existing": "update", "match": "name", "act": "try"}
    trial = path_of(rep.post(draft.replace("drafts/", "drafts/urn:uuid:"), said))
    assert trial == f"{draft}/trial", "an id in another writing is the same id"
    assert 'hx-trigger="every 2s"' in rep.get(trial).text
    assert path_of(rep.post(f"{draft}/begin")) == trial, "it is not begun before it was tried"
    work(home)
    tried = rep.page(trial)
    assert figures(tried) == {"created": "1", "updated": "1", "refused": "1"} and names(home) == before
    row = [cell.get_text() for cell in tried.select(".import-problems tbody td")]
    begins = tried.select_one("form[action$=begin] button")
    assert begins is not None and "Import 2 rows" in begins.get_text()
    assert row[:2] == ["4", "客户名称"] and row[2].startswith("Name is empty")
    assert "姓名" not in row[2] and "为空" in rep.get(trial, headers={"Accept-Language": "zh-CN"}).text

    batch = path_of(rep.post(f"{draft}/begin"))
    assert path_of(rep.post(f"{draft}/begin")) == batch == path_of(rep.get(draft)), "twice is once"
    assert 'hx-trigger="every 2s"' in rep.get(batch).text
    work(home)
    page = rep.page(batch)
    assert figures(page) == {"created": "1", "updated": "1", "refused": "1"}
    assert names(home) == sorted([*before, "Brand new"])
    told = list(csv.reader(io.StringIO(rep.get(f"{batch}/problems?form=csv").content.decode("utf-8-sig"))))
    assert told[0] == ["客户名称", "Phone", "Old grade", "Row", "Column", "Problem"] and told[1][1:5] == [
        "13800138002", "z", "4", "客户名称",
    ]  # fmt: skip
    assert rep.get(f"{batch}/problems?form=xlsx").content[:2] == b"PK"

    for other in (home.person("manager"), home.person("colleague")):
        for path in (batch, f"{batch}/problems", f"{batch}/undo", draft, trial):
            assert other.get(path).status_code == 404, path
        for path in (f"{batch}/cancel", f"{batch}/undo", f"{draft}/begin", f"{draft}/discard", draft):
            assert other.post(path).status_code == 404, path
        assert "客户.csv" not in other.get("/imports").text
    admin = home.person("admin")
    assert "客户.csv" in admin.get("/imports").text and admin.get(batch).status_code == 200

    assert rep.page(batch).select_one('main a[href$="/undo"]') is None, "he may not delete what it made"
    assert rep.post(f"{batch}/undo").status_code == 403 and path_of(rep.get(f"{batch}/undo")) == batch
    assert "1 new records go to the recycle bin, 1 updated" in admin.page(f"{batch}/undo").get_text()
    assert path_of(admin.post(f"{batch}/undo")) == batch
    assert "taken back" in rep.page(batch).get_text() and names(home) == before
    assert path_of(admin.post(f"{batch}/undo")) == batch and path_of(admin.get(f"{batch}/undo")) == batch
    listed = rep.page("/imports").select_one(".import-list tbody tr").get_text()
    assert "Taken back" in listed and "New 1" in listed
    for path in ("/imports/%00", "/imports/%00/undo", "/imports/drafts/%00"):
        assert rep.get(path).status_code == 404, path
    again = draft_of(rep, "account", "more.csv", FILE.encode())
    assert chosen(rep.page(again))["match"] == "name", "what was said of these headings is said again"


def test_a_template_comes_back_and_tells_nothing_hidden(home: House, tmp_path: Path) -> None:
    rep = home.person("rep", "zh-CN")
    (tmp_path / "t.xlsx").write_bytes(rep.get("/list/contact/import/template?form=xlsx").content)
    headings = open_sheet(tmp_path / "t.xlsx").headings
    assert [h for h in headings if h.endswith(" *")] and not {"身份证号", "id_card"} & set(headings)
    second = open_sheet(tmp_path / "t.xlsx", sheet="选项说明")
    assert second.headings == headings and list(second.rows())
    text = rep.get("/list/contact/import/template?form=csv").content.decode("utf-8-sig")
    assert tuple(next(csv.reader(io.StringIO(text)))) == headings
    row = ["Zqnew" if h.startswith("姓名") else "Mine Limited" if h.endswith("*") else "" for h in headings]
    draft = draft_of(rep, "contact", "联系人.xlsx", workbook(list(headings), row))
    page, form = rep.page(draft), chosen(rep.page(draft))
    assert [h for n, h in enumerate(headings) if not form[f"c{n}"]] == []
    assert "id_card" not in str(page) and "身份证" not in page.get_text()
    hidden, absent = (rep.post(draft, {**form, "c0": name, "act": "try"}) for name in ("id_card", "q" * 7))
    told = [re.sub("id_card|q{7}", "q", str(BeautifulSoup(a.text, "html.parser").select_one("#import-told"))) for a in (hidden, absent)]  # fmt: skip
    assert (hidden.status_code, absent.status_code) == (422, 422) and told[0] == told[1]
    assert (
        rep.post(draft, {**form, "existing": "update", "match": "id_card", "act": "try"}).status_code == 422
    )
    assert rep.post(draft, {**form, "act": "try", "history": "1"}).status_code == 403
    assert "history" not in form
    assert path_of(rep.post(f"{draft}/discard")) == "/imports" and rep.get(draft).status_code == 404


@pytest.mark.parametrize(("existing", "made"), [("skip", (1, 0, 1)), ("only", (0, 1, 1))])
def test_records_that_exist_are_passed_over_or_alone_updated(
    home: House, existing: str, made: tuple[int, int, int]
) -> None:
    rep = home.person("rep")
    text = FILE.replace("8001", "9001").replace("Brand new", f"New {existing}")
    rows = [line.split(",") for line in text.splitlines()]
    name, data = ("a.csv", text.encode()) if existing == "skip" else ("a.xlsx", workbook(*rows))
    draft = draft_of(rep, "account", name, data)
    form = {**chosen(rep.page(draft)), "existing": existing, "match": "name", "act": "try"}
    path_of(rep.post(draft, form))
    assert chosen(rep.page(draft))["existing"] == existing
    work(home)
    found = figures(rep.page(f"{draft}/trial"))
    assert tuple(int(found.get(k, "0")) for k in ("created", "updated", "skipped")) == made


def test_rows_of_a_file_make_a_tree_and_what_none_of_them_can_become_is_not_begun(home: House) -> None:
    admin = home.person("admin")
    tree = "Name,Parent account\nTwig,Branch\nBranch,Trunk\nTrunk,\nLeaf,Nowhere\n"
    draft = draft_of(admin, "account", "tree.csv", tree.encode())
    form = {**chosen(admin.page(draft)), "existing": "new", "act": "try"}
    assert (form["c0"], form["c1"]) == ("name", "parent")
    path_of(admin.post(draft, form))
    work(home)
    assert figures(admin.page(f"{draft}/trial")) == {"created": "4", "updated": "0", "warned": "1"}
    batch = path_of(admin.post(f"{draft}/begin"))
    work(home)
    assert "Nowhere" in admin.page(batch).select_one(".import-problems").get_text()
    rows = home.api("admin").rows(
        "account", fields="name,parent.name", where="name in ('Twig', 'Branch', 'Trunk', 'Leaf')"
    )
    above = {r["name"]: r["parent.name"] for r in rows}
    assert above == {"Twig": "Branch", "Branch": "Trunk", "Trunk": None, "Leaf": None}

    draft = draft_of(admin, "account", "bad.csv", b"Name,Parent account\n,\n,Trunk\n")
    path_of(admin.post(draft, {**chosen(admin.page(draft)), "existing": "new", "act": "try"}))
    work(home)
    trial = admin.page(f"{draft}/trial")
    assert "No row can be imported" in trial.get_text() and trial.select_one("form[action$=begin]") is None


def test_a_day_that_can_be_read_two_ways_is_asked_for(home: House) -> None:
    rep = home.person("admin")
    draft = draft_of(rep, "opportunity", "deals.csv", b"Name,Close date\nOne,01/02/2026\nTwo,03/04/2026\n")
    form = {**chosen(rep.page(draft)), "act": "try"}
    assert form["c1"] == "close_date"
    said = rep.post(draft, form)
    assert said.status_code == 422 and "choose how they are written" in said.text
    assert path_of(rep.post(draft, {**form, "dates": "DD/MM/YYYY"})) == f"{draft}/trial"


def torn() -> bytes:
    """A workbook whose sheet is no XML."""
    made = io.BytesIO(workbook(["name"], ["A"]))
    with zipfile.ZipFile(made) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        for name, data in parts.items():
            new.writestr(name, b"<sheetData><row" if name.endswith("sheet1.xml") else data)
    return made.getvalue()


BAD = {
    "empty.csv": b"", "headings.csv": b"name,phone\n", "picture.pdf": b"%PDF-1.7", "broken.xlsx": b"PK\x03\x04 not a workbook",
    "text.xlsx": b"name\nAcme\n", "binary.csv": b"na\x00me\xff\xfe\n", "latin.csv": "name\nMüller Gärtnerei\n".encode("latin-1"),
    "": b"name\nAcme\n", "torn.xlsx": torn(),
}  # fmt: skip


def test_a_bad_file_is_answered_with_a_sentence(home: House) -> None:
    rep = home.person("rep", "zh-CN")
    waiting = len(rep.page("/imports").select(".import-line"))
    for name, data in BAD.items():
        said = sent(rep, "account", name, data)
        assert said.status_code == 422, (name, said.status_code)
        alert = BeautifulSoup(said.text, "html.parser").select_one(".alert-error")
        assert alert is not None and re.search("[\u4e00-\u9fff]", alert.get_text()), (name, alert)
        if name.endswith(".xlsx"):
            assert "另存为 XLSX 或 CSV" in alert.get_text(), (name, alert)
    assert sent(rep, "account", "a.xlsx", workbook(["name"], ["A"]), sheet="nowhere").status_code == 422
    assert sent(rep, "account", "a.csv", b"name\nA\n", separator="ab").status_code == 422
    large = rep.call("POST", "/list/account/import", content=b"x", headers={"Content-Length": str(1 << 30), "Content-Type": "multipart/form-data; boundary=x"})  # fmt: skip
    assert large.status_code in (413, 422) and "200 MB" in large.text
    assert rep.post("/list/account/import", {"sheet": ""}).status_code == 403  # no form with a file
    assert len(rep.page("/imports").select(".import-line")) == waiting


def test_who_may_not_import_has_no_page(home: House) -> None:
    technician = home.person("technician")
    for path in ("/list/sv_device/import", "/list/sv_device/import/template"):
        assert technician.get(path).status_code == 403
    assert sent(technician, "sv_device", "a.csv", b"name\nA\n").status_code == 403
    assert (
        "/import" not in str(technician.page("/o/sv_device"))
        and 'href="/w/acme/imports"' not in technician.get("/").text
    )
    assert technician.get("/list/nothing/import").status_code == 404
    rep = home.person("rep")
    files = {"file": ("a.csv", io.BytesIO(b"name\nA\n"), "text/csv")}
    assert rep.call("POST", "/list/account/import", files=files).status_code == 403, "no token"
    other = {"Origin": "https://evil.example"}
    assert (
        rep.call(
            "POST", "/list/account/import", files=files, data={"_csrf": rep.token()}, headers=other
        ).status_code
        == 403
    )
    for id in ("x", "0190a0b0-0000-7000-8000-0000000000ff"):
        for path in (
            f"/imports/{id}",
            f"/imports/{id}/problems",
            f"/imports/drafts/{id}",
            f"/imports/drafts/{id}/trial",
        ):
            assert rep.get(path).status_code == 404, path
