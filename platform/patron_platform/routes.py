"""Routes: which function answers which address.

In: functions that name what they take: `request`, parts of the address by their names, and what a `Taken` makes of the request.
Out: routes of Starlette. What a function takes is looked at when it is asked first: a process knows two hundred at its start.

    router = Routes("/w/{workspace}/tea")

    @router.post("/{id:uuid}")
    def pour(request: Request, workspace: str, id: UUID, pairs: FormData) -> Response: ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from inspect import iscoroutinefunction
from typing import Any, TypeVar, get_type_hints

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

MOST_STEPS = 20  # of an address that are told apart
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Reader = Callable[[Request], Awaitable[Any]]
Read = Mapping[Reader, Any]  # what was awaited before the function is called
Source = Callable[[Request, Read], Any]


class Taken:
    """Stands in `Annotated[…]` at an argument: `make` gives its value. A coroutine takes the request alone; anything else
    names what it takes as an endpoint does, and runs in its thread."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


class Routes:
    """The addresses of one module, all under one prefix."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self._known: list[tuple[str, str, Callable[..., Any]]] = []

    def get(self, path: str) -> Callable[[Endpoint], Endpoint]:
        return self._answers("GET", path)

    def post(self, path: str) -> Callable[[Endpoint], Endpoint]:
        return self._answers("POST", path)

    def put(self, path: str) -> Callable[[Endpoint], Endpoint]:
        return self._answers("PUT", path)

    def patch(self, path: str) -> Callable[[Endpoint], Endpoint]:
        return self._answers("PATCH", path)

    def delete(self, path: str) -> Callable[[Endpoint], Endpoint]:
        return self._answers("DELETE", path)

    def under(self, prefix: str = "") -> list[Route]:
        """As Starlette takes them, in the order they stand in the module."""
        return [
            Route(prefix + self.prefix + path, _answering(function), methods=[method])
            for method, path, function in self._known
        ]

    def _answers(self, method: str, path: str) -> Callable[[Endpoint], Endpoint]:
        def known(function: Endpoint) -> Endpoint:
            self._known.append((method, path, function))
            return function

        return known


class Addresses(BaseRoute):
    """Every route of the application. Only those are compared with a path that have as many steps as it, and its first one;
    among them the first that fits answers."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: dict[tuple[str, int], list[Route]] = defaultdict(list)
        for route in routes:
            first, steps = _place(route.path)
            most = (
                MOST_STEPS if ":path}" in route.path else steps
            )  # the end of such a route may be many steps
            for count in range(steps, most + 1):
                self._routes[first, count].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """`route` is what answers: requests are counted by it. One that takes another method says so."""
        partly: tuple[Match, Scope] = (Match.NONE, {})
        first, steps = _place(scope["path"]) if scope["type"] == "http" else ("", 0)
        for route in self._routes.get((first, min(steps, MOST_STEPS)), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, "route": route, "answering": route}
            if match is Match.PARTIAL and partly[0] is Match.NONE:
                partly = match, {**found, "answering": route}
        return partly

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["answering"].handle(scope, receive, send)


def _place(path: str) -> tuple[str, int]:
    """The first step of a path and how many it has."""
    return path.split("/", 2)[1] if path.startswith("/") else "", path.count("/")


def _answering(function: Callable[..., Any]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint as Starlette calls it. What is no coroutine runs in a thread."""
    call = cache(lambda: _Call(function))
    awaited = iscoroutinefunction(function)

    async def answer(request: Request) -> Response:
        made = call()
        read = {reader: await reader(request) for reader in made.readers}
        found: Response = await (made(request, read) if awaited else run_in_threadpool(made, request, read))
        return found

    return answer


class _Call:
    """A function and where each of its arguments comes from."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.readers: list[Reader] = []
        self.sources: dict[str, Source] = {
            name: self._source(name, hint)
            for name, hint in get_type_hints(function, include_extras=True).items()
            if name != "return"
        }

    def __call__(self, request: Request, read: Read) -> Any:
        return self.function(**{name: source(request, read) for name, source in self.sources.items()})

    def _source(self, name: str, hint: Any) -> Source:
        if hint is Request:
            return _request
        taken = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Taken)), None)
        if taken is None:
            return partial(_part, name)
        if iscoroutinefunction(taken.make):
            self.readers.append(taken.make)
            return partial(_awaited, taken.make)
        made = _Call(taken.make)
        self.readers.extend(made.readers)
        return made


def _request(request: Request, _: Read) -> Request:
    return request


def _part(name: str, request: Request, _: Read) -> Any:
    return request.path_params[name]


def _awaited(reader: Reader, _: Request, read: Read) -> Any:
    return read[reader]
