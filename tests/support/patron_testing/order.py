"""Order: where the cores share the tests a file at a time, the longest files begin, so that no core waits at the end for one.

In: the files of a run. How long each takes is what it took here the last time (kept in pytest's cache, by the process that
spreads the tests), else its tests times what a test of its folder usually takes. Out: the tests in that order; tests of one
process stay in the order they were found in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pytest

TAKEN: Final = "patron/seconds"
USUAL: Final[Mapping[str, float]] = {  # seconds of one test, and of making ready what a file of that folder needs
    "journey": 20.0, "agree": 8.0, "browser": 4.0, "db": 0.8, "web": 0.6, "arch": 0.1, "unit": 0.02,
}  # fmt: skip
READY: Final[Mapping[str, float]] = {"browser": 5.0, "web": 3.0}


class Order:
    """A plugin of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self.input: dict[str, Any] | None = getattr(config, "workerinput", None)
        self.spreads = self.input is None and config.getoption("dist", "no") != "no"
        self.cache = getattr(config, "cache", None)
        self.taken: Counter[str] = Counter()
        if self.spreads:
            config.option.loadscopereorder = False  # xdist would begin with the files of most tests

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """All processes must find the same order, so all are told the same seconds."""
        node.workerinput[TAKEN] = self.cache.get(TAKEN, {}) if self.cache else {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.input is not None:
            order = expected([item.nodeid for item in items], self.input[TAKEN])
            items.sort(key=lambda item: -order[_file(item.nodeid)])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.taken[_file(report.nodeid)] += report.duration  # type: ignore[assignment]

    def pytest_sessionfinish(self) -> None:
        if self.spreads and self.cache and self.taken:
            self.cache.set(
                TAKEN, {**self.cache.get(TAKEN, {}), **{f: round(s, 1) for f, s in self.taken.items()}}
            )


def expected(tests: list[str], taken: Mapping[str, float]) -> dict[str, float]:
    """File -> the seconds it will take."""
    found = {}
    for file, count in Counter(map(_file, tests)).items():
        folder = next((part for part in file.split("/") if part in USUAL), "unit")
        found[file] = taken.get(file, count * USUAL[folder] + READY.get(folder, 0.0))
    return found


def _file(test: str) -> str:
    return test.partition("::")[0]
