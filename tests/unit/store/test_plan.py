"""Plans: what is done to tables, from shapes alone."""

from __future__ import annotations

from dataclasses import replace

from patron_engine.store.apply import locks_of
from patron_engine.store.plan import SMALL_TABLE, plan
from patron_engine.store.shape import SchemaShape, TableShape
from patron_engine.store.steps import (
    AddColumns,
    AddForeignKey,
    CreateIndex,
    DropConstraint,
    DropIndex,
    EmptyOrphans,
    Facts,
    Validate,
)
from patron_testing.shapes import by, column, schema, table

ACCOUNT = table(
    "account", column("name", "text"), column("amount", "numeric"), indexes=[by("account", "name")]
)
BIG = Facts(rows={"account": 1_000_000, "contact": 1_000_000})


def steps(want: SchemaShape, live: SchemaShape, facts: Facts | None = None) -> list[type]:
    return [type(s.op) for s in plan(want, live, facts).steps]


def test_tables_as_desired_need_nothing() -> None:
    assert plan(schema(ACCOUNT), schema(ACCOUNT)).empty


def test_what_no_model_wants_stays() -> None:
    old = table("lead", column("name", "text"))
    wider = table(
        "account", *ACCOUNT.columns.values(), column("gone", "text"), indexes=ACCOUNT.indexes.values()
    )
    assert plan(schema(ACCOUNT), schema(wider, old)).empty


def test_a_new_field_of_a_million_rows_changes_the_catalogue_only_and_the_rest_is_tasks() -> None:
    want = table(
        "account",
        column("name", "text"),
        column("amount", "numeric"),
        column("boss", "uuid"),
        column("net", "numeric"),
        indexes=[by("account", "name"), by("account", "net")],
        links={"boss": "account"},
    )
    made = plan(schema(want), schema(ACCOUNT), BIG)
    assert [type(s.op) for s in made.steps] == [AddColumns, AddForeignKey]
    assert all("NOT VALID" in s.sql[0] for s in made.steps)
    assert "NOT NULL" not in made.steps[0].sql[0]
    assert "DEFAULT" not in made.steps[0].sql[0]
    assert {t.kind for t in made.tasks} == {"index_build", "validate_constraint"}
    assert {r.code for r in made.risks} == {"lk_task"}


def test_a_small_table_is_done_at_once() -> None:
    want = table("account", column("name", "text"), column("amount", "numeric"), column("net", "numeric"),
                 indexes=[by("account", "name"), by("account", "net")])  # fmt: skip
    made = plan(schema(want), schema(ACCOUNT), Facts(rows={"account": SMALL_TABLE}))
    assert [type(s.op) for s in made.steps] == [AddColumns, CreateIndex, Validate]
    assert not made.tasks


def test_only_indexes_of_our_own_are_dropped() -> None:
    by_hand = replace(by("account", "amount"), name="dba_index", mark=None)
    ours = by("account", "amount")
    live = replace(ACCOUNT, indexes={**ACCOUNT.indexes, by_hand.name: by_hand, ours.name: ours})
    made = plan(schema(ACCOUNT), schema(live))
    assert [s.op for s in made.steps] == [DropIndex(name=ours.name, table="account")]


def test_an_index_that_was_defined_anew_is_replaced() -> None:
    name = "account__name__ix"
    anew = replace(by("account", "name", where="deleted_at IS NULL AND amount > 0"), name=name)
    want = replace(ACCOUNT, indexes={name: anew})
    assert steps(schema(want), schema(ACCOUNT)) == [DropIndex, CreateIndex]
    assert [t.kind for t in plan(schema(want), schema(ACCOUNT), BIG).tasks] == ["index_build"]


def test_an_invalid_index_is_built_again() -> None:
    live = replace(ACCOUNT, indexes={n: replace(i, valid=False) for n, i in ACCOUNT.indexes.items()})
    assert steps(schema(ACCOUNT), schema(live)) == [DropIndex, CreateIndex]


