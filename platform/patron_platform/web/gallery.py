"""Gallery: every widget in every state, in both schemes: what who draws forms looks at. For administrators.

In: a signed-in request. Out: a page of inputs made up of plain values; 404 for everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.fields.base import Around
from patron_engine.fields.field import Field, LinkSpec, Spec
from patron_engine.fields.registry import TYPES
from patron_engine.jsonio import dumps
from patron_engine.page.inputs import WIDGETS, Choice, Input
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.page.typed import local, span, written
from patron_platform.web.form_page import drawing
from patron_platform.web.render import page
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/design", include_in_schema=False)
STATES = ("empty", "filled", "long", "required", "readonly", "wrong")
RECORD = {"id": "0190a0b0-0000-7000-8000-000000000001", "title": "Acme", "object": "account"}
FILE = {
    "id": "0190a0b0-0000-7000-8000-000000000002",
    "name": "plan.pdf",
    "mime": "application/pdf",
    "size": 48_000,
}
# A signature and a recording are files that would have to be there.
SAMPLES: Mapping[str, Any] = {
    "text": "Acme", "long_text": "One line\nand another", "rich_text": "<p>A <b>rich</b> text</p>",
    "email": "li@acme.example", "phone": "+8613800138000", "url": "https://acme.example", "barcode": "6901234567892",
    "color": "#3b5bdb", "integer": 42, "decimal": "12.5", "percent": "35", "money": "10005.30", "rating": 3,
    "duration": 5400, "boolean": True, "select": "one", "multi_select": ["one", "two"], "tags": ["one", "new"],
    "cascade": "one/deep", "date": "2026-11-26", "datetime": "2026-11-26T02:30:00+00:00", "time": "09:30",
    "date_range": {"from": "2026-11-01", "to": "2026-11-30"}, "lookup": RECORD, "master": RECORD, "user": RECORD,
    "department": RECORD, "address": {"province": "上海市", "city": "上海市", "district": "浦东新区", "street": "世纪大道 1 号"},
    "location": {"lat": "31.2304", "lng": "121.4737"}, "file": FILE, "image": FILE,
    "secret": "…", "json": {"a": 1},
}  # fmt: skip
WORDS = "Hangzhou West Lake Cultural and Creative Industries Investment Group Co., Ltd. 杭州西湖文化创意产业投资集团有限公司"
UNBROKEN = "a" * 60 + "@" + "b" * 60 + ".example"
# What is longer than its place; types that are not named here have nothing longer.
LONG: Mapping[str, Any] = {
    "text": WORDS, "long_text": f"{WORDS} " * 6, "rich_text": f"<p>{WORDS}</p><p>{UNBROKEN}</p>", "email": UNBROKEN,
    "url": f"https://acme.example/{UNBROKEN}", "barcode": "9" * 80, "integer": 9007199254740991, "decimal": "123456789012.123456",
    "money": "123456789012.30", "duration": 3_600_000, "multi_select": ["one", "two"], "tags": ["one", "two", WORDS, UNBROKEN],
    "lookup": {**RECORD, "title": WORDS}, "master": {**RECORD, "title": WORDS}, "user": {**RECORD, "title": WORDS},
    "address": {"province": "新疆维吾尔自治区", "city": "克孜勒苏柯尔克孜自治州", "district": "阿克陶县", "street": WORDS, "country": "中国"},
    "location": {"lat": "-31.2304167", "lng": "-121.4737012"}, "file": {**FILE, "name": f"{WORDS}.pdf", "size": 480_000_000},
    "image": {**FILE, "name": f"{WORDS}.pdf"}, "json": {"a": list(range(60))},
}  # fmt: skip
OPTIONS = [
    {"name": "one", "label": {"en": "First", "zh-CN": "第一"}, "color": "green", "options": [{"name": "deep", "label": {"en": "Below", "zh-CN": "下级"}}]},
    {"name": "two", "label": {"en": "Second", "zh-CN": "第二"}, "color": "blue"},
]  # fmt: skip


@router.get("/gallery")
def gallery(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is nothing at this address")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader, t = visitor.reader(call), texts_in(visitor.languages[0])
        sides = [
            (scheme, [(name, _states(name, reader, t, scheme, visitor.url("o-lookup"))) for name in WIDGETS])
            for scheme in ("light", "dark")
        ]
        return page(visitor, call, "gallery.html", title=t("forms.gallery"), sides=sides, **drawing())


def _states(name: str, reader: Reader, t: Texts, scheme: str, lookup: str) -> list[Input]:
    of = _field(name)
    states = [s for s in STATES if s != "long" or name in LONG]
    found = [_input(of, state, reader, t, scheme, lookup) for state in states]
    computed = replace(
        found[1], widget="shown", name=f"{scheme}_{name}_computed", label=t("forms.state_computed")
    )
    return [*found, computed]


def _field(name: str) -> Field:
    kind = TYPES[name]
    around = Around()
    link = name in ("lookup", "master", "user", "department")
    definition: dict[str, Any] = {"type": name, "options": OPTIONS}
    spec: Spec = LinkSpec(to=("account",)) if link else kind.spec(definition, around)
    return Field(object="account", name=name, type=name, expr=kind.expr_type(spec), spec=spec)


def _input(of: Field, state: str, reader: Reader, t: Texts, scheme: str, lookup: str) -> Input:
    samples = LONG if state == "long" else SAMPLES
    value = None if state in ("empty", "required") else samples.get(of.type)
    name = f"{scheme}_{of.type}_{state}"
    options = (
        Choice(value="one", text="First", color="green", below=(Choice(value="one/deep", text="Below"),)),
        Choice(value="two", text="Second", color="blue"),
    )
    title = value.get("title", "") if isinstance(value, Mapping) else ""
    records = (Choice(value=RECORD["id"], text=title),) if value else ()
    attributes: dict[str, Any] = {
        "maxlength": None, "min": None, "max": 5 if of.type == "rating" else None, "unit": "", "many": False, "words": "",
        "accept": (), "max_size": 10_000_000, "with": "", "was": written(of, name, value, reader), "state": "",
    }  # fmt: skip
    if of.type == "money":
        attributes |= {
            "unit": reader.sign("CNY"),
            "currency": "CNY",
            "words": "人民币壹万零伍元叁角整" if value else "",
        }
    if of.type == "percent":
        attributes["unit"] = "%"
    if value is not None and of.type == "datetime":
        attributes["local"] = local(value, reader)
    if value is not None and of.type == "duration":
        attributes["clock"] = span(value)
    if value is not None and of.type == "json":
        attributes["json"] = dumps(value).decode()
    return Input(
        name=name,
        field=of,
        widget=WIDGETS[of.type],
        label=t(f"forms.state_{state}"),
        value=value,
        shown=shown(of, value, reader, "CNY"),
        required=state == "required",
        readonly=state == "readonly",
        choices=records if isinstance(of.spec, LinkSpec) else options,
        targets=of.spec.to if isinstance(of.spec, LinkSpec) else (),
        source=f"{lookup}/contact/account" if isinstance(of.spec, LinkSpec) else "",
        attributes=attributes,
        problems=(t("problems.required"),) if state == "wrong" else (),
    )
