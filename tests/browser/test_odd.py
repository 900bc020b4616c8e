"""Objects nobody would design: a field of every type under long names, names in every writing, no title, no record, one record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from patron_engine.actor import SYSTEM, Cause
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, served_site
from patron_testing.pg import Server
from patron_testing.web import WORKSPACE

NAMES = (
    "Renewal for the Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, second supplementary procedure",
    "الشهادة البيئية للمنشأة رقم ٤٢ (تجديد)", "👩‍👩‍👧‍👦🏳️‍🌈 🌱", "杭州市余杭区五常街道文一西路九百六十九号环境合规证书续期申请（二〇二六年度第三批次）",
    "x", "Unbroken" + "w" * 230, "<script>alert(1)</script>",
)  # fmt: skip
SITE = "https://umweltverwaltung.example.org/verfahren/erneuerung?jahr=2026&verfahren=zweites-ergaenzungsverfahren"
DRAWN = (
    "",
    "?type=kanban",
    "?type=calendar",
    "?type=gantt",
    "?type=map",
    "?type=tree",
    "?mode=split",
    "?group=account",
)


@pytest.fixture(scope="module")
def odd(server: Server, browser: Browser) -> Iterator[Site]:
    """A site of its own with 60 records, three, one and none."""
    with served_site(server, browser, packs=("odd",)) as running:
        _fill(running)
        yield running


def _fill(site: Site) -> None:
    workspace = site.service.runtime.workspace(WORKSPACE)
    owner = [Change(action="create", object="account", set={"name": NAMES[0][:120]})]
    account = workspace.save(SYSTEM, owner)[0].id
    states = ("drafted", "examined", "returned", "granted", "refused")
    changes = [
        Change(action="create", object="od_everything", set={
            "name": NAMES[n % len(NAMES)], "state": states[n % 5], "fee": "99999999999.99", "share": "250", "stars": n % 6, "account": account,
            "explained": "Es folgt eine sehr lange Begründung. " * 40, "site": SITE, "asked_on": f"2026-11-{n % 28 + 1:02}", "paint": "#d929aa",
            "marks": ["Eilverfahren mit besonderer Dringlichkeit", "重点", "🌱"], "place": "north/coast", "urgent": n % 2 == 0,
            "runs": {"from": "2026-11-01", "to": "2027-02-01"}, "spot": {"lat": "52.5", "lng": "13.3"}, "causes": ["water", "air", "soil"],
        }) for n in range(60)
    ]  # fmt: skip
    changes += [Change(action="create", object="od_nameless", set={"value": str(n)}) for n in range(3)]
    changes += [
        Change(action="create", object="od_single", set={"name": "the only one", "day": "2026-11-20"})
    ]
    made = workspace.save(SYSTEM, changes, mode="each", cause=Cause(kind="import"))
    assert [o.problems for o in made if o.action == "refused"] == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_lists_of_odd_objects_are_calm(odd: Site, language: str, width: int, scheme: str) -> None:
    with odd.visit(language=language, width=width, scheme=scheme, has_touch=width < 500) as visit:
        paths = [f"/o/od_everything{drawn}" for drawn in DRAWN]
        wrong: list[str] = []
        for path in ("/", *paths, "/o/od_nameless", "/o/od_none", "/o/od_single", "/search?q=unbroken"):
            visit.open(path)
            for look in (visit.calm, visit.accessible):
                try:
                    look()
                except AssertionError as error:
                    wrong.append(f"{path}: {str(error).splitlines()[0]}")
            visit.picture(f"odd{path.replace('/', '-').replace('?', '-')}-{language}-{scheme}-{width}")
        assert wrong == []
