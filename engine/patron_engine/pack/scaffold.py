"""Scaffold: a new pack that works, to change into one's own.

In: a folder that is empty or not there, a name, languages. Out: files on disk: a manifest, one object with a rule and
a formula, a layout, a view, a menu, a role, and a check that proves the rule. It is written through the same writer
that `pull` uses, and passes every check.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patron_engine.errors import WrongUse
from patron_engine.meta.writer import write_document
from patron_engine.names import name_fault

_WORDS: Mapping[str, tuple[str, str, str]] = {
    "name": ("Name", "名称", "名稱"),
    "state": ("State", "状态", "狀態"),
    "open": ("Open", "进行中", "進行中"),
    "done": ("Done", "已完成", "已完成"),
    "begins": ("Begins on", "开始日期", "開始日期"),
    "ends": ("Ends on", "结束日期", "結束日期"),
    "days": ("Days", "天数", "天數"),
    "basic": ("Basics", "基本信息", "基本資料"),
    "all": ("All", "全部", "全部"),
    "late": ("The end is before the beginning", "结束日期早于开始日期", "結束日期早於開始日期"),
    "user": ("User", "使用者", "使用者"),
}


def new_pack(
    folder: Path,
    name: str,
    *,
    label: str | None = None,
    prefix: str = "",
    languages: tuple[str, ...] = ("en", "zh-CN"),
) -> list[Path]:
    """Writes the pack and gives its files. WrongUse where the folder holds something or the name is none."""
    fault = name_fault(name) or (name_fault(f"{prefix}x") if prefix else None)
    if fault:
        raise WrongUse(f"{prefix or name!r} cannot be the name of a pack: {fault}", code="bad_name")
    if folder.exists() and any(folder.iterdir()):
        raise WrongUse(
            f"{folder} is not empty", code="folder_not_empty", hint="name a folder that is not there yet"
        )
    title = label or name.replace("_", " ").capitalize()
    files = {
        **_documents(name, title, prefix, languages),
        "README.md": _readme(title, name),
        "CHANGELOG.md": _CHANGELOG,
    }
    written = []
    for relative, text in files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _said(key: str, languages: tuple[str, ...]) -> Any:
    """A text of the table in the pack's languages; another language gets the English one, to be translated."""
    english, simplified, traditional = _WORDS[key]
    known = {"en": english, "zh-CN": simplified, "zh-TW": traditional}
    return {code: known.get(code, english) for code in languages}


def _documents(name: str, title: str, prefix: str, languages: tuple[str, ...]) -> dict[str, str]:
    item = f"{prefix}{name}"
    label = dict.fromkeys(languages, title)

    def said(key: str) -> Any:
        return _said(key, languages)

    bodies: dict[str, dict[str, Any]] = {
        "pack.yaml": {
            "kind": "pack", "name": name, "version": "0.1.0", "label": label, "requires": {"core": ">=0"},
            "platform": ">=0.1", "prefix": prefix, "languages": list(languages),
        },
        f"objects/{item}.yaml": {
            "kind": "object", "name": item, "label": label, "plural": label, "icon": "box", "title": "name",
            "features": ["activities", "comments", "files", "follow"], "search": ["name"],
            "fields": [
                {"name": "name", "type": "text", "label": said("name"), "required": True, "max_length": 120},
                {"name": "state", "type": "select", "label": said("state"), "default": "open", "options": [
                    {"name": "open", "label": said("open"), "color": "blue"},
                    {"name": "done", "label": said("done"), "color": "green"},
                ]},
                {"name": "begins_on", "type": "date", "label": said("begins"), "default": "=TODAY()"},
                {"name": "ends_on", "type": "date", "label": said("ends"), "required": "state == 'done'"},
                {"name": "days", "type": "formula", "label": said("days"), "expression": "DAYS(begins_on, ends_on)"},
            ],
            "rules": [
                {"name": "ends_after_it_begins", "when": "ends_on < begins_on", "at": "ends_on", "message": said("late")},
            ],
        },
        f"layouts/{item}.yaml": {
            "kind": "layout", "name": item, "object": item,
            "sections": [{"name": "basic", "label": said("basic"), "columns": 2,
                          "fields": ["name", "state", "begins_on", "ends_on", "days"]}],
            "related": ["activities"], "highlights": ["state", "ends_on"],
        },
        f"views/{item}_all.yaml": {
            "kind": "view", "name": f"{item}_all", "object": item, "label": said("all"),
            "columns": ["name", "state", "begins_on", "ends_on", "owner"], "sort": ["-begins_on", "name"],
        },
        f"menus/{item}.yaml": {
            "kind": "menu", "name": item, "label": label, "icon": "box", "entries": [{"name": "all", "object": item}],
        },
        f"roles/{item}_user.yaml": {
            "kind": "role", "name": f"{item}_user", "label": said("user"), "for_users": "internal",
            "objects": {item: {"create": True, "read": "all", "update": "own", "delete": "own"}}, "menus": [item],
        },
        f"checks/{item}_dates.yaml": {
            "kind": "check", "name": f"{item}_dates",
            "given": {"users": [{"name": "someone", "roles": [f"{item}_user"]}]},
            "steps": [
                {"name": "good", "as": "someone", "do": "create", "object": item,
                 "set": {"name": "A", "begins_on": "2026-01-01", "ends_on": "2026-01-11"}},
                {"as": "someone", "do": "update", "record": "good", "set": {"ends_on": "2025-12-31"},
                 "refused": "ends_after_it_begins"},
            ],
            "then": [{"as": "someone", "read": "good", "values": {"days": 10}}],
        },
    }  # fmt: skip
    return {file: write_document(body) for file, body in bodies.items()}


_CHANGELOG = "# Changes\n\n## 0.1.0\n\n- First version.\n"


def _readme(title: str, name: str) -> str:
    return f"""# {title}

A pack for Patron. Check it, then install it into a workspace:

```
patron pack check .
patron pack install . --workspace demo
```

`pack.yaml` says what it is and what it needs; every other file holds definitions. Folders are for people: `kind`
decides. `patron schema object` shows every key of an object. The check in `checks/` is run at installation: begin
there when you change what {name} does.
"""
