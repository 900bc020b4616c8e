"""A process that uses the embedded server: `python -m patron_testing.attached HOME` prints its URL, leaves at end of input.

Given a second argument it writes rows into the table `kept` until it is killed, and prints each number once it is committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

from patron_platform.database.embedded import attach
from patron_testing.pg import binaries


def main(home: str, writes: str | None = None) -> None:
    with attach(Path(home), binaries(), sync=False) as attachment:
        print(attachment.url, flush=True)
        if writes is None:
            sys.stdin.read()
            return
        with psycopg.connect(attachment.url, autocommit=True) as conn:
            conn.execute("CREATE TABLE IF NOT EXISTS kept (n bigint PRIMARY KEY)")
            for n in range(int(writes)):
                conn.execute("INSERT INTO kept VALUES (%s)", (n,))
                print(n, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
