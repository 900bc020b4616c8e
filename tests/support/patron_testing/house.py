"""A house with people of real roles, none of them an administrator: the packs core and sales, and the pack `service`.

house.person("rep")          # signed in in a browser; rep, colleague, manager, finance, marketing, executive, seller,
house.api("technician")      # technician, both (seller and technician), customer: by key
house.ids["their_account"]   # what is there

`CANARIES` stand where certain people may not look: values that occur nowhere else, so whoever meets one met a leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, OTHER, PACKS, PASSWORD, WORKSPACE, Api, Person

ROLES: Mapping[str, tuple[str, ...]] = {
    "rep": ("employee", "sales_rep"), "colleague": ("employee", "sales_rep"), "manager": ("employee", "sales_manager"),
    "finance": ("employee", "finance"), "marketing": ("employee", "marketing"), "executive": ("sv_executive",),
    "seller": ("employee", "sv_seller"), "technician": ("employee", "sv_technician"),
    "both": ("employee", "sv_seller", "sv_technician"), "customer": ("sv_customer", "customer"), "idle": ("employee",),
}  # fmt: skip
CANARIES: Mapping[str, str] = {
    "pin": "Zqpin7731", "keeper": "+8613912345678", "worth": "98765431", "twice": "197530862", "verdict": "Zqverdict unheard",
    "report": "zqreport-hidden.txt", "due": "2031-07-19", "cost": "7654321.11", "note": "Zqnote of the personnel office",
    "their": "Zqtheirs Limited", "other_deal": "Zqother deal", "product_cost": "4455667.89",
}  # fmt: skip


def mail(who: str) -> str:
    return f"{who}@house.example"


@dataclass(frozen=True, slots=True)
class Furnished:
    """A database with the house in it: the keys of its people, their ids and those of what was made for them."""

    url: str
    keys: Mapping[str, str]
    people: Mapping[str, str]
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class House:
    """The running application over a copy of the house."""

    service: Service
    client: TestClient
    keys: Mapping[str, str]
    people: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def api(self, who: str) -> Api:
        return Api(self.client, self.keys[who])

    def person(self, who: str, language: str = "en") -> Person:
        return Person(self.client, WORKSPACE, ADMIN if who == "admin" else mail(who), language)


def make_house(server: Server) -> Furnished:
    """Made once a run; copies take a moment."""
    url = server.make()
    with (
        open_service(Settings(database=url, jobs=False, pool=6)) as service,
        TestClient(create_app(service), raise_server_exceptions=False) as client,
    ):
        made = _moved_in(service, client)
        _furnished(made)
    return Furnished(url, made.keys, made.people, made.ids)


@contextmanager
def open_house(server: Server, furnished: Furnished) -> Iterator[House]:
    url = server.make(template=str(psycopg.conninfo.conninfo_to_dict(furnished.url)["dbname"]))
    try:
        with (
            open_service(Settings(database=url, jobs=False, pool=6)) as service,
            TestClient(create_app(service), raise_server_exceptions=False) as client,
        ):
            yield House(service, client, furnished.keys, furnished.people, dict(furnished.ids))
    finally:
        server.drop(url)


def _moved_in(service: Service, client: TestClient) -> House:
    make_workspace(service, WORKSPACE, packs=("sales", "service"), folders=[PACKS], administrator=ADMIN)
    make_workspace(service, OTHER, packs=("service",), folders=[PACKS], administrator=ADMIN)
    place = service.runtime.workspace(WORKSPACE)
    for who in ROLES:
        create_user(service.databases, place, mail(who), name=who.capitalize())
    with service.databases.system() as conn:
        for who in ROLES:
            set_password(conn, mail(who), PASSWORD)
        set_password(conn, ADMIN, PASSWORD)
        keys = {who: create_key(conn, mail(who), WORKSPACE) for who in ROLES}
        keys |= {"admin": create_key(conn, ADMIN, WORKSPACE), "foreign": create_key(conn, ADMIN, OTHER)}
    rows = Api(client, keys["admin"]).rows("user", fields="id,email", limit="50")
    return House(service, client, keys, {r["email"].partition("@")[0]: r["id"] for r in rows})


def _furnished(house: House) -> None:
    admin, people, ids = house.api("admin"), house.people, house.ids
    ids["east"] = admin.make("department", name="East", code="east")["id"]
    ids["west"] = admin.make("department", name="West", code="west")["id"]
    ids["mine_account"] = admin.make("account", name="Mine Limited")["id"]
    for who, roles in ROLES.items():
        inside = {"kind": "portal", "account": ids["mine_account"]} if who == "customer" else {}
        home = {"department": ids["west" if who == "colleague" else "east"]} if who != "customer" else {}
        manager = {"manager": people["manager"]} if who in ("rep", "seller") else {}
        change = {"roles": list(roles), "note": CANARIES["note"], **inside, **home, **manager}
        said = admin.patch(f"/records/user/{people[who]}", change)
        assert said.status_code == 200, said.text
    said = admin.patch(f"/records/account/{ids['mine_account']}", {"owner": people["rep"]})
    assert said.status_code == 200, said.text
    ids["seller_account"] = admin.make("account", name="Seller Limited", owner=people["seller"])["id"]
    theirs = {"owner": people["colleague"]}
    ids["their_account"] = admin.make("account", name=CANARIES["their"], phone="+8613800138000", **theirs)[
        "id"
    ]
    ids["their_deal"] = admin.make(
        "opportunity", name=CANARIES["other_deal"], account=ids["their_account"], amount="12000", **theirs
    )["id"]  # fmt: skip
    mine = {"owner": people["rep"]}
    ids["deal"] = admin.make(
        "opportunity", name="Mine deal", account=ids["mine_account"], amount="5000", **mine
    )["id"]
    ids["contact"] = admin.make(
        "contact", name="Ann Mine", account=ids["mine_account"], mobile="+8613711112222", id_card="11010519491231002X", **mine
    )["id"]  # fmt: skip
    ids["product"] = admin.make("product", name="Pump", list_price="9000000", cost=CANARIES["product_cost"])[
        "id"
    ]
    _devices(house)


def _devices(house: House) -> None:
    admin, people, ids = house.api("admin"), house.people, house.ids
    hidden = {n: CANARIES[n] for n in ("pin", "keeper", "verdict", "due")}
    common = {"account": ids["mine_account"], "worth": int(CANARIES["worth"]), "state": "running"}
    ids["device"] = admin.make(
        "sv_device", name="Pump one", serial="SN-1", owner=people["manager"], **hidden, **common
    )["id"]  # fmt: skip
    ids["both_device"] = admin.make(
        "sv_device", name="Pump two", serial="SN-2", pin="own pin", worth=17, owner=people["both"], account=ids["mine_account"],
    )["id"]  # fmt: skip
    ids["seller_device"] = admin.make(
        "sv_device", name="Pump three", serial="SN-3", pin="seller pin", owner=people["seller"], account=ids["seller_account"]
    )["id"]  # fmt: skip
    ids["visit"] = admin.make("sv_visit", what="Looked at it", device=ids["device"], cost=CANARIES["cost"])[
        "id"
    ]
    files = {"file": (CANARIES["report"], b"Zqreport inside", "text/plain")}
    sent: Any = admin.call("POST", "/files", files=files)
    assert sent.status_code == 201, sent.text
    ids["report"] = sent.json()["id"]
    change = {"report": ids["report"], "worth": int(CANARIES["worth"]) - 1}
    for values in (change, {"worth": int(CANARIES["worth"])}):
        said = admin.patch(f"/records/sv_device/{ids['device']}", values)
        assert said.status_code == 200, said.text
    said = admin.patch(
        f"/records/sv_device/{ids['device']}", {"verdict": f"{CANARIES['verdict']} again", "state": "broken"}
    )
    assert said.status_code == 200, said.text
