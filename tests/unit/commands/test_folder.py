"""A workspace's layer in a folder: nothing somebody wrote is lost by writing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from patron_engine.errors import Conflict
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_platform.folder import read_folder, write_folder

CITY = "{kind: change, of: object/deal, add: {fields: [{name: c_city, type: text, label: {en: City}}]}}\n"
ZIP = CITY.replace("c_city", "c_zip").replace("City", "ZIP")
VIEW = "{kind: setting, name: limit, type: integer, value: 5, label: {en: Limit}}\n"


def layer(text: str) -> list[Layer]:
    documents, problems = read_documents(text, "layer")
    assert not problems
    return [Layer(name="workspace", documents=tuple(documents))]


def test_a_file_of_the_same_content_elsewhere_moves_to_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CITY)
    made = write_folder(tmp_path, layer(CITY))
    assert (made.files, made.removed, made.kept) == (("changes/object_deal.yaml",), ("mine.yaml",), ())
    assert [d.key for d in read_folder(tmp_path)] == [("change", "object/deal")]


def test_what_the_workspace_does_not_have_is_kept_and_told(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "new.yaml").write_text(VIEW)
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "build.yaml").write_text(CITY)
    made = write_folder(tmp_path, layer(CITY))
    assert (made.removed, made.kept) == ((), ("settings/new.yaml",))
    assert (tmp_path / "docker-compose.yaml").is_file() and (tmp_path / ".github" / "build.yaml").is_file()


def test_a_file_changed_here_stops_the_writing_until_it_is_published(tmp_path: Path) -> None:
    write_folder(tmp_path, layer(CITY))
    file = tmp_path / "changes" / "object_deal.yaml"
    file.write_text(ZIP)
    with pytest.raises(Conflict) as caught:
        write_folder(tmp_path, layer(CITY + "---\n" + VIEW))
    assert caught.value.code == "folder_changed" and "changes/object_deal.yaml" in caught.value.detail
    assert file.read_text() == ZIP and not (tmp_path / "settings").exists()
    write_folder(tmp_path, layer(ZIP))
    assert "ZIP" in file.read_text()


def test_what_is_gone_from_the_workspace_goes_unless_it_was_changed_here(tmp_path: Path) -> None:
    write_folder(tmp_path, layer(CITY + "---\n" + VIEW))
    file = tmp_path / "settings" / "limit.yaml"
    assert file.is_file()
    assert write_folder(tmp_path, layer(CITY)).removed == ("settings/limit.yaml",)
    assert not file.exists()
    write_folder(tmp_path, layer(CITY + "---\n" + VIEW))
    file.write_text(VIEW.replace("5", "6"))
    assert write_folder(tmp_path, layer(CITY)).kept == ("settings/limit.yaml",)
