"""Packs: what may be in one, where they are found, in which order they stand, and how one is begun."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from patron_engine.errors import WrongUse
from patron_engine.meta.check import check_document
from patron_engine.meta.layers import fold
from patron_engine.meta.reader import read_documents
from patron_engine.pack.check import check_pack
from patron_engine.pack.export import files_of_documents
from patron_engine.pack.files import build_archive, checksum_of, files_of_archive, files_of_folder
from patron_engine.pack.resolve import resolve
from patron_engine.pack.scaffold import new_pack
from patron_engine.pack.source import Pack, find_packs, pack_of_files, read_archive, read_folder, read_pack
from patron_engine.pack.version import fits, parse_version

MANIFEST = b"kind: pack\nname: p\nversion: 1.0.0\nlabel: P\n"


def pack(name: str, version: str = "1.0.0", more: str = "") -> Pack:
    found, problems = pack_of_files(
        {"pack.yaml": f"kind: pack\nname: {name}\nversion: {version}\nlabel: P\n{more}".encode()}
    )
    assert problems == []
    assert found is not None
    return found


def codes(folder: Path) -> list[tuple[str, str | None]]:
    return [(p.code, p.file) for p in read_pack(folder)[1]]


def put(folder: Path, **files: bytes) -> Path:
    for name, content in {
        "pack.yaml": MANIFEST,
        **{k.replace("__", "/"): v for k, v in files.items()},
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_pack_is_read_with_its_templates_and_tables(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "hello.html").write_text("<p>{{ name }}</p>")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "accounts.csv").write_bytes("\ufeffname\nA\n".encode())
    (tmp_path / "README.zh-CN.md").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.exe").write_text("x")
    (tmp_path / "any.yaml").write_text(
        "kind: template\nname: t\nchannel: email\nbody_file: templates/hello.html\n"
    )
    found, problems = read_pack(tmp_path)
    assert problems == []
    assert found is not None
    assert (found.name, found.version, [d.name for d in found.documents]) == ("p", "1.0.0", ["t"])
    assert found.templates == {"templates/hello.html": "<p>{{ name }}</p>"}
    assert found.tables == {"demo/accounts.csv": "name\nA\n"}


@pytest.mark.parametrize(
    "name",
    [
        "run.py",
        "objects/x.js",
        "evil.html",
        "notes.md",
        "templates/x.js",
        "demo/x.xlsx",
        "x.sql",
        "Makefile",
        "a b.yaml",
    ],
)
def test_a_pack_holds_no_other_files(tmp_path: Path, name: str) -> None:
    put(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    assert codes(tmp_path) in ([("pack_file", name)], [("pack_name", name)])


def test_links_and_pipes_are_refused(tmp_path: Path) -> None:
    put(tmp_path)
    secret = tmp_path.parent / "secret.yaml"
    secret.write_text("kind: view\nname: v\nobject: o\n")
    (tmp_path / "link.yaml").symlink_to(secret)
    (tmp_path / "folder").symlink_to(tmp_path.parent)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert sorted(codes(tmp_path)) == [
        ("pack_file", "pipe.yaml"),
        ("pack_link", "folder"),
        ("pack_link", "link.yaml"),
    ]
    assert read_pack(tmp_path)[0].documents == ()  # type: ignore[union-attr]


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    put(tmp_path, A__a=b"")
    (tmp_path / "A" / "a").unlink()
    (tmp_path / "x.yaml").write_text("")
    (tmp_path / "X.yaml").write_text("")
    assert [code for code, _ in codes(tmp_path)] == ["pack_file_twice"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "no_manifest"),
        ({"pack.yaml": MANIFEST, "b.yaml": MANIFEST.replace(b"name: p", b"name: q")}, "manifest_here"),
        ({"pack.yaml": MANIFEST, "b.yaml": b"\xff"}, "not_utf8"),
        ({"pack.yaml": MANIFEST, "templates/a.html": b"\xff"}, "not_utf8"),
        ({"pack.yaml": MANIFEST, "b.yaml": b"kind: template\nname: t\nchannel: sms\nbody_file: templates/a.html\n"},
         "no_template_file"),
        ({"pack.yaml": MANIFEST, "b.yaml": b"kind: menu\nname: m\nentries: []\n---\nkind: menu\nname: m\nentries: []\n"},
         "duplicate_document"),
        ({"pack.yaml": MANIFEST, "b.yaml": b"kind: menu\nname: m\nentires: []\n"}, "unknown_key"),
    ],
)  # fmt: skip
def test_a_pack_that_is_wrong_says_where(files: dict[str, bytes], code: str) -> None:
    assert code in [p.code for p in pack_of_files(files)[1]]


def archive(*entries: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            whole.writestr(entry, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../x.yaml", "/etc/x.yaml", "a/../../x.yaml", "C:\\x.yaml", "a//x.yaml", "./x.yaml"]
)
def test_an_archive_cannot_name_files_elsewhere(name: str) -> None:
    files, problems = files_of_archive(archive(("pack.yaml", MANIFEST), (name, b"kind: menu")))
    assert set(files) == {"pack.yaml"}
    assert [p.code for p in problems] == ["pack_name"]


def test_an_archive_with_links_bombs_lies_or_garbage_is_refused() -> None:
    assert [
        p.code for p in files_of_archive(archive(("a.yaml", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777))[1]
    ] == ["pack_link"]
    bomb = archive(("a.yaml", b"0" * 60_000_000))
    assert len(bomb) < 100_000
    assert files_of_archive(bomb) == ({}, files_of_archive(bomb)[1])
    assert [p.code for p in files_of_archive(bomb)[1]] == ["pack_too_large"]
    honest = archive(("a.yaml", b"x" * 1000))
    lie = honest.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert files_of_archive(lie)[0] == {}
    assert [p.code for p in files_of_archive(lie)[1]] == ["pack_archive"]
    assert [p.code for p in files_of_archive(b"PK\x05\x06garbage")[1]] == ["pack_archive"]
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive(("a.yaml", b"1"), ("a.yaml", b"2"))
    assert [p.code for p in files_of_archive(twice)[1]] == ["pack_file_twice"]


def test_an_archive_with_a_million_names_is_refused_before_it_is_listed() -> None:
    honest = bytearray(archive(("a.yaml", b"x")))
    at = honest.rfind(b"PK\x05\x06")
    honest[at + 12 : at + 16] = (50_000_000).to_bytes(4, "little")
    assert [p.code for p in files_of_archive(bytes(honest))[1]] == ["pack_too_large"]


def test_a_built_archive_is_the_pack_and_always_the_same_bytes(tmp_path: Path) -> None:
    put(tmp_path, objects__a=b"")
    (tmp_path / "objects" / "a").unlink()
    (tmp_path / "m.yaml").write_text("kind: menu\nname: m\nentries: []\n")
    files, _ = files_of_folder(tmp_path)
    data = build_archive(files)
    assert data == build_archive(dict(reversed(files.items())))
    again, problems = read_archive(data)
    assert problems == []
    assert again is not None
    assert again.checksum == checksum_of(files)
    assert checksum_of({**files, "m.yaml": b""}) != checksum_of(files)


@pytest.mark.parametrize(
    ("version", "wanted", "fit"),
    [
        ("1.2.0", ">=1.0 <2", True), ("2.0.0", ">=1.0 <2", False), ("1.0.0", ">1.0", False), ("1.2.3", "1.2", True),
        ("1.3.0", "1.2", False), ("1.9.9", "^1.2", True), ("2.0.0", "^1.2", False), ("0.2.5", "^0.2", True),
        ("0.3.0", "^0.2", False), ("1.2.9", "~1.2.3", True), ("1.3.0", "~1.2.3", False), ("5.0.0", "*", True),
        ("1.10.0", ">=1.9", True), ("1.0.0-rc.1", ">=1.0", False), ("1.0.0-rc.2", ">1.0.0-rc.1", True),
        ("x", "*", False), ("1.0.0", "new", False),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(version: str, wanted: str, fit: bool) -> None:
    assert fits(version, wanted) is fit


def test_pre_releases_stand_before_the_release() -> None:
    order = ["1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-beta", "1.0.0", "1.0.1"]
    versions = [parse_version(v) for v in order]
    assert sorted(versions, key=lambda v: v) == versions  # type: ignore[type-var, return-value, arg-type]


def available(*packs: Pack) -> dict[str, Pack]:
    return {p.name: p for p in packs}


def test_packs_stand_above_what_they_require_and_may_use() -> None:
    packs = available(
        pack("sales", more="requires: {core: '>=1'}\noptional: {service: '>=1'}\n"),
        pack("service", more="requires: {core: '>=1'}\n"),
        pack("core"),
    )
    assert [p.name for p in resolve(["sales"], packs, "0.1.0").order] == ["core", "sales"]
    both = resolve(["sales", "service"], packs, "0.1.0")
    assert [p.name for p in both.order] == ["core", "service", "sales"]
    assert both.problems == ()
    assert [(layer.name, layer.requires) for layer in both.layers] == [
        ("core", ()), ("service", ("core",)), ("sales", ("core", "service")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("requires: {core: '>=2'}\n", "pack_version", "here is 1.0.0"),
        ("requires: {coer: '>=1'}\n", "pack_missing", "'coer'"),
        ("optional: {core: '>=2'}\n", "pack_version", "core >=2"),
        ("platform: '>=9'\n", "platform_version", "0.1.0"),
        ("requires: {b: '*'}\n", "pack_circle", "a -> b -> a"),
    ],
)
def test_what_does_not_fit_is_told_where_it_is_asked_for(more: str, code: str, said: str) -> None:
    packs = available(pack("core"), pack("a", more=more), pack("b", more="requires: {a: '*'}\n"))
    wanted = ["a", "core"] if "optional" in more else ["a"]
    problems = resolve(wanted, packs, "0.1.0").problems
    assert [p.code for p in problems] == [code]
    assert said in problems[0].message
    assert code == "pack_circle" or problems[0].line == 5


def test_a_pack_that_is_not_there_gets_the_nearest_name() -> None:
    (problem,) = resolve(["saels"], available(pack("sales")), "0.1.0").problems
    assert problem.hint == "did you mean 'sales'?"


def test_packs_are_found_in_folders_and_as_installed(tmp_path: Path) -> None:
    put(tmp_path / "mine")
    (tmp_path / "other").mkdir()
    found = find_packs([tmp_path])
    assert found["p"] == tmp_path / "mine"
    assert find_packs([tmp_path / "mine"])["p"] == tmp_path / "mine"
    assert "p" not in find_packs()


def test_a_new_pack_works_as_it_is(tmp_path: Path) -> None:
    written = new_pack(
        tmp_path / "fleet", "fleet", label="Fleet", prefix="ab_", languages=("en", "zh-CN", "zh-TW")
    )
    assert tmp_path / "fleet" / "objects" / "ab_fleet.yaml" in written
    found, problems = read_pack(tmp_path / "fleet")
    assert problems == []
    assert found is not None
    assert check_pack(found) == []
    assert {d.kind for d in found.documents} == {"object", "layout", "view", "menu", "role", "check"}
    effective = fold(resolve(["fleet"], available(found, pack("core")), "0.1.0").layers)
    assert effective.problems == ()
    assert [p for d in effective.documents.values() for p in check_document(d)] == []
    with pytest.raises(WrongUse, match="not empty"):
        new_pack(tmp_path / "fleet", "fleet")
    with pytest.raises(WrongUse, match="name"):
        new_pack(tmp_path / "x", "Fleet")


def test_a_third_partys_names_carry_its_prefix_and_gaps_are_warned_of() -> None:
    files = {
        "pack.yaml": MANIFEST + b"prefix: re_\nlanguages: [en, zh-CN]\n",
        "o.yaml": b"kind: object\nname: house\nlabel: {en: House, zh-CN: H}\nfields: []\nneeds: [other]\n",
    }
    found, problems = pack_of_files(files)
    assert problems == []
    assert found is not None
    assert [(p.code, p.file, p.level) for p in check_pack(found)] == [
        ("prefix_missing", "o.yaml", "error"), ("unknown_pack", "o.yaml", "error"),
        ("missing_translation", "pack.yaml", "warning"),
    ]  # fmt: skip


def test_a_folder_of_a_workspace_is_written_and_read_back(tmp_path: Path) -> None:
    text = (
        "kind: workspace\nname: workspace\ncurrency: EUR\n---\n"
        "kind: change\nof: object/account\nset: {label: X}\n---\nkind: view\nname: v\nobject: account\n"
    )
    documents = read_documents(text, "a.yaml")[0]
    files = files_of_documents(documents)
    assert set(files) == {"workspace.yaml", "changes/object_account.yaml", "views/v.yaml"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found, problems = read_folder(tmp_path)
    assert problems == []
    assert {d.key: d.body for d in found.documents} == {d.key: d.body for d in documents}
    put(tmp_path)
    assert [p.code for p in read_folder(tmp_path)[1]] == ["manifest_here"]
