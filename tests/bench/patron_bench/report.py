"""Report: what was measured, as a table in Markdown and as plain values.

In: lines. Out: text on standard output. A line above its bar says so; nothing is rounded in anybody's favour.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """`found` and `bar` in `unit`; × is a ratio to the limit. `higher`: more is better."""

    work: str
    patron: str
    limit: str
    found: float
    bar: float | None
    unit: str
    higher: bool = False

    @property
    def held(self) -> bool | None:
        if self.bar is None:
            return None
        return self.found >= self.bar if self.higher else self.found <= self.bar

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}


def show(lines: list[Line], about: dict[str, Any]) -> None:
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "\n")
    print("| work | Patron | limit | found | bar | |\n|---|---|---|---|---|---|")
    for line in lines:
        bar = "" if line.bar is None else f"{'≥' if line.higher else '≤'} {line.bar:,g} {line.unit}"
        mark = {True: "held", False: "**above**" if not line.higher else "**below**", None: ""}[line.held]
        print(
            f"| {line.work} | {line.patron} | {line.limit} | {line.found:,.3g} {line.unit} | {bar} | {mark} |"
        )


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that was."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "Python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