def test_a_link_taken_up_again_loses_only_links_to_nothing() -> None:
    def contact(links: dict[str, str]) -> TableShape:
        return table("contact", column("account", "uuid"), links=links)

    linked, aside = contact({"account": "account"}), contact({})
    assert steps(schema(ACCOUNT, linked), schema(ACCOUNT, aside)) == [EmptyOrphans, AddForeignKey]
    assert steps(schema(ACCOUNT, aside), schema(ACCOUNT, linked)) == [DropConstraint]
    task = plan(schema(ACCOUNT, linked), schema(ACCOUNT, aside), BIG).tasks[0]
    assert task.payload["orphans"] == [{"column": "account", "target": "account"}]


def test_a_link_to_another_object_is_refused_while_it_holds_values() -> None:
    here = table("contact", column("to", "uuid"), links={"to": "account"})
    there = replace(
        here, foreign_keys={n: replace(k, target="contact") for n, k in here.foreign_keys.items()}
    )
    facts = Facts(links={("contact", "to"): 3})
    assert [r.code for r in plan(schema(there), schema(here), facts).risks if r.level == "error"] == [
        "mf_link_target"
    ]
    assert steps(schema(there), schema(here)) == [DropConstraint, AddForeignKey]


def test_duplicates_refuse_and_are_named() -> None:
    want = replace(ACCOUNT, indexes={"u": replace(by("account", "name", unique=True), name="u")})
    twice = {"u": [{"values": ["Acme"], "ids": ["1", "2"], "count": 2}]}
    (risk,) = [
        r for r in plan(schema(want), schema(ACCOUNT), Facts(duplicates=twice)).risks if r.level == "error"
    ]
    assert risk.code == "mf_unique_duplicates"
    assert "2 × Acme" in risk.message
    assert "1, 2" in str(risk.hint)


def test_a_column_of_another_type_is_not_touched() -> None:
    live = table(
        "account", column("name", "text"), column("amount", "text"), indexes=ACCOUNT.indexes.values()
    )
    made = plan(schema(ACCOUNT), schema(live))
    assert AddColumns not in [type(s.op) for s in made.steps]
    assert "bc_column_type" in {r.code for r in made.risks if r.level == "error"}


def test_a_table_that_used_up_its_column_numbers_is_copied() -> None:
    live = replace(ACCOUNT, used=1_201)
    assert [t.kind for t in plan(schema(ACCOUNT), schema(live)).tasks] == ["copy_table"]
    assert plan(schema(ACCOUNT), schema(replace(ACCOUNT, used=1_200))).empty


def test_more_columns_than_a_table_can_have() -> None:
    def wide(n: int) -> TableShape:
        return table("account", *(column(f"c{i}", "text") for i in range(n)))

    assert "limit_table_columns" not in {r.code for r in plan(schema(wide(1_497)), schema(wide(1))).risks}
    assert "limit_table_columns" in {r.code for r in plan(schema(wide(1_498)), schema(wide(1))).risks}


def test_checksum_follows_the_live_tables() -> None:
    want = table("account", column("name", "text"), column("amount", "numeric"), column("net", "numeric"),
                 indexes=[by("account", "name")])  # fmt: skip
    first = plan(schema(want), schema(ACCOUNT), Facts(rows={"account": 5}))
    assert first.checksum == plan(schema(want), schema(ACCOUNT), Facts(rows={"account": 6})).checksum
    stray = replace(ACCOUNT, columns={**ACCOUNT.columns, "stray": column("stray", "text")})
    assert first.checksum != plan(schema(want), schema(stray), Facts(rows={"account": 5})).checksum
    assert first.checksum != plan(schema(want), schema(ACCOUNT), BIG).checksum


def test_existing_tables_are_locked_and_new_ones_are_not() -> None:
    lead = table(
        "lead", column("account", "uuid"), links={"account": "account"}, indexes=[by("lead", "account")]
    )
    made = plan(schema(ACCOUNT, lead), schema(ACCOUNT))
    assert locks_of(made.steps, {"lead"}) == ([], ["account"])


def test_a_plan_can_be_printed() -> None:
    shown = plan(schema(ACCOUNT), schema()).as_dict()
    assert shown["steps"][0]["sentence"] == "create table account"
    assert shown["steps"][0]["sql"][0].startswith('CREATE TABLE "w_store"."account" (')
