"""The house: source roots that hide nobody's module, one package in each, imports in one direction."""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ROOTS = {
    "engine": "patron_engine",
    "platform": "patron_platform",
    "designer": "patron_designer",
    "packs": "patron_packs",
}


@pytest.mark.parametrize("folder", [*ROOTS, "tests", "examples"])
def test_no_top_folder_is_a_package(folder: str) -> None:
    """`platform/__init__.py` would hide the standard library's module: pytest, mypy and uvicorn die of it."""
    assert not (CHECKOUT / folder / "__init__.py").exists()


@pytest.mark.parametrize("root", ROOTS)
def test_a_source_root_holds_one_package_and_no_modules(root: str) -> None:
    assert list((CHECKOUT / root).glob("*.py")) == []
    folders = [p.name for p in (CHECKOUT / root).iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert folders == [ROOTS[root]]


def test_test_folders_are_not_packages_and_hide_nobody() -> None:
    tests = CHECKOUT / "tests"
    inits = [p for p in tests.rglob("__init__.py") if tests / "support" not in p.parents]
    assert inits == []
    names = [p.name for p in tests.rglob("*") if p.is_dir() and "__pycache__" not in p.parts]
    assert [name for name in names if name in sys.stdlib_module_names] == []


def test_the_standard_librarys_platform_is_the_one_that_is_imported() -> None:
    assert platform.__file__ is not None
    assert Path(platform.__file__).is_relative_to(sys.base_prefix)
    for words in (["-c", "import platform; platform.system()"], ["-m", "pytest", "--version"]):
        subprocess.run([sys.executable, *words], cwd=CHECKOUT, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(("root", "package"), ROOTS.items())
def test_packages_come_from_this_checkout(root: str, package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(CHECKOUT / root)


def test_modules_of_the_engine_do_not_take_names_of_the_standard_library() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert settings["tool"]["pytest"]["ini_options"]["addopts"][0] == "--import-mode=importlib"
    layers = settings["tool"]["importlinter"]["contracts"][2]
    assert layers["name"] == "inside the engine"
    assert layers["exhaustive"] is True


def test_imports_go_in_one_direction() -> None:
    """import-linter over all four packages; a new folder of the engine that the list of layers lacks fails as well."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-1000:]
