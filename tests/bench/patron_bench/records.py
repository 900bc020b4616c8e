"""Records: the cases a client of the API meets all day: read one, list, create, update one field.

In: how many rows there are. Out: cases for both servers, the same question or change on either side, never the same row
twice in a round. Lists are one owner's open opportunities by amount, and which owner changes with every request.
"""

from __future__ import annotations

import json
import random
from urllib.parse import urlencode

from patron_bench.client import Client
from patron_bench.data import OWNERS, STAGES, account_id, opportunity_id, owner_id
from patron_bench.rounds import Case, Requests

OBJECT = "/api/v1/records/c_opportunity"


def cases(rows: int) -> list[Case]:
    """The cases of this file."""
    dice = random.Random(7)

    def some(client: Client, calls: int) -> list[int]:
        return [dice.randrange(rows) for _ in range(calls)]

    def reads(client: Client, calls: int) -> list[bytes]:
        return [client.request("GET", f"{OBJECT}/{opportunity_id(n)}") for n in some(client, calls)]

    def lists(count: str, ours: bool) -> Requests:
        def made(client: Client, calls: int) -> list[bytes]:
            found = []
            for n in some(client, calls):
                owner, stage = owner_id(n % OWNERS), STAGES[n % len(STAGES)]
                if ours:
                    where = f"owner == '{owner}' and c_stage == '{stage}'"
                    asked = {"where": where, "sort": "-c_amount", "limit": "50", "count": count}
                else:
                    asked = {"owner": owner, "stage": stage, "count": count}
                found.append(client.request("GET", f"{OBJECT}?{urlencode(asked)}"))
            return found

        return made

    def creates(client: Client, calls: int) -> list[bytes]:
        return [client.request("POST", OBJECT, new(n)) for n in some(client, calls)]

    def updates(client: Client, calls: int) -> list[bytes]:
        body = json.dumps({"c_next_step": f"call again {dice.random()}"}).encode()
        return [client.request("PATCH", f"{OBJECT}/{opportunity_id(n)}", body) for n in some(client, calls)]

    return [
        Case(name="read one record", bar=1.4, patron=reads, limit=reads),
        Case(
            name="list 50, filtered and sorted",
            bar=1.2,
            patron=lists("none", True),
            limit=lists("none", False),
        ),
        Case(
            name="the same with the exact count",
            bar=1.2,
            patron=lists("exact", True),
            limit=lists("exact", False),
        ),
        Case(name="create", bar=2.0, patron=creates, limit=creates, status=201),
        Case(name="update one field", bar=2.0, patron=updates, limit=updates),
    ]


def new(number: int) -> bytes:
    return json.dumps(
        {
            "c_name": f"New deal {number}",
            "c_account": account_id(number),
            "c_stage": "open",
            "c_amount": str(number % 10_000),
            "c_probability": "30",
            "c_close_date": "2027-05-01",
            "c_source": "web",
        }
    ).encode()
