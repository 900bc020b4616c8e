"""Sockets: the folder under which a client finds the server's unix socket.

The kernel allows 107 bytes for a socket's whole path. A data folder with a longer name is reached through a short link in
a folder of our own below the temporary folder. In: a data folder. Out: a path. Never opens a socket.
"""

from __future__ import annotations

import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path

from patron_engine.errors import WrongUse

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST = 103  # macOS allows 103, Linux 107


def socket_folder(data: Path) -> Path:
    """`data` itself, or a short link to it."""
    if len(os.fsencode(data / SOCKET_NAME)) <= LONGEST:
        return data
    place = Path(tempfile.gettempdir()) / f"patron-{os.getuid()}"
    if len(os.fsencode(place)) + 40 > LONGEST:
        place = Path("/tmp") / place.name
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise WrongUse(
            f"{place} belongs to somebody else, and {data} is too long a name for a socket",
            code="socket_path",
            hint="give a data folder with a shorter name: --data DIR",
        )
    link = place / sha256(os.fsencode(data)).hexdigest()[:16]
    try:
        link.symlink_to(data)
    except FileExistsError:
        if link.readlink() != data:
            link.unlink()
            link.symlink_to(data)
    return link
