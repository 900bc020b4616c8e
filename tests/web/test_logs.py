"""What Patron writes into its logs and metrics: moments, places, kinds of errors; never a key, a password, a record's value, a
parameter of SQL, or a line that somebody else made up."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from patron_engine.record.change import Change
from patron_platform.logs import configure_logs
from patron_platform.workspace import OPERATOR
from patron_testing.web import Api, Opened

SECRET = "Zq7-kept-to-itself"


class Log:
    """What a process has written, line by line; of the test's own HTTP client nothing."""

    def __init__(self) -> None:
        self.written = io.StringIO()

    def configure(self, level: str) -> None:
        with contextlib.redirect_stderr(self.written):
            configure_logs(level)

    def __call__(self) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.written.getvalue().split("\n") if line]
        return [line for line in found if line["logger"] != "httpx"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    log = Log()
    log.configure("debug")
    yield log
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "patron", False)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)


def test_an_event_is_one_line_of_json(lines: Log) -> None:
    forged = 'a\nb {"event": "forged"} \x1b[31m\u2028'
    logging.getLogger("patron.test").warning("happened", extra={"number": 7, "text": forged})
    logging.getLogger("uvicorn.error").warning("not %s", "ours")
    first, second = lines()
    assert (first["event"], first["level"], first["logger"], first["number"]) == (
        "happened",
        "warning",
        "patron.test",
        7,
    )
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["logger"]) == ("not ours", "uvicorn.error")


def test_setting_up_twice_says_nothing_twice(lines: Log) -> None:
    lines.configure("warning")
    logging.getLogger("patron.test").info("quiet")
    logging.getLogger("patron.test").error("loud")
    assert [line["event"] for line in lines()] == ["loud"]


def test_an_exception_is_its_kind_and_its_places(lines: Log) -> None:
    def fails(value: str) -> None:
        raise ValueError(f"cannot read {value}")

    try:
        try:
            fails(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        logging.getLogger("patron.test").exception("failed")
    (line,) = lines()
    assert (line["error"], line["cause"]) == ("builtins.RuntimeError", "ValueError")
    assert line["places"] and "test_logs.py" in line["places"][-1]
    assert SECRET not in json.dumps(line)


def test_a_library_that_logs_wrongly_tells_nothing(lines: Log) -> None:
    """Python itself would print the arguments of a call that does not fit its text."""
    logging.getLogger("some.package").warning("%s and %s", SECRET)  # noqa: PLE1206 - that is it
    assert lines() == []


def test_an_error_that_is_no_exception_under_way(lines: Log) -> None:
    logging.getLogger("patron.test").error("failed", exc_info=KeyError(SECRET))
    logging.getLogger("patron.test").error("failed", exc_info=True)  # noqa: LOG014 - that is it
    logging.getLogger("patron.test").error("failed", exc_info=(KeyError, KeyError(SECRET), None))
    told = lines()
    assert [line.get("error") for line in told] == ["builtins.KeyError", None, "builtins.KeyError"]
    assert SECRET not in json.dumps(told)


def test_an_error_nobody_foresaw_is_logged_without_what_was_sent(
    lines: Log, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database itself would quote the value: `invalid input syntax for type uuid: "…"`."""

    def broken(*_: Any, **__: Any) -> Any:
        with opened.service.databases.system() as conn:
            conn.execute("SELECT %s::uuid", (SECRET,))

    monkeypatch.setattr("patron_platform.api.saved.save", broken)
    said = opened.admin.post("/records/yd_job", {"name": SECRET, "pass": SECRET}, params={"confirm": SECRET})
    assert said.status_code == 500
    assert set(said.json()) == {"type", "title", "status", "code", "detail", "id"}
    told = lines()
    (line,) = [one for one in told if one["event"] == "unexpected"]
    assert line["id"] == said.json()["id"]
    assert line["error"] == "psycopg.errors.InvalidTextRepresentation"
    assert "test_logs.py" in " ".join(line["places"])
    assert SECRET not in json.dumps(told)
    assert opened.admin.headers["Authorization"].removeprefix("Bearer ") not in json.dumps(told)


def test_ordinary_work_and_refusals_tell_nothing(lines: Log, opened: Opened, admin: Api) -> None:
    job = admin.make("yd_job", name=SECRET, **{"pass": SECRET, "code": "LOG-1", "note": SECRET})
    admin.post("/records/yd_job", {"name": SECRET, "code": "LOG-1"})
    admin.post("/records/yd_job", {"name": "x", "budget": SECRET})
    admin.patch(f"/records/yd_job/{job['id']}", {"note": SECRET * 2}, headers={"If-Match": '"99"'})
    admin.get("/records/yd_job", params={"where": f"name == '{SECRET}'", "q": SECRET})
    admin.get(f"/records/{SECRET}/{SECRET}")
    admin.call(
        "POST",
        "/records/yd_job",
        content=f'{{"name": "{SECRET}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    admin.call("POST", "/imports", files={"file": ("x.csv", f"name\n{SECRET}\n")}, data={"object": "yd_job"})
    opened.client.get("/api/v1/me", headers={"Authorization": f"Bearer {SECRET}"})
    told = json.dumps(lines())
    assert SECRET not in told
    assert opened.admin.headers["Authorization"].removeprefix("Bearer ") not in told


def test_a_worker_that_fails_tells_no_value(
    lines: Log, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from patron_platform.jobs.worker import work_round

    def broken(place: Any, seconds: float) -> int:
        with place.connection("job") as conn:
            conn.execute("SELECT %s::numeric", (SECRET,))
        return 0

    monkeypatch.setattr("patron_platform.jobs.worker.work_off", broken)
    work_round(opened.service, Event(), {})
    told = lines()
    failed = [line for line in told if line["event"] == "workspace_failed"]
    assert {line["workspace"] for line in failed} == {"acme", "other"}
    assert {line["error"] for line in failed} == {"psycopg.errors.InvalidTextRepresentation"}
    assert SECRET not in json.dumps(told)


def test_metrics_count_by_route_and_name_nobody(opened: Opened, admin: Api) -> None:
    job = admin.make("yd_job", name=SECRET)
    admin.get(f"/records/yd_job/{job['id']}", params={"fields": "name"})
    admin.get(f"/records/{SECRET}")
    opened.client.get(f"/{SECRET}")
    opened.client.request("BREW" + SECRET.replace("-", ""), f"/{SECRET}")
    told = opened.client.get("/metrics").text
    assert 'route="/api/v1/records/{object}/{id}"' in told
    assert SECRET not in told and SECRET.replace("-", "") not in told and job["id"] not in told


def test_a_task_that_fails_keeps_no_value_in_the_log(lines: Log, opened: Opened) -> None:
    place = opened.service.runtime.workspace("acme")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        place.writing(OPERATOR, lambda conn, call: conn.execute("SELECT %s::uuid", (SECRET,)))
    place.save(OPERATOR, [Change(action="create", object="yd_job", set={"name": SECRET})])
    assert SECRET not in json.dumps(lines())
