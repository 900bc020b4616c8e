"""Rounds: two servers asked the same in turn, so that whatever else the machine does touches both alike.

In: for each case the requests for both. Out: `Timing`: median seconds of one request on either side, over all rounds the
best median, and the ratio of the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from patron_bench.client import Client

Requests = Callable[[Client, int], list[bytes]]  # so many requests, new ones for each round


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`bar`: what the ratio may be at most. `calls`: requests a round."""

    name: str
    bar: float
    patron: Requests
    limit: Requests
    status: int = 200
    calls: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of one request; `ratio` is the median over the rounds of patron / limit."""

    case: Case
    patron: float
    limit: float
    ratio: float


def interleaved(cases: Sequence[Case], clients: Mapping[str, Client], rounds: int) -> list[Timing]:
    """Every case on both sides once a round, in changing order; the first round warms up and does not count."""
    found: dict[str, list[tuple[float, float]]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        for case in cases:
            sides = ("patron", "limit") if number % 2 else ("limit", "patron")
            seconds = {}
            for side in sides:
                make = case.patron if side == "patron" else case.limit
                client = clients[side]
                seconds[side] = _one_round(client, make(client, case.calls), case.status)
            if number:
                found[case.name].append((seconds["patron"], seconds["limit"]))
    return [_timing(case, found[case.name]) for case in cases]


def _one_round(client: Client, requests: Sequence[bytes], status: int) -> float:
    taken = []
    for request in requests:
        begun = time.perf_counter()
        answered, body = client.send(request)
        taken.append(time.perf_counter() - begun)
        if answered != status:
            raise RuntimeError(f"answered {answered}: {body[:500].decode(errors='replace')}")
    return median(taken)


def _timing(case: Case, found: Sequence[tuple[float, float]]) -> Timing:
    ratio = median(ours / theirs for ours, theirs in found)
    return Timing(case=case, patron=min(p for p, _ in found), limit=min(q for _, q in found), ratio=ratio)
