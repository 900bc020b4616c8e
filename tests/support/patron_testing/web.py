"""The application over a prepared workspace: made once a run with the packs core and yard, copied for each test file.

api = opened.admin                 # calls with a key of an administrator; .rep of a user without any role; .stranger of nobody
job = api.make("yd_job", name="Boat")
api.get(f"/records/yd_job/{job['id']}")
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from bs4 import BeautifulSoup
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server

PACKS = Path(__file__).parent / "packs"
WORKSPACE = "acme"
OTHER = "other"
ADMIN = "admin@acme.example"
REP = "rep@acme.example"
PASSWORD = "a password of tests"
V1 = "/api/v1"
TOKEN = re.compile(r'<meta name="csrf" content="([^"]+)"')


class Api:
    """Calls of one person. Addresses are relative to /api/v1."""

    def __init__(self, client: TestClient, key: str | None) -> None:
        self.client = client
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.request(method, V1 + path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("POST", path, json={} if body is None else body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> Any:
        return self.call("PATCH", path, json=body, **more)

    def put(self, path: str, body: Any, **more: Any) -> Any:
        return self.call("PUT", path, json=body, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.call("DELETE", path, **more)

    def make(self, object: str, **values: Any) -> dict[str, Any]:
        """Creates a record and gives it back."""
        said = self.post(f"/records/{object}", values)
        assert said.status_code == 201, said.text
        made: dict[str, Any] = said.json()
        return made

    def read(self, object: str, id: str) -> dict[str, Any]:
        said = self.get(f"/records/{object}/{id}")
        assert said.status_code == 200, said.text
        found: dict[str, Any] = said.json()
        return found

    def rows(self, object: str, **parameters: str) -> list[dict[str, Any]]:
        said = self.get(f"/records/{object}", params=parameters)
        assert said.status_code == 200, said.text
        found: list[dict[str, Any]] = said.json()["records"]
        return found


class Person:
    """Somebody signed in in a browser without scripts. Addresses are relative to the workspace: `/o/account`."""

    def __init__(self, client: TestClient, workspace: str, email: str, language: str = "en") -> None:
        self.client = client
        self.workspace = workspace
        self.language = language
        self._token: tuple[str | None, str] | None = None
        said = client.post("/login", data={"email": email, "password": PASSWORD}, follow_redirects=False)
        assert said.status_code == 303, said.text
        self.cookies = dict(said.cookies)
        client.cookies.clear()

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Accept": "text/html", "Accept-Language": self.language, **more.pop("headers", {})}
        headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        more.setdefault("follow_redirects", False)
        return self.client.request(method, f"/w/{self.workspace}{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def page(self, path: str, status: int = 200, **more: Any) -> BeautifulSoup:
        """The page, parsed."""
        said = self.get(path, **more)
        assert said.status_code == status, (said.status_code, said.text[:2_000])
        return BeautifulSoup(said.text, "html.parser")

    def token(self) -> str:
        """What forms of this person carry: good as long as the session, read from the first page that is asked for it."""
        session = self.cookies.get("patron_session")
        if self._token is None or self._token[0] != session:
            found = TOKEN.search(said := self.get("/").text)
            assert found is not None, said[:2_000]
            self._token = session, found[1]
        return self._token[1]

    def post(self, path: str, form: Any = None, **more: Any) -> Any:
        """Sends a form with the token of a page. `form` is a dict or a list of pairs."""
        pairs = list(form.items()) if isinstance(form, dict) else list(form or ())
        body = urlencode([*pairs, ("_csrf", self.token())])
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, content=body, headers={**kind, **more.pop("headers", {})}, **more)


@dataclass(frozen=True, slots=True)
class Opened:
    """The running application. `foreign` is an administrator of another workspace on the same server."""

    service: Service
    client: TestClient
    admin: Api
    rep: Api
    foreign: Api
    stranger: Api

    def person(self, email: str = ADMIN, language: str = "en") -> Person:
        """That person, signed in."""
        return Person(self.client, WORKSPACE, email, language)


@dataclass(frozen=True, slots=True)
class Template:
    """A database with two workspaces, people and their keys."""

    url: str
    admin: str
    rep: str
    foreign: str


def make_template(server: Server) -> Template:
    """About ten seconds; copies take a moment."""
    url = server.make()
    with open_service(Settings(database=url, jobs=False)) as service:
        make_workspace(service, WORKSPACE, packs=("yard",), folders=[PACKS], administrator=ADMIN)
        make_workspace(service, OTHER, packs=("yard",), folders=[PACKS], administrator=ADMIN)
        create_user(service.databases, service.runtime.workspace(WORKSPACE), REP)
        with service.databases.system() as conn:
            admin, rep = create_key(conn, ADMIN, WORKSPACE), create_key(conn, REP, WORKSPACE)
            foreign = create_key(conn, ADMIN, OTHER)
            set_password(conn, ADMIN, PASSWORD)
            set_password(conn, REP, PASSWORD)
    return Template(url, admin, rep, foreign)


def copy_template(server: Server, template: Template) -> str:
    """The URL of a fresh copy; drop it afterwards."""
    return server.make(template=str(psycopg.conninfo.conninfo_to_dict(template.url)["dbname"]))


@contextmanager
def serving(server: Server, template: Template) -> Iterator[Opened]:
    """The application over a fresh copy."""
    url = copy_template(server, template)
    try:
        with (
            open_service(Settings(database=url, jobs=False, pool=6)) as service,
            TestClient(create_app(service), raise_server_exceptions=False) as client,
        ):
            keys = (template.admin, template.rep, template.foreign, None)
            yield Opened(service, client, *(Api(client, key) for key in keys))
    finally:
        server.drop(url)
