"""Comparing releases and meeting upgrades: properties by name, renames as renames, conflicts with both values."""

from __future__ import annotations

from typing import Any

from patron_engine.meta.compare import MISSING, compare
from patron_engine.meta.diff import diff_bodies, diff_documents
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Layer, fold
from patron_engine.meta.reader import read_documents
from patron_engine.meta.translations import missing_translations, untranslated
from patron_engine.meta.upgrade import upgrade


def body(text: str) -> dict[str, Any]:
    documents, problems = read_documents(f"kind: object\nname: account\n{text}", "a.yaml")
    assert problems == []
    return dict(documents[0].body)


def change(text: str) -> Document:
    documents, problems = read_documents(
        f"kind: change\nof: object/account\nagainst: 1.0.0\n{text}", "m.yaml"
    )
    assert problems == []
    return documents[0]


BASE = body(
    "label: A\nfields: [{name: a, type: text}, {name: b, type: money, min: 0}, {name: c, type: date}]\n"
)


def test_a_diff_names_properties_elements_and_renames() -> None:
    new = body("label: B\nfields: [{name: a2, was: a, type: text}, {name: c, type: date}, {name: b, type: money, min: 1},"
               " {name: d, type: text}]\nicon: x\n")  # fmt: skip
    found = {(e.what, e.path): (e.old, e.new) for e in compare(BASE, new)}
    assert found[("set", "label")] == ("A", "B")
    assert found[("set", "icon")] == (MISSING, "x")
    assert found[("rename", "fields.a.name")] == ("a", "a2")
    assert found[("set", "fields.b.min")] == (0, 1)
    assert found[("add", "fields.d")][1] == {"name": "d", "type": "text"}
    assert ("move", "fields.b") in found or ("move", "fields.c") in found
    assert not [e for e in found if e[0] == "remove"]


def test_equal_numbers_are_no_difference_and_truths_are_no_numbers() -> None:
    assert list(compare({"a": 1, "b": [True]}, {"a": 1, "b": [True]})) == []
    assert [e.path for e in compare({"a": 1}, {"a": True})] == ["a"]


def test_a_diff_of_releases_is_printable() -> None:
    text = "kind: object\nname: deal\nfields: [{name: a, type: text}]\n"
    old = fold(
        [
            Layer(
                name="core",
                documents=tuple(read_documents(text + "---\nkind: menu\nname: m\nentries: []\n", "a")[0]),
            )
        ]
    )
    renamed = "kind: object\nname: chance\nwas: deal\nfields: [{name: a, type: text, label: A}]\n"
    new = fold(
        [
            Layer(
                name="core",
                documents=tuple(
                    read_documents(renamed + "---\nkind: view\nname: v\nobject: chance\n", "a")[0]
                ),
            )
        ]
    )
    changes = diff_documents(old, new)
    assert [(c.action, c.kind, c.name, c.was) for c in changes] == [
        ("removed", "menu", "m", None),
        ("changed", "object", "chance", "deal"),
        ("added", "view", "v", None),
    ]
    assert "~ object chance (was deal)" in str(changes[1])
    assert "    ~ fields.a.label: nothing -> A" in str(changes[1])
    assert diff_documents(new, new) == ()
    assert diff_bodies({("menu", "m"): {"entries": []}}, {("menu", "m"): {"entries": []}}) == ()


