"""Reading with less than every right: rows under a rule, fields out of sight, through every door of the way read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.access import grants as given
from patron_engine.access.grants import Grant
from patron_engine.actor import Actor
from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.query.counts import counts
from patron_engine.query.history import history
from patron_engine.query.spec import Ask, Within
from patron_engine.store.tables import Tables
from patron_engine.ways.read import read, read_one, walk
from patron_testing.build import ADMIN, Records, build_workspace
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

SECRET = b"a key of the tests"
READ = frozenset({"read"})


class Restricted:
    """A rep who reads accounts of Shanghai, deals with an amount of at most 100 but neither their amount nor its name,
    products, and nothing else."""

    def __init__(self, r: Records, monkeypatch: pytest.MonkeyPatch) -> None:
        self.r = r
        self.me = r.create("user", name="Rep")
        actor = Actor(user=self.me, name="rep", roles=frozenset({"rep"}))
        self.grants = (
            Grant(
                reason="rep",
                object="account",
                actions=READ,
                condition=self.rule("account", "city == 'Shanghai'"),
            ),
            Grant(
                reason="rep",
                object="opportunity",
                actions=READ,
                condition=self.rule("opportunity", "account.grade != 'c'"),
                fields=(("amount", "none"), ("expected", "none")),
            ),
            Grant(reason="rep", object="user", actions=READ, condition=self.rule("user", "id == me()")),
        )
        real = given.grants_of
        monkeypatch.setattr(given, "grants_of", lambda m, a: self.grants if a is actor else real(m, a))
        self.call = replace(r.call, actor=actor)

    def rule(self, object: str, text: str) -> Expression:
        scope = Scope(
            catalog=ReadableCatalog(self.r.call.tables, ADMIN), object=object, rows=True, aggregates=True
        )
        made = compile_expression(text, scope)
        assert isinstance(made, Expression), made
        return made

    def page(self, object: str, **more: Any) -> list[dict[str, Any]]:
        return read(self.r.conn, self.call, Ask(object=object, **more), secret=SECRET).rows()

    def refusal(self, object: str, **more: Any) -> str:
        with pytest.raises(PatronError) as error:
            self.page(object, **more)
        wrong = error.value
        problems = [p.as_dict() for p in wrong.problems] if isinstance(wrong, Refused) else []
        return repr((type(wrong).__name__, wrong.code, wrong.detail, wrong.hint, problems))


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    """The workspace, built once; every test undoes what it did."""
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.fixture
def r(built: Records) -> Iterator[Records]:
    with built.conn.transaction(force_rollback=True):
        yield built


@pytest.fixture
def rep(r: Records, monkeypatch: pytest.MonkeyPatch) -> Restricted:
    return Restricted(r, monkeypatch)


def world(rep: Restricted) -> dict[str, str]:
    r = rep.r
    made = {
        "near": r.create("account", name="Near", city="Shanghai", grade="a"),
        "far": r.create("account", name="Far", city="Xi'an", grade="b"),
        "low": r.create("account", name="Low", city="Shanghai", grade="c"),
    }
    for name in ("near", "far", "low"):
        made[f"{name} deal"] = r.create("opportunity", name=f"{name} deal", account=made[name], amount="2000")
    return made


def test_only_rows_under_the_rule_are_there(rep: Restricted) -> None:
    made = world(rep)
    assert [x["name"] for x in rep.page("account", sort=("name",))] == ["Low", "Near"]
    found = read(rep.r.conn, rep.call, Ask(object="account", count="exact"), secret=SECRET)
    assert found.count == 2
    with pytest.raises(NotFound) as hidden:
        read_one(rep.r.conn, rep.call, "account", made["far"])
    with pytest.raises(NotFound) as missing:
        read_one(rep.r.conn, rep.call, "account", "0198c0de-0000-7000-8000-000000000009")
    assert (str(hidden.value), hidden.value.hint) == (str(missing.value), missing.value.hint)
    with rep.r.conn.transaction():
        assert [
            x["name"]
            for part in walk(rep.r.conn, rep.call, Ask(object="account", sort=("name",)))
            for x in part
        ] == [
            "Low",
            "Near",
        ]


def test_a_rule_may_follow_links_and_still_cut_what_is_joined(rep: Restricted) -> None:
    world(rep)
    rows = rep.page("opportunity", fields=("name", "account", "account.name", "account.city"), sort=("name",))
    assert [x["name"] for x in rows] == ["far deal", "near deal"]
    far, near = rows
    assert near["account"]["title"] == near["account.name"] == "Near"
    assert far["account"]["title"] is None and far["account.name"] is None and far["account.city"] is None


def test_what_may_not_be_read_cannot_be_asked_through_a_path_either(rep: Restricted) -> None:
    world(rep)
    assert rep.page("opportunity", where="account.name == 'Far'") == []
    assert [x["name"] for x in rep.page("opportunity", where="account.name == 'Near'")] == ["near deal"]
    assert [x["name"] for x in rep.page("opportunity", sort=("account",), fields=("name",))] == [
        "near deal",
        "far deal",
    ]


def test_sets_are_counted_over_what_may_be_read(rep: Restricted) -> None:
    world(rep)
    assert [x["name"] for x in rep.page("account", where="COUNT(deals, name == 'low deal') > 0")] == []
    assert [x["name"] for x in rep.page("account", where="COUNT(deals) > 0", sort=("name",))] == ["Near"]


def test_what_is_repeated_is_repeated_among_what_may_be_read(rep: Restricted) -> None:
    rep.r.create("account", name="Twice", city="Shanghai", grade="a")
    for city in ("Shanghai", "Shanghai", "Xi'an"):
        rep.r.create("account", name="Thrice", city=city, grade="b")
    rep.r.create("account", name="Twice", city="Xi'an", grade="a")
    assert [x["name"] for x in rep.page("account", where="REPEATED(name)")] == ["Thrice", "Thrice"]
    assert rep.page("account", where="REPEATED(name) and name == 'Twice'") == []  # the other one is hidden
    assert len(rep.page("account", where="not REPEATED(name)")) == 1
    everybody = Ask(object="account", fields=("name",), where="REPEATED(name)")
    assert len(read(rep.r.conn, rep.r.call, everybody, secret=SECRET).rows()) == 5


def test_a_related_list_needs_its_record_and_shows_readable_rows(rep: Restricted) -> None:
    made = world(rep)
    within = Within(object="account", id=made["low"], set="deals")
    assert rep.page("", within=within) == []
    with pytest.raises(NotFound):
        rep.page("", within=replace(within, id=made["far"]))


def test_search_asks_readable_rows_only(rep: Restricted) -> None:
    world(rep)
    assert [x["name"] for x in rep.page("account", q="far")] == []
    assert [x["name"] for x in rep.page("account", q="near")] == ["Near"]


DOORS: dict[str, dict[str, Any]] = {
    "where": {"where": "FIELD > 1000"},
    "sort": {"sort": ("-FIELD",)},
    "second sort": {"sort": ("name", "FIELD")},
    "fields": {"fields": ("name", "FIELD")},
    "function of it": {"where": "ROUND(FIELD, 0) == 1"},
    "blank": {"where": "ISBLANK(FIELD)"},
}


@pytest.mark.parametrize("door", DOORS)
def test_an_unreadable_field_is_an_unknown_field_byte_for_byte(rep: Restricted, door: str) -> None:
    """amount is there and hidden, xmount is not: nothing tells them apart."""

    def asked(name: str) -> dict[str, Any]:
        swap = {k: v.replace("FIELD", name) if isinstance(v, str) else tuple(x.replace("FIELD", name) for x in v)
                for k, v in DOORS[door].items()}  # fmt: skip
        return swap

    world(rep)
    assert rep.refusal("opportunity", **asked("amount")) == rep.refusal(
        "opportunity", **asked("axount")
    ).replace("axount", "amount")


@pytest.mark.parametrize(
    "path",
    [
        "amount",
        "lines.price",
        "account.deals",
        "contact.name",
        "owner.email.name",
        "partners.name",
        "product",
    ],
)
def test_unreadable_paths_are_unknown(rep: Restricted, path: str) -> None:
    assert "unknown_field" in rep.refusal("opportunity", fields=(path,))


def test_aggregates_over_hidden_objects_and_fields_are_unknown(rep: Restricted) -> None:
    for where in (
        "SUM(deals, amount) > 1",
        "COUNT(deals, amount > 1) > 0",
        "COUNT(notes) > 0",
        "MAX(deals, amount) > 1",
    ):
        assert "expr_" in rep.refusal("account", where=where)
        visible = rep.r.call
        assert read(rep.r.conn, visible, Ask(object="account", where=where), secret=SECRET).rows() == []


def test_the_star_is_what_may_be_read(rep: Restricted) -> None:
    world(rep)
    row = rep.page("opportunity", fields=("*",))[0]
    assert "amount" not in row and "expected" not in row and "name" in row


def test_history_leaves_out_what_may_not_be_read(rep: Restricted) -> None:
    made = world(rep)
    rep.r.update("opportunity", made["near deal"], amount="3000")
    rep.r.update("opportunity", made["near deal"], amount="4000", name="renamed")
    found = history(rep.r.conn, rep.call, "opportunity", made["near deal"])
    assert [(h["version"], h["old"]) for h in found] == [(3, {"name": "near deal"}), (1, {})]


def test_two_audiences_never_share_an_answer(rep: Restricted) -> None:
    world(rep)
    ask = Ask(object="account", fields=("name",), sort=("name",))
    everything = read(rep.r.conn, rep.r.call, ask, secret=SECRET).rows()
    mine = read(rep.r.conn, rep.call, ask, secret=SECRET).rows()
    assert len(everything) == 3 and len(mine) == 2
    assert read(rep.r.conn, rep.r.call, ask, secret=SECRET).rows() == everything


def test_my_record_is_a_parameter_not_a_constant(rep: Restricted) -> None:
    other = rep.r.create("user", name="Other")
    assert [x["id"] for x in rep.page("user")] == [rep.me]
    theirs = Actor(user=other, name="other", roles=frozenset({"rep"}))
    decide_for = given.grants_of
    grants = rep.grants
    patch = pytest.MonkeyPatch()
    patch.setattr(given, "grants_of", lambda m, a: grants if a is theirs else decide_for(m, a))
    try:
        call = replace(rep.call, actor=theirs)
        assert [x["id"] for x in read(rep.r.conn, call, Ask(object="user"), secret=SECRET).rows()] == [other]
    finally:
        patch.undo()


def test_a_figure_over_hidden_values_is_hidden_too(rep: Restricted) -> None:
    """won_total sums opportunity.amount, which the rep may not read; the count of deals reads nothing hidden."""
    world(rep)
    row = rep.page("account", where="name == 'Near'")[0]
    assert row["deals_count"] == 1
    assert {"won_total", "biggest", "average", "won_share"}.isdisjoint(row)
    assert "unknown_field" in rep.refusal("account", sort=("won_total",))
    everything = read(rep.r.conn, rep.r.call, Ask(object="account"), secret=SECRET).rows()[0]
    assert {"won_total", "biggest", "average", "won_share"} <= set(everything)


def test_counts_are_those_of_ones_own_kind(r: Records) -> None:
    """Roles of one name set: what an internal user was told must not answer one of the portal, for whom one of the roles is."""
    roles = [
        {"kind": "role", "name": "inside", "label": "In", "objects": {"account": {"read": "all"}}},
        {"kind": "role", "name": "outside", "label": "Out", "for_users": "portal", "objects": {"account": {"read": "own"}}},
    ]  # fmt: skip
    documents = {**r.call.model.documents, **{("role", str(r["name"])): r for r in roles}}
    model = replace(r.call.model, documents=documents)
    call = replace(r.call, model=model, tables=Tables(model, r.call.schema))
    before = counts(r.conn, call)["account"]
    r.create("account", name="Seen inside alone")
    names = frozenset({"inside", "outside"})
    me = r.create("user", name="Guest")
    internal = replace(call, actor=Actor(user=me, roles=names))
    portal = replace(call, actor=Actor(user=me, roles=names, kind="portal"))
    assert counts(r.conn, internal)["account"] == before + 1
    assert counts(r.conn, portal)["account"] == 0
