"""Layers: what a change sets, adds, moves and hides; who gave what; what packs and the workspace may do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron_engine.meta.change import Draft, apply_change
from patron_engine.meta.check import check_document
from patron_engine.meta.compare import same
from patron_engine.meta.computed import computed_change
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Effective, Layer, fold, workspace_layer
from patron_engine.meta.reader import read_documents

ACCOUNT = """\
kind: object
name: account
label: Account
icon: building
fields:
  - {name: name, type: text, label: {en: Name, zh-CN: 名称}, required: true}
  - name: stage
    type: select
    options:
      - {name: prospecting, label: Prospecting}
      - {name: won, label: Won}
      - {name: lost, label: Lost}
  - {name: probability, type: percent, was: [chance]}
  - {name: amount, type: money, min: 0}
rules:
  - {name: r, when: amount < 0, message: No}
"""


def documents(text: str, file: str = "a.yaml") -> tuple[Document, ...]:
    found, problems = read_documents(text, file)
    assert problems == []
    return tuple(found)


def layers(workspace: str = "", pack: str = "", base: str = ACCOUNT, *, prefix: str = "") -> Effective:
    core = Layer(name="core", documents=documents(base, "core.yaml"), version="1.2.0")
    middle = Layer(
        name="re", documents=documents(pack, "re.yaml"), version="1.0.0", prefix=prefix, requires=("core",)
    )
    return fold([core, *([middle] if pack else []), workspace_layer(documents(workspace, "mine.yaml"))])


def changed(change: str) -> Effective:
    return layers(f"kind: change\nof: object/account\nagainst: 1.2.0\n{change}")


def account(effective: Effective) -> dict[str, object]:
    assert [str(p) for p in effective.problems] == []
    return dict(effective.documents[("object", "account")].body)


def names(effective: Effective, key: str = "fields") -> list[str]:
    return [item["name"] for item in account(effective)[key]]  # type: ignore[index, attr-defined]


def test_a_change_sets_properties_by_the_names_of_elements() -> None:
    effective = changed("set: {fields.amount.label: {zh-CN: 预计金额}, fields.amount.min: null, icon: star}")
    body = account(effective)
    assert body["fields"][3] == {"name": "amount", "type": "money", "label": {"zh-CN": "预计金额"}}  # type: ignore[index]
    assert body["icon"] == "star"


def test_maps_merge_and_a_plain_text_becomes_english() -> None:
    body = account(changed("set: {label: {zh-CN: 客户}, fields.name.label: {zh-CN: 名字}}"))
    assert body["label"] == {"en": "Account", "zh-CN": "客户"}
    assert body["fields"][0]["label"] == {"en": "Name", "zh-CN": "名字"}  # type: ignore[index]


def test_a_plain_element_takes_properties() -> None:
    base = "kind: object\nname: account\nfields: [{name: stage, type: select, options: [new, won]}]\n"
    text = "kind: change\nof: object/account\nagainst: 1.2.0\nset: {fields.stage.options.won.label.zh-CN: 赢单, fields.stage.options.new: {color: gray}}"
    body = account(layers(text, base=base))
    stage = body["fields"][0]  # type: ignore[index]
    assert stage["options"] == [{"name": "new", "color": "gray"}, {"name": "won", "label": {"zh-CN": "赢单"}}]
    wrong = layers(text.replace("won.label", "wonn.label"), base=base)
    assert [p.code for p in wrong.problems] == ["unknown_element"]


def test_added_elements_stand_where_the_change_says() -> None:
    text = "add: {fields: [{name: c_a, type: text, after: name}, {name: c_b, type: text}, {name: c_c, type: date, before: name}]}"
    assert names(changed(text)) == ["c_c", "name", "c_a", "stage", "probability", "amount", "c_b"]
    options = changed("add: {fields.stage.options: [{name: c_pilot, after: prospecting}]}")
    stage = account(options)["fields"][1]  # type: ignore[index]
    assert [o["name"] for o in stage["options"]] == ["prospecting", "c_pilot", "won", "lost"]
    assert "after" not in stage["options"][1]


def test_elements_move_and_are_hidden() -> None:
    assert names(changed("move: {fields.amount: {after: name}}")) == [
        "name",
        "amount",
        "stage",
        "probability",
    ]
    effective = changed("remove: [fields.probability]")
    assert names(effective) == ["name", "stage", "amount"]
    what, by = effective.documents[("object", "account")].removed["fields.probability"]
    assert what == {"name": "probability", "type": "percent", "was": ["chance"]}
    assert by.document.layer == "workspace"


def test_a_former_name_still_finds_the_element() -> None:
    body = account(changed("set: {fields.chance.label: Odds}"))
    assert body["fields"][2]["label"] == "Odds"  # type: ignore[index]


def test_a_former_name_still_finds_the_document() -> None:
    base = "kind: object\nname: account\nwas: [customer]\nfields: []\n"
    effective = layers("kind: change\nof: object/customer\nset: {label: C}\n", base=base)
    assert account(effective)["label"] == "C"
    assert effective.find("object", "customer") is effective.documents[("object", "account")]
    taken = layers(
        "kind: view\nname: v\nobject: account\n",
        base=base + "---\nkind: object\nname: customer\nfields: []\n",
    )
    assert [p.code for p in taken.problems] == ["name_taken"]


def test_every_property_says_which_layer_gave_it() -> None:
    effective = changed("set: {fields.amount.label: {zh-CN: 金额}}\nadd: {fields: [{name: c_a, type: text}]}")
    found = effective.documents[("object", "account")]
    assert found.origin("fields.amount.label.zh-CN") == "workspace"
    assert found.origin("fields.amount.type") == "core"
    assert found.origin("fields.c_a.type") == "workspace"
    assert found.origin() == "core"


def test_a_problem_of_the_effective_document_stands_in_the_file_that_caused_it() -> None:
    effective = changed(
        "set:\n  fields.amount.tpye: text\nadd:\n  fields:\n    - {name: c_a, type: text,\n       maxlength: 4}"
    )
    found = check_document(effective.documents[("object", "account")])
    assert [(p.code, p.file, p.line, p.path) for p in found] == [
        ("unknown_key", "mine.yaml", 5, "fields.amount.tpye"),
        ("unknown_key", "mine.yaml", 9, "fields.c_a.maxlength"),
    ]
    broken = fold([Layer(name="core", documents=documents(ACCOUNT.replace("type: money", "type: mony"), "core.yaml")),
                   workspace_layer(documents("kind: change\nof: object/account\nmove: {fields.amount: {after: name}}\n"))])  # fmt: skip
    told = check_document(broken.documents[("object", "account")])
    assert [(p.code, p.file, p.line) for p in told] == [("unknown_word", "core.yaml", 14)]


@pytest.mark.parametrize(
    ("change", "code", "hint"),
    [
        ("set: {fields.amuont.label: X}", "unknown_element", "'amount'"),
        ("set: {fields.amount: null}", "not_a_key", "remove: [fields.amount]"),
        ("set: {name: other}", "not_changeable", "keeps its name"),
        ("add: {fields: [{name: amount, type: text}]}", "element_exists", "another name"),
        ("add: {fields: [{name: mine, type: text}]}", "prefix_missing", "c_mine"),
        ("add: {fields: [{name: c_a, type: text, after: nme}]}", "unknown_element", "'name'"),
        ("add: {icon: [{name: c_a}]}", "not_a_list", "set"),
        ("move: {fields.amount: {after: nme}}", "unknown_element", "'name'"),
        ("move: {icon: {after: label}}", "unknown_element", None),
        ("remove: [fields.amuont]", "unknown_element", "'amount'"),
        ("remove: [icon]", "not_an_element", "icon: null"),
    ],
)
def test_a_change_that_meets_nothing_is_told(change: str, code: str, hint: str | None) -> None:
    effective = changed(change)
    assert code in [p.code for p in effective.problems]
    problem = next(p for p in effective.problems if p.code == code)
    assert problem.file == "mine.yaml"
    assert problem.line == 4
    assert hint is None or hint in str(problem.hint)
    assert ("object", "account") in effective.documents


def test_a_change_of_nothing_and_two_changes_are_told() -> None:
    assert [p.code for p in layers("kind: change\nof: object/acount\nset: {icon: x}\n").problems] == [
        "unknown_document"
    ]
    twice = "kind: change\nof: object/account\nset: {icon: x}\n"
    assert [p.code for p in layers(f"{twice}---\n{twice}").problems] == ["second_change"]


def test_another_version_is_a_warning() -> None:
    problems = layers("kind: change\nof: object/account\nagainst: 1.1.0\nset: {icon: x}\n").problems
    assert [(p.code, p.level) for p in problems] == [("against_other_version", "warning")]


def test_a_document_that_needs_an_absent_pack_is_not_there_and_its_changes_say_nothing() -> None:
    pack = "kind: view\nname: v\nobject: account\nneeds: [service]\n"
    effective = layers("kind: change\nof: view/v\nset: {limit: 5}\n", pack)
    assert ("view", "v") not in effective.documents
    assert effective.problems == ()


def test_a_whole_document_over_a_packs_is_stored_as_the_change_it_makes() -> None:
    mine = ACCOUNT.replace("icon: building", "icon: star").replace("label: Won", "label: Gewonnen") + (
        "  - {name: c_more, when: amount > 9, message: Too much}\n"
    )
    effective = layers(mine)
    assert effective.problems == ()
    change = effective.changes[("object", "account")]
    assert change.body["set"] == {"icon": "star", "fields.stage.options.won.label": "Gewonnen"}
    assert change.body["add"]["rules"][0]["name"] == "c_more"
    assert effective.documents[("object", "account")].body == documents(mine)[0].body
    assert effective.documents[("object", "account")].where(("icon",))["line"] == 4
    assert layers(ACCOUNT).changes == {}


def test_the_workspaces_own_objects_carry_its_prefix() -> None:
    assert layers("kind: object\nname: c_visit\nfields: []\n").problems == ()
    assert [p.code for p in layers("kind: object\nname: visit\nfields: []\n").problems] == ["prefix_missing"]
    assert layers("kind: view\nname: visits\nobject: account\n").problems == ()


PACK = "kind: change\nof: {of}\n{change}\n"


@pytest.mark.parametrize(
    "change",
    [
        "set: {label: {zh-CN: 公司}, fields.amount.help: Why, fields.stage.options.won.color: green}",
        "add: {fields: [{name: re_area, type: decimal}], rules: [{name: re_x, when: re_area < 0, message: No}]}",
        "move: {fields.amount: {after: name}}",
    ],
)
def test_a_pack_may_add_and_relabel_what_it_requires(change: str) -> None:
    assert layers(pack=PACK.format(of="object/account", change=change), prefix="re_").problems == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("remove: [fields.amount]", "pack_may_not_remove"),
        ("set: {fields.amount.type: text}", "pack_may_not_set"),
        ("set: {fields.amount.min: null}", "pack_may_not_set"),
        ("set: {rules.r.when: 'false'}", "pack_may_not_set"),
        ("set: {fields.name.required: false}", "pack_may_not_set"),
        ("add: {fields: [{name: area, type: decimal}]}", "prefix_missing"),
        ("add: {fields.stage.options: [area]}", "prefix_missing"),
    ],
)
def test_a_pack_may_not_take_away_or_loosen(change: str, code: str) -> None:
    effective = layers(pack=PACK.format(of="object/account", change=change), prefix="re_")
    assert [p.code for p in effective.problems] == [code]
    if code != "prefix_missing":
        assert effective.documents[("object", "account")].body == documents(ACCOUNT)[0].body


def test_a_pack_may_not_widen_rights_but_may_give_its_own_objects_to_a_role() -> None:
    role = "\n---\nkind: role\nname: rep\nobjects: {account: {read: own}}\n"
    mine = "kind: object\nname: re_house\nfields: []\n---\n"
    good = mine + "kind: change\nof: role/rep\nset: {objects.re_house: {create: true, read: all}}\n"
    assert layers(pack=good, base=ACCOUNT + role, prefix="re_").problems == ()
    for change in (
        "set: {objects.account.read: all}",
        "add: {actions: [unmask]}",
        "set: {objects: {account: {read: all}}}",
    ):
        bad = mine + f"kind: change\nof: role/rep\n{change}\n"
        assert [p.code for p in layers(pack=bad, base=ACCOUNT + role, prefix="re_").problems] == [
            "pack_may_not_set"
        ]


def test_a_pack_may_not_touch_what_it_does_not_require_or_take_a_name() -> None:
    core = Layer(name="core", documents=documents(ACCOUNT))
    stranger = Layer(name="x", documents=documents("kind: change\nof: object/account\nset: {label: X}\n"))
    assert [p.code for p in fold([core, stranger]).problems] == ["not_required"]
    thief = Layer(name="x", documents=documents(ACCOUNT), requires=("core",))
    assert [p.code for p in fold([core, thief]).problems] == ["name_taken"]


def test_a_document_can_be_hidden() -> None:
    effective = changed('remove: ["*"]')
    assert ("object", "account") not in effective.documents
    assert ("object", "account") in effective.hidden


element_names = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)
leaf = st.sampled_from([1, 2, "x", "y", True, False]) | st.lists(st.integers(0, 3), max_size=2)
element = st.dictionaries(st.sampled_from(["label", "min", "max"]), leaf, max_size=3)
plain = st.dictionaries(
    st.sampled_from(["icon", "claim", "set"]), leaf | st.dictionaries(st.sampled_from("pqr"), leaf)
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, object]:
    items = [{"name": name, **draw(element)} for name in draw(element_names)]
    nested = [{"name": n, "options": [{"name": o} for o in draw(element_names)]} for n in draw(element_names)]
    return {"kind": "object", "name": "account", "fields": items, "nested": nested, **draw(plain)}


@settings(deadline=None)
@given(bodies(), bodies())
def test_a_computed_change_makes_the_one_out_of_the_other(
    base: dict[str, object], mine: dict[str, object]
) -> None:
    below = Document(kind="object", name="account", body=base)
    change = computed_change(base, Document(kind="object", name="account", body=mine))
    draft = Draft.of(below)
    if change is not None:
        assert apply_change(draft, change) == []
    assert same(draft.body, mine)
    assert (change is None) == same(base, mine)


def test_what_has_activities_or_comments_is_what_those_are_about() -> None:
    carrier = "kind: object\nname: {}\nlabel: X\ntitle: name\nfields:\n  - {{name: name, type: text, label: N}}\n  - {{name: about, type: lookup, to: [account], label: A}}\n"
    core = "---\n".join([ACCOUNT, *(carrier.format(name) for name in ("activity", "task", "comment"))])
    mine = "kind: object\nname: c_{}\nlabel: X\ntitle: name\nfeatures: [{}]\nfields: [{{name: name, type: text, label: N}}]\n"
    made = layers(
        "---\n".join([mine.format("both", "comments, activities"), mine.format("said", "comments")]),
        base=core,
    )

    def about(name: str) -> list[str]:
        found = made.find("object", name)
        assert found is not None
        targets: list[str] = found.body["fields"][1]["to"]
        return targets

    assert about("activity") == about("task") == ["account", "c_both"]
    assert about("comment") == ["account", "c_both", "c_said"]
