"""`./run`: the two commands, in a copy of the checkout's outside, as root and as somebody without a home."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NOBODY = 65534
UV = """#!/bin/sh
echo "uv $*" >> "$CALLS"
[ "$1" = --version ] && exit 0
[ -z "${UV_FAILS:-}" ] || exit 1
[ -z "${UV_PROXY:-}" ] || [ -n "${UV_SYSTEM_CERTS:-}" ] || exit 1
# It writes in the test's own folder and nowhere else.
case "$UV_PROJECT_ENVIRONMENT" in "${CALLS%/calls}"/.venv) ;; *) echo "wrong folder" >&2; exit 9 ;; esac
[ ! -L "$UV_PROJECT_ENVIRONMENT" ] && [ ! -L "$UV_PROJECT_ENVIRONMENT/bin" ] || exit 9
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
for name in python patron; do
    # A real environment's python is a link to the machine's own: writing through it would overwrite that.
    rm -f "$UV_PROJECT_ENVIRONMENT/bin/$name"
    printf '#!/bin/sh\\necho "data ${PATRON_DATA:-} home ${HOME:-}" >> "$CALLS"\\necho %s in "$(pwd)": "$*"\\n' $name \\
        > "$UV_PROJECT_ENVIRONMENT/bin/$name"
    chmod +x "$UV_PROJECT_ENVIRONMENT/bin/$name"
done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `run` looks at, and a `uv` that writes down how it is called."""
    place = tmp_path / "a checkout"
    (place / "bin").mkdir(parents=True)
    for name in ("run", "pyproject.toml", "uv.lock", "hatch_build.py"):
        shutil.copy(CHECKOUT / name, place / name)
    shutil.copytree(
        CHECKOUT / "frontend", place / "frontend", ignore=shutil.ignore_patterns("node_modules", "dist")
    )
    (place / "bin" / "uv").write_text(UV)
    (place / "bin" / "uv").chmod(0o755)
    return place


def run(
    checkout: Path, *words: str, cwd: Path | None = None, shell: str = "sh", **environment: str
) -> subprocess.CompletedProcess[str]:
    given = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "CALLS": str(checkout / "calls"), **environment}
    return subprocess.run(
        [shell, str(checkout / "run"), *words],
        cwd=cwd or checkout, env=given, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def syncs(checkout: Path) -> list[str]:
    return [line for line in (checkout / "calls").read_text().splitlines() if " sync " in line]


def test_without_words_it_starts_the_demo_and_installs_once(checkout: Path, tmp_path: Path) -> None:
    said = run(checkout, cwd=tmp_path)
    assert said.stdout == f"patron in {tmp_path}: demo\n", said.stderr
    assert "Installing Patron" in said.stderr
    assert len(syncs(checkout)) == 1
    assert "--no-dev" in syncs(checkout)[0]
    again = run(checkout, "--help", cwd=tmp_path)
    assert (again.stdout, again.stderr) == (f"patron in {tmp_path}: --help\n", "")
    assert len(syncs(checkout)) == 1


def test_commands_get_their_words_as_they_were_and_the_callers_folder(checkout: Path, tmp_path: Path) -> None:
    said = run(checkout, "pack", "check", "my pack", "", cwd=tmp_path)
    assert said.stdout == f"patron in {tmp_path}: pack check my pack \n"


def test_test_installs_the_tests_tools_and_runs_pytest_as_a_module(checkout: Path, tmp_path: Path) -> None:
    run(checkout)
    said = run(checkout, "test", "-k", "one", cwd=tmp_path)
    assert said.stdout == f"python in {checkout}: -m pytest -k one\n", said.stderr
    assert len(syncs(checkout)) == 2
    assert "--no-dev" not in syncs(checkout)[1]
    run(checkout)  # what is there already is enough for the rest
    assert len(syncs(checkout)) == 2


def test_a_change_of_what_is_needed_installs_again(checkout: Path) -> None:
    run(checkout)
    (checkout / "uv.lock").write_text("changed")
    run(checkout)
    assert len(syncs(checkout)) == 2


def test_a_change_of_scripts_or_styles_installs_again(checkout: Path) -> None:
    run(checkout, "--help")
    (checkout / "frontend" / "src" / "styles" / "tokens.css").write_text(":root { --row: 41px; }")
    run(checkout, "--help")
    assert len(syncs(checkout)) == 2


def test_a_failed_installation_is_not_taken_for_done(checkout: Path) -> None:
    said = run(
        checkout, UV_FAILS="1", PATRON_PYTHON="/no/python", PIP_NO_INDEX="1", PIP_FIND_LINKS="/nowhere"
    )
    assert said.returncode == 2
    assert "trying pip" in said.stderr
    assert "the installation failed" in said.stderr
    assert run(checkout).stdout.endswith(": demo\n")


def test_behind_a_proxy_with_certificates_of_its_own_the_machines_are_trusted(checkout: Path) -> None:
    said = run(checkout, UV_PROXY="1", PATRON_PYTHON="/no/python")
    assert said.stdout.endswith(": demo\n"), said.stderr
    assert "pip" not in said.stderr


def test_data_lie_in_the_same_place_each_time(checkout: Path, tmp_path: Path) -> None:
    def places(**environment: str) -> list[str]:
        for _ in range(2):  # the first installs, with a home of its own where there is none
            run(checkout, **environment)
        return [line for line in (checkout / "calls").read_text().splitlines() if line.startswith("data ")][
            -2:
        ]

    assert places(HOME="/nonexistent") == [f"data {checkout}/.tools/data home /nonexistent"] * 2
    assert places() == [f"data {checkout}/.tools/data home "] * 2
    assert places(HOME=str(tmp_path)) == [f"data  home {tmp_path}"] * 2
    assert places(PATRON_DATA="/srv/patron") == ["data /srv/patron home "] * 2


def test_a_checkout_that_cannot_be_written_says_so(checkout: Path) -> None:
    (checkout / ".tools").touch()  # root may write anywhere; nobody can make a folder of a file
    said = run(checkout)
    assert said.returncode == 2
    assert "cannot be written" in said.stderr


def test_a_fresh_checkout_that_was_installed_by_root_can_be_used_read_only(
    checkout: Path, tmp_path: Path
) -> None:
    run(checkout)
    for path in (checkout, checkout / ".venv"):
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert run(checkout, "--version", cwd=tmp_path).stdout == f"patron in {tmp_path}: --version\n"
    finally:
        for path in (checkout, checkout / ".venv"):
            path.chmod(0o755)


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_it_is_plain_posix_shell(checkout: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    assert run(checkout, "x", shell=shell).stdout.endswith(": x\n")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder below others that every account may pass, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="patron-install-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.skipif(
    not os.environ.get("PATRON_TEST_INSTALL"), reason="installs everything: PATRON_TEST_INSTALL=1"
)
@pytest.mark.parametrize("way", ["uv", "pip"])
@pytest.mark.timeout(600)
def test_a_fresh_copy_installs_itself_without_home_and_without_rights(open_folder: Path, way: str) -> None:
    place = open_folder / "patron"
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in filter(None, kept.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, place / name)
    command = ["sh", str(place / "run"), "test", "--version"]
    if os.geteuid() == 0 and shutil.which("setpriv"):
        for path in (place, *place.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    passed = {
        k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_")) or "proxy" in k.lower()
    }
    environment = {**passed, "PATH": "/usr/bin:/bin", "PATRON_INSTALL": "pip" if way == "pip" else ""}
    said = subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, timeout=580, check=False
    )
    assert said.stdout.startswith("pytest "), said.stderr
