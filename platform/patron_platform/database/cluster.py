"""Cluster: one data folder of PostgreSQL and the server process over it.

In: a data folder, binaries, settings. Out: a folder that is initialised, a server that runs or has stopped, a URL.
Never counts its users and takes no lock: embedded.py does, and calls this only while it holds the lock.

PostgreSQL refuses to run as root, so root runs it as `nobody`. The data folder may then lie below folders that `nobody`
cannot enter (/root), and no permission is changed for it: the process is started inside the data folder and finds it as
/proc/self/cwd.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from patron_engine.errors import Unavailable, WrongUse
from patron_platform.database.binaries import Binaries, for_everybody, reachable
from patron_platform.database.processes import alive, processes_in, wait_until
from patron_platform.database.sockets import socket_folder

SUPERUSER = "postgres"  # starts, and makes the owner; nothing else
INSIDE = Path("/proc/self/cwd")
START_SECONDS = 300.0  # recovery after a crash may take long; a process that ends is noticed at once
STOP_SECONDS = 60.0
ORPHAN_SECONDS = 10.0
LOG_LIMIT = 10_000_000

DURABLE: Mapping[str, str] = {
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_locks_per_transaction": "256",  # a workspace is dropped, or published, in one transaction
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "jit": "off",
    "max_wal_size": "2GB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One data folder. Nothing is started by making the value."""

    data: Path
    binaries: Binaries
    settings: Mapping[str, str] = field(default_factory=lambda: DURABLE)

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def initialised(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    def pid(self) -> int | None:
        """The process id of the live server over this folder, or None. A zombie and a stranger's id are not it."""
        try:
            found = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return found if alive(found, self.data) else None

    def url(self, database: str = SUPERUSER, login: str = SUPERUSER) -> str:
        host = quote(str(socket_folder(self.data)), safe="/")
        return f"postgresql://{login}@/{quote(database, safe='')}?host={host}"

    def log_tail(self, lines: int = 8) -> str:
        try:
            text = (self.data / "server.log").read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])

    # -- what is done -------------------------------------------------------------------------------------------

    def initialise(self, *, sync: bool = True) -> None:
        """Makes the data folder: whole or not at all."""
        made = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        account = _account()
        binaries, folder = self._placed(made, account)
        made.mkdir(mode=0o700)
        if account is not None:
            os.chown(made, account.pw_uid, account.pw_gid)
        said = None
        for locale in _locales(self.binaries):
            command = [str(binaries.folder / "initdb"), "-D", str(folder), "-U", SUPERUSER, "-A", "trust"]
            command += ["-E", "UTF8", "--data-checksums", *locale, *(() if sync else ("--no-sync",))]
            said = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=STOP_SECONDS * 5,
                **_as(account, made),
            )
            if said.returncode == 0:
                made.rename(self.data)
                return
        shutil.rmtree(made, ignore_errors=True)
        tail = "\n".join((said.stderr or said.stdout).strip().splitlines()[-4:]) if said else ""
        raise Unavailable(
            f"PostgreSQL could not make its data folder {self.data}: {tail}",
            code="database_not_made",
            hint="is the disk full or read-only? another folder: --data DIR",
        )

    def start(self) -> None:
        """Starts the server and returns when it answers. Recovers what a killed one left behind."""
        self._check_version()
        self._clear_remains()
        log = self.data / "server.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        account = _account()
        binaries, folder = self._placed(self.data, account)
        given = {**self.settings, "listen_addresses": "", "unix_socket_directories": "."}
        command = [str(binaries.folder / "postgres"), "-D", str(folder)]
        command += [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        # A shell between us and the server: the server belongs to init, not to us, and outlives us.
        said = subprocess.run(
            ["/bin/sh", "-c", 'umask 077; "$@" >>server.log 2>&1 </dev/null & echo $!', "sh", *command],
            stdout=subprocess.PIPE, text=True, check=True, timeout=30, start_new_session=True,
            **_as(account, self.data),
        )  # fmt: skip
        self._wait_ready(int(said.stdout))

    def stop(self) -> None:
        """Stops the server and waits for its end; sessions under way are ended, nothing committed is lost."""
        pid = self.pid()
        if pid is None:
            return
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, by force
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                return
            if wait_until(lambda: not alive(pid, self.data), STOP_SECONDS):
                return

    # -- parts --------------------------------------------------------------------------------------------------

    def _placed(self, folder: Path, account: pwd.struct_passwd | None) -> tuple[Binaries, Path]:
        """The binaries to run and the name under which their process finds `folder`."""
        if account is None:
            return self.binaries, folder
        binaries = for_everybody(self.binaries, self.data.parent)
        if reachable(self.data.parent):
            return binaries, folder
        # Before 16 PostgreSQL walks back to the absolute name of where it stands.
        if INSIDE.exists() and binaries.major >= 16:
            return binaries, INSIDE
        raise WrongUse(
            f"PostgreSQL runs as {account.pw_name} when root starts it, and {account.pw_name} cannot enter {self.data.parent}",
            code="data_not_reachable",
            hint="name a data folder under a path that every account may pass, e.g. --data /var/lib/patron",
        )

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(self.binaries.major):
            raise WrongUse(
                f"the data in {self.data} is of PostgreSQL {made_by}, the programs ({self.binaries.origin}) "
                f"are {self.binaries.version}",
                code="data_version",
                hint=f"set PATRON_PG_BIN to the programs of PostgreSQL {made_by}, or give another folder: --data DIR",
            )

    def _clear_remains(self) -> None:
        """After kill -9: waits for the dead server's sessions, then removes its lock files.

        PostgreSQL itself would refuse to start while the dead server is a zombie or its process id is somebody else's.
        A session of the dead server that still ran beside a new one would destroy data, so none may be left.
        """
        if not (self.data / "postmaster.pid").exists():
            return
        if not wait_until(lambda: not processes_in(self.data), ORPHAN_SECONDS):
            for pid in processes_in(self.data):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not processes_in(self.data), ORPHAN_SECONDS)
        for name in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.data / name).unlink(missing_ok=True)

    def _wait_ready(self, started: int) -> None:
        def ready() -> bool:
            try:
                lines = (self.data / "postmaster.pid").read_text().split("\n")
            except FileNotFoundError:
                return False
            return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(started)

        def over() -> bool:
            return ready() or not alive(started)

        wait_until(over, START_SECONDS)
        if not ready():
            raise Unavailable(
                f"PostgreSQL did not start over {self.data}:\n{self.log_tail()}",
                code="database_not_started",
                hint=f"the whole log is {self.data / 'server.log'}",
            )


def _account() -> pwd.struct_passwd | None:
    """Who runs the server: None for ourselves, `nobody` when we are root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return pwd.getpwuid(65534)


def _as(account: pwd.struct_passwd | None, folder: Path) -> dict[str, Any]:
    """How a program of PostgreSQL is started: as whom, where, with an environment that names no other server."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "TMPDIR", "LD_LIBRARY_PATH")}
    settings: dict[str, Any] = {
        "cwd": folder,
        "env": {"PATH": "/usr/bin:/bin", **kept, "LC_ALL": "C", "TZ": "UTC"},
    }
    if account is not None:
        settings |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return settings


def _locales(binaries: Binaries) -> list[list[str]]:
    if binaries.builtin_locale:
        return [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]  # not every machine knows C.UTF-8