def test_an_upgrade_takes_keeps_and_asks() -> None:
    theirs = body(
        "label: A1\nicon: star\nfields: [{name: a, type: text}, {name: b, type: money, min: 5}, {name: d, type: text}]\n"
    )
    mine = change("set: {label: Mine, icon: star, fields.a.help: H, fields.b.min: 7, fields.c.label: C}\n"
                  "add: {fields: [{name: d, type: date}, {name: c_x, type: text}]}\nremove: [fields.c]\n")  # fmt: skip
    met = upgrade(BASE, theirs, mine)
    assert {(c.path, c.base, c.theirs) for c in met.conflicts if c.entry[0] == "set"} == {
        ("label", "A", "A1"), ("fields.b.min", 0, 5), ("fields.c.label", MISSING, MISSING),
    }  # fmt: skip
    assert [c.path for c in met.conflicts if c.entry[0] == "add"] == ["fields.d"]
    assert set(met.kept) == {"fields.a.help", "fields.c_x"}
    assert ("set", "icon") in met.obsolete  # the new version says the same by itself
    assert ("remove", "fields.c") in met.obsolete  # the field is gone
    done = met.resolved(
        {"label": "mine", "fields.b.min": "theirs", "fields.c.label": "theirs", "fields.d": "theirs"}, "2.0.0"
    )
    assert done is not None
    assert done.body == {
        "kind": "change", "of": "object/account", "against": "2.0.0",
        "set": {"label": "Mine", "fields.a.help": "H"}, "add": {"fields": [{"name": "c_x", "type": "text"}]},
    }  # fmt: skip


def test_what_only_the_pack_changed_is_taken() -> None:
    theirs = body(
        "label: New\nfields: [{name: a, type: text}, {name: b, type: money, min: 0}, {name: c, type: date}]\n"
    )
    met = upgrade(BASE, theirs, change("set: {fields.a.help: H}\n"))
    assert met.conflicts == ()
    assert met.taken == ("label",)
    assert met.kept == ("fields.a.help",)


def test_languages_of_one_text_are_properties_of_their_own() -> None:
    base, theirs = body("label: {en: A, zh-CN: 甲}\n"), body("label: {en: B, zh-CN: 甲}\n")
    met = upgrade(base, theirs, change("set: {label: {zh-CN: 乙}}\n"))
    assert met.conflicts == ()
    assert met.kept == ("label.zh-CN",)
    assert met.taken == ("label.en",)


def test_nothing_is_left_of_a_change_the_pack_has_taken_over() -> None:
    met = upgrade({"label": "A"}, {"label": "B"}, change("set: {label: B}\n"))
    assert met.resolved({}, "2.0.0") is None


def test_texts_without_a_language_are_listed() -> None:
    text = (
        "kind: object\nname: deal\ntitle: name\nlabel: {en: Deal, zh-CN: 商机}\n"
        "fields:\n  - {name: a, type: text, label: Amount}\n  - {name: b, type: text, label: {zh-CN: 乙}, unit: '%'}\n"
        "rules: [{name: r, when: a == 'Text', message: {en: No, zh-CN: 不}}]\n"
    )
    documents = read_documents(text, "a.yaml")[0]
    gaps = missing_translations(documents, ("en", "zh-CN"))
    assert [(g.problem().path, g.missing) for g in gaps] == [
        ("fields.a.label", ("zh-CN",)), ("fields.b.label", ("en",)),
    ]  # fmt: skip
    assert gaps[0].problem().line == 6


def test_a_plan_tells_only_of_texts_that_came_to_lack_a_language() -> None:
    old = read_documents(
        "kind: object\nname: deal\ntitle: a\nlabel: Deal\nfields: [{name: a, type: text}]\n", "a.yaml"
    )[0]
    new = read_documents(
        "kind: object\nname: deal\ntitle: a\nlabel: Deal\nfields: [{name: a, type: text, label: {en: A, zh-CN: 甲}, help: Why}]\n",
        "a.yaml",
    )[0]
    before = {(d.kind, d.name): d.body for d in old}
    told = untranslated(before, new, ("en", "zh-CN"))
    assert [(p.code, p.level, p.path) for p in told] == [("missing_translation", "info", "fields.a.help")]
    assert untranslated({(d.kind, d.name): d.body for d in new}, new, ("en", "zh-CN")) == []


def test_rights_are_no_texts() -> None:
    role = (
        "kind: role\nname: r\nlabel: {en: R, zh-CN: 角色}\nfields: {deal: {title: read, description: none}}\n"
    )
    assert missing_translations(read_documents(role, "a.yaml")[0], ("en", "zh-CN")) == []
