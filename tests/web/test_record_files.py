"""Files of a record: sent from its page, shown, taken off; the token goes with the form and not in its address."""

from __future__ import annotations

from patron_platform.api.upload import FIELD_BYTES
from patron_testing.web import REP, Opened, Person

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060f8cfc0000003030101b4bd0f3e"
    "0000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def test_a_file_is_sent_shown_and_taken_off(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Filed")
    here = f"/o/account/{account['id']}"
    token = me.token()
    for name, data in (
        ('"><svg onload=alert(1)>.png', PNG),
        ("evil.svg", SVG),
        ("page.html", b"<script>alert(1)</script>"),
    ):
        said = me.call("POST", f"{here}/files", data={"_csrf": token}, files={"file": (name, data)})
        assert said.status_code == 303, said.text
    page = me.page(here)
    assert len(page.select(".attachment")) == 3
    assert page.find("svg", onload=True) is None
    for link in page.select(".attachment a[download]"):
        said = me.get(link["href"].removeprefix("/w/acme") + "?inline=true")
        assert said.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in said.headers["content-security-policy"]
        shown = said.headers["content-disposition"].startswith("inline")
        assert shown == (said.content == PNG)
    rep = opened.person(REP)
    assert (
        rep.get(page.select_one(".attachment a[download]")["href"].removeprefix("/w/acme")).status_code == 404
    )
    sent = rep.call("POST", f"{here}/files", data={"_csrf": rep.token()}, files={"file": ("a.txt", b"a")})
    assert sent.status_code == 404
    gone = page.select_one(".attachment form")["action"].removeprefix("/w/acme")
    assert me.post(gone).status_code == 303
    assert len(me.page(here).select(".attachment")) == 2


def test_the_token_of_a_form_stands_before_its_file(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Tokens")
    here = f"/o/account/{account['id']}"
    form = me.page(here).select_one("form.attachment-drop")
    assert "token" not in form["action"] and form["enctype"] == "multipart/form-data"
    assert [field["name"] for field in form.select("input")] == ["_csrf", "file"]
    token, file = ("_csrf", (None, me.token())), ("file", ("a.txt", b"a"))
    good = {"status": 303, "of": [token, file]}
    cases = (
        good,
        {"status": 403, "of": [file]},
        {"status": 403, "of": [("_csrf", (None, "x" * 96)), file]},
        {"status": 422, "of": [file, token]},
        {"status": 422, "of": [("other", (None, "x")), token, file]},
        {"status": 422, "of": [token, token, file]},
        {"status": 422, "of": [token, file, file]},
        {"status": 422, "of": [token]},
        {"status": 400, "of": [("_csrf", (None, "x" * (FIELD_BYTES + 1))), file]},
        {"status": 403, "of": [("_csrf", (None, "x" * FIELD_BYTES)), file]},
    )
    for case in cases:
        said = me.call("POST", f"{here}/files", files=case["of"])
        assert said.status_code == case["status"], (case, said.status_code)
    assert me.call("POST", f"{here}/files?token={me.token()}", files=[file]).status_code == 403
    assert (
        me.call("POST", f"{here}/files", files=[file], headers={"X-CSRF-Token": me.token()}).status_code
        == 204
    )
    assert len(me.page(here).select(".attachment")) == 2


def test_a_pdf_is_shown_in_a_frame_of_ours_and_of_nobody_else(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Paper")
    here = f"/o/account/{account['id']}"
    sent = [("_csrf", (None, me.token())), ("file", ("offer.pdf", PDF))]
    assert me.call("POST", f"{here}/files", files=sent).status_code == 303
    page = me.get(here)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    link = me.page(here).select_one("a[data-kind=pdf]")
    file = me.get(link["href"].removeprefix("/w/acme"))
    policy = file.headers["content-security-policy"]
    assert file.headers["content-type"] == "application/pdf"
    assert "default-src 'none'" in policy and "sandbox" in policy and "frame-ancestors 'self'" in policy
