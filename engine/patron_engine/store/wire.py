"""Wire: a connection whose statements cost little in Python, and several of which go in one round trip.

In: texts with `%s` and their values, as psycopg takes them. Out: `Rows`, which answer as a psycopg cursor does. Values are adapted,
rows are read and errors are made by psycopg; what is left out is its cursor, which costs more than all of these. Texts are
prepared as psycopg would: from the sixth time on, the least used goes first. Everything else a connection does is psycopg's.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, cast

import psycopg
from psycopg import adapt, generators
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, PipelineStatus
from psycopg.pq.abc import PGconn, PGresult

Asked = tuple[str, Sequence[Any]]
Key = tuple[str, tuple[int, ...]]

TEXTS = 4_000  # texts whose places are remembered
_PLACE = re.compile(r"%(?:%|s)")
_RIGHT = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_AFTER_AN_ERROR = ExecStatus.PIPELINE_ABORTED


class Rows:
    """What one statement answered."""

    __slots__ = ("_at", "_result", "_transformer")

    def __init__(self, transformer: Transformer, result: PGresult) -> None:
        transformer.set_pgresult(result)
        self._transformer, self._result, self._at = transformer, result, 0

    @property
    def rowcount(self) -> int:
        """Rows that were found or touched."""
        touched = self._result.command_tuples
        return -1 if touched is None else touched

    def fetchone(self) -> tuple[Any, ...] | None:
        found = self.fetchmany(1)
        return found[0] if found else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._read(min(self._at + size, self._result.ntuples))

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._read(self._result.ntuples)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def _read(self, end: int) -> list[tuple[Any, ...]]:
        if self._result.status != ExecStatus.TUPLES_OK:
            raise psycopg.ProgrammingError("the statement answers no rows")
        begin, self._at = self._at, end
        return self._transformer.load_rows(begin, end, tuple)


Answer = Rows | psycopg.Cursor[Any]


class Wire(psycopg.Connection[Any]):
    """A connection in autocommit mode, or one like any other."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._seen: OrderedDict[Key, int] = OrderedDict()
        self._named: OrderedDict[Key, bytes] = OrderedDict()
        self._last = 0

    def execute(self, query: Any, params: Any = None, **how: Any) -> psycopg.Cursor[Any]:
        """As psycopg's, for a text and a list of values by a shorter way."""
        if type(query) is not str or type(params) not in (list, tuple) or how.get("prepare") is not None:
            return super().execute(query, params, **how)
        if not self.autocommit or self.pgconn.pipeline_status != PipelineStatus.OFF or how.get("binary"):
            return super().execute(query, params, **how)
        with self.lock:
            transformer, send = self._bound(query, params)
            send()
            results = self.wait(generators.execute(self.pgconn))
        _look(results)
        return cast("psycopg.Cursor[Any]", Rows(transformer, results[-1]))

    def together(self, asked: Sequence[Asked]) -> list[Rows]:
        """Several statements in one round trip, in their order; each sees what those before it did. The first that fails raises,
        and those after it are not executed. Outside of a transaction all of them are one."""
        with self.lock:
            bound = [self._bound(query, params) for query, params in asked]
            self.pgconn.enter_pipeline_mode()
            try:
                for _, send in bound:
                    send()
                self.pgconn.pipeline_sync()
                answers = self.wait(_answers(self.pgconn, len(bound)))
            except BaseException:
                self.pgconn.finish()  # lost or interrupted: nobody knows what is still under way
                raise
            self.pgconn.exit_pipeline_mode()
        for results in answers:
            _look(results)
        return [Rows(t, results[-1]) for (t, _), results in zip(bound, answers, strict=True)]

    def _bound(self, query: str, params: Sequence[Any]) -> tuple[Transformer, Callable[[], None]]:
        """A statement with its values, ready to be sent, and who reads what it answers."""
        text, formats = _places(query)
        if len(formats) != len(params):
            raise psycopg.ProgrammingError(f"{len(formats)} places and {len(params)} values")
        transformer: Transformer = adapt.Transformer(self)
        values = transformer.dump_sequence(params, formats)
        key = (query, transformer.types or ())
        name = self._named.get(key)
        if name is not None:
            self._named.move_to_end(key)
        elif self._often(key):
            name = self._prepare(key, text)
        if name is None:
            return transformer, partial(
                self.pgconn.send_query_params, text, values, key[1], transformer.formats
            )
        return transformer, partial(self.pgconn.send_query_prepared, name, values, transformer.formats)

    def _often(self, key: Key) -> bool:
        """Whether it is time to prepare a text."""
        most = self.prepare_threshold
        if most is None:
            return False
        seen = self._seen[key] = self._seen.pop(key, 0) + 1
        if seen <= most:
            if len(self._seen) > (self.prepared_max or 0):
                self._seen.popitem(last=False)
            return False
        del self._seen[key]
        return True

    def _prepare(self, key: Key, text: bytes) -> bytes:
        if len(self._named) >= (self.prepared_max or 1):
            _, oldest = self._named.popitem(last=False)
            _look([self.pgconn.exec_(b"DEALLOCATE " + oldest)])
        self._last += 1
        name = b"patron_%d" % self._last
        self.pgconn.send_prepare(name, text, key[1])
        _look(self.wait(generators.execute(self.pgconn)))
        self._named[key] = name
        return name

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """psycopg throws away everything that is prepared after a rollback: what is prepared here as well."""
        if name is None:
            self._named.clear()
        return super()._deallocate(name)


def together(conn: psycopg.Connection[Any], asked: Sequence[Asked]) -> Sequence[Answer]:
    """Several statements in one round trip, over whatever connection."""
    if isinstance(conn, Wire) and conn.autocommit and conn.pgconn.pipeline_status == PipelineStatus.OFF:
        return (
            conn.together(asked)
            if len(asked) > 1
            else [conn.execute(query, params) for query, params in asked]
        )
    with conn.pipeline():
        return [conn.execute(query, params) for query, params in asked]


def _answers(pgconn: PGconn, many: int) -> PQGen[list[list[PGresult]]]:
    yield from generators.send(pgconn)
    answers = []
    for _ in range(many + 1):  # the last is the end of the pipeline
        answers.append((yield from generators.fetch_many(pgconn)))
    return answers[:many]


def _look(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status not in _RIGHT:
            raise error_from_result(result)


@lru_cache(TEXTS)
def _places(query: str) -> tuple[bytes, list[PyFormat]]:
    """A text as PostgreSQL reads it, and how its values are written.

    >>> _places("SELECT %s, '100%%'")[0]
    b"SELECT $1, '100%'"
    """
    parts = _PLACE.split(query)
    marks = _PLACE.findall(query)
    text, count = parts[0], 0
    for mark, part in zip(marks, parts[1:], strict=True):
        count += mark == "%s"
        text += (f"${count}" if mark == "%s" else "%") + part
    return text.encode(), [PyFormat.AUTO] * count
