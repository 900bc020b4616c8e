"""A copy of a workspace: all it holds, apart from what would speak to others a second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patron_engine.clock import new_id
from patron_engine.errors import Conflict, NotFound
from patron_engine.record import outbox
from patron_engine.record.change import Change
from patron_engine.record.connections import Connection, keep
from patron_engine.store import copy_schema
from patron_platform.database.workspaces import copy_workspace, list_workspaces
from patron_platform.folder import read_folder
from patron_platform.identity.keys import create_key, find_key, key_hash
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR, examine, make_workspace

ADMIN = "admin@example.org"
FIELD = "{kind: change, of: object/account, add: {fields: [{name: c_city, type: text, label: {en: City}}]}}"


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    with open_service(Settings(database=database_url, data=tmp_path)) as opened:
        make_workspace(opened, "acme", administrator=ADMIN)
        place = opened.runtime.workspace("acme")
        (tmp_path / "layer").mkdir()
        (tmp_path / "layer" / "city.yaml").write_text(FIELD)
        place.publish(OPERATOR, place.plan_own(read_folder(tmp_path / "layer")))
        account(opened, "acme", "Acme", c_city="Bonn")
        yield opened


def account(service: Service, workspace: str, name: str, **more: Any) -> str:
    change = Change(action="create", object="account", set={"name": name, **more})
    return str(service.runtime.workspace(workspace).save(OPERATOR, [change])[0].id)


def copy(service: Service, target: str = "trial") -> None:
    with service.databases.system("publish") as conn:
        copy_workspace(conn, service.databases, "acme", target)
    service.databases.forget(target)


def content(service: Service, schema: str) -> dict[str, list[str]]:
    """Every row of every table, columns by name."""
    with service.databases.system("publish") as conn:
        names = [
            n
            for (n,) in conn.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)
            )
            if n not in copy_schema.LEFT_BEHIND
        ]
        found = {}
        for name in names:
            query = f'SELECT to_jsonb(t)::text FROM {schema}."{name}" t ORDER BY 1'  # type: ignore[str-bytes-safe]
            found[name] = [row[0] for row in conn.execute(query)]
        return found


def test_a_copy_holds_what_the_workspace_holds_and_is_sound(service: Service) -> None:
    copy(service)
    assert content(service, "w_trial") == content(service, "w_acme")
    assert examine(service) == {"acme": [], "trial": []}
    with service.databases.system("publish") as conn:
        assert conn.execute("SELECT count(*) FROM w_trial.sys__event").fetchone() == (0,)


def test_what_happens_in_a_copy_stays_there(service: Service) -> None:
    copy(service)
    before = content(service, "w_acme")
    account(service, "trial", "Only here")
    place = service.runtime.workspace("trial")
    place.publish(OPERATOR, place.plan_rollback(1))
    assert content(service, "w_acme") == before
    with service.databases.system("publish") as conn:
        numbers = conn.execute("SELECT number FROM w_trial.account ORDER BY number").fetchall()
    assert [n for (n,) in numbers] == ["C000001", "C000002"], "numbers go on where they were"
    assert examine(service, "trial") == {"trial": []}


def test_a_copy_speaks_to_nobody(service: Service) -> None:
    """What waits to leave would leave twice, and what it is spoken to with is the workspace's own."""
    place = service.runtime.workspace("acme")
    with place.connection("write") as conn:
        outbox.put(conn, place.schema, [outbox.Parcel(id=new_id(), kind="webhook")], place.runtime.clock())
        one = Connection(name="mail", kind="smtp", label="Mail", secret={"password": "x"})
        keep(conn, place.schema, place.vault, one, place.runtime.clock())
    copy(service)
    with service.databases.system("publish") as conn:
        for table in ("outbox", "connection", "webhook"):
            assert conn.execute(f"SELECT count(*) FROM w_trial.sys__{table}").fetchone() == (0,)  # type: ignore[arg-type]


def test_accounts_may_sign_in_and_keys_stay_behind(service: Service) -> None:
    with service.databases.system() as conn:
        old = create_key(conn, ADMIN, "acme", "old")
    copy(service)
    with service.databases.system() as conn:
        key = create_key(conn, ADMIN, "trial", "new")
        holder, before = find_key(conn, key_hash(key)), find_key(conn, key_hash(old))
    assert holder is not None and holder.workspace == "trial" and holder.administrator
    assert before is not None and before.workspace == "acme"


def test_a_copy_that_was_killed_may_be_repeated(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Died(BaseException):
        """Like a killed process, it runs no handler of errors."""

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(copy_schema, "_tasks", die)
        with pytest.raises(Died):
            copy(service)
    with service.databases.system("publish") as conn:
        assert [(w.name, w.state) for w in list_workspaces(conn)] == [
            ("acme", "ready"),
            ("trial", "creating"),
        ]
    copy(service)
    assert content(service, "w_trial") == content(service, "w_acme")


def test_a_copy_needs_a_source_and_a_name_of_its_own(service: Service) -> None:
    with pytest.raises(Conflict):
        copy(service, "acme")
    with service.databases.system("publish") as conn, pytest.raises(NotFound):
        copy_workspace(conn, service.databases, "nobody", "trial")
    with service.databases.system("publish") as conn:
        assert [w.name for w in list_workspaces(conn)] == ["acme"]
