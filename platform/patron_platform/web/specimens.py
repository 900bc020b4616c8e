"""Specimens: every special widget in each of its states on one page, for who designs; a form shows what it would send.

In: an administrator. Out: the page; after a post the same page with the pairs that arrived. No record is read or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden
from patron_engine.fields.field import Field
from patron_engine.fields.registry import TYPES
from patron_engine.page.inputs import Input, widget_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, shown
from patron_platform.web import csrf, forms_in, once
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.render import page
from patron_platform.web.texts import Texts, texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/design/widgets", include_in_schema=False)
STATES = ("empty", "filled", "problem", "readonly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A type with a value and what its widget is told besides."""

    type: str
    label: Mapping[str, str]
    value: Any = None
    attributes: Mapping[str, Any]


SPECIMENS = (
    Specimen(
        type="address", label={"en": "Address", "zh-CN": "地址", "zh-TW": "地址"}, attributes={},
        value={"province": "浙江省", "city": "杭州市", "district": "西湖区", "street": "文三路1号", "postcode": "310012"},
    ),
    Specimen(
        type="location", label={"en": "Check-in location", "zh-CN": "签到定位", "zh-TW": "簽到定位"},
        value={"lat": "30.2741", "lng": "120.1551"},
        attributes={"target": {"lat": "30.2800", "lng": "120.1600", "name": "杭州办公室"}, "radius": 500},
    ),
    Specimen(
        type="rich_text", label={"en": "Description", "zh-CN": "说明", "zh-TW": "說明"}, attributes={},
        value="<h3>方案 Plan</h3><p>A <strong>first</strong> draft with <a href='https://example.org'>a link</a>.</p><ul><li>一</li><li>二</li></ul><blockquote>Quoted.</blockquote>",
    ),
    Specimen(
        type="file", label={"en": "Documents", "zh-CN": "附件", "zh-TW": "附件"},
        attributes={"many": True, "max_size": 3_000_000, "accept": (".pdf", ".txt", "image/*")},
    ),
    Specimen(
        type="image", label={"en": "Photo on the spot", "zh-CN": "现场照片", "zh-TW": "現場照片"},
        attributes={"max_size": 10_000_000, "capture": "environment", "accept": ("image/*",)},
    ),
    Specimen(type="signature", label={"en": "Signature", "zh-CN": "签名", "zh-TW": "簽名"}, attributes={"max_size": 1_000_000}),
    Specimen(
        type="audio", label={"en": "Voice note", "zh-CN": "语音纪要", "zh-TW": "語音紀要"},
        attributes={"many": True, "max_size": 20_000_000, "accept": ("audio/*",)},
    ),
    Specimen(
        type="barcode", label={"en": "Serial number", "zh-CN": "序列号", "zh-TW": "序號"},
        value="6901234567892", attributes={"maxlength": 200},
    ),
)  # fmt: skip


@router.get("")
def specimens(request: Request, workspace: str) -> Response:
    return _page(request, workspace, ())


@router.post("")
def sent(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    return _page(request, workspace, form)


def _page(request: Request, workspace: str, form: Pairs) -> Response:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise Forbidden("this page is for administrators")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader, t = visitor.reader(call), texts_in(visitor.languages[0])
        groups = [(reader.say(s.label), [_input(s, state, reader, t) for state in STATES]) for s in SPECIMENS]
        arrived = [(name, value) for name, value in form if not name.startswith("_")]
        return page(
            visitor, call, "specimens.html", title=t("widgets.specimens"), groups=groups, arrived=arrived,
            states=STATES, once=forms_in.texts(form).get(once.FIELD) or once.token(),
        )  # fmt: skip


def _input(specimen: Specimen, state: str, reader: Reader, t: Texts) -> Input:
    name = f"{specimen.type}_{state}"
    place = Field(object="specimen", name=name, type=specimen.type, expr=TYPES[specimen.type].expr_type(None))
    value = specimen.value if state in ("filled", "readonly") else None
    return Input(
        name=name,
        field=place,
        widget=widget_of(place, written=True),
        label=reader.say(specimen.label),
        value=value,
        shown=EMPTY if value is None else shown(place, value, reader),
        required=state == "problem",
        readonly=state == "readonly",
        attributes=specimen.attributes,
        problems=(t("widgets.state_problem"),) if state == "problem" else (),
    )
