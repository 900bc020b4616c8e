"""Random typed expressions and random records for them: what the differential test of the expression language is fed.

The one object has a field of every kind; Writer writes expressions of a wanted kind over them, Samples values with the
nasty ones among them.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from patron_engine import jsonio
from patron_engine.expr.context import Context
from patron_engine.expr.types import ExprType

OBJECT: Final = "deal"
OPTIONS: Final = ("low", "middle", "high")
STORED: Final = ("tiny", "middle", "high")  # `low` was once called `tiny`
LEVEL: Final = ExprType("choice", options=OPTIONS, stored=STORED, was=(("tiny", "low"),))
STAGE: Final = ExprType("choice", options=("open", "won", "lost"))
UNIT: Final = ExprType("choice", options=("day", "weeks", "month", "years"))
FIELDS: Final[dict[str, tuple[ExprType, Any]]] = {
    "number": (ExprType("number"), sa.Numeric()),
    "price": (ExprType("number"), sa.Numeric()),
    "quantity": (ExprType("number"), sa.BigInteger()),
    "length": (ExprType("duration"), sa.BigInteger()),
    "title": (ExprType("text"), sa.Text()),
    "note": (ExprType("text"), sa.Text()),
    "class": (ExprType("text"), sa.Text()),
    "stage": (STAGE, sa.Text()),
    "level": (LEVEL, sa.Text()),
    "unit": (UNIT, sa.Text()),
    "flag": (ExprType("boolean"), sa.Boolean()),
    "sure": (ExprType("boolean"), sa.Boolean()),
    "due": (ExprType("date"), sa.Date()),
    "begun": (ExprType("date"), sa.Date()),
    "made_at": (ExprType("datetime"), sa.DateTime(timezone=True)),
    "done_at": (ExprType("datetime"), sa.DateTime(timezone=True)),
    "opens": (ExprType("time"), sa.Time()),
    "owner": (ExprType("link", objects=("user",)), sa.Uuid(as_uuid=False)),
    "maker": (ExprType("link", objects=("user",)), sa.Uuid(as_uuid=False)),
    "tags": (ExprType("list", element=ExprType("text")), sa.ARRAY(sa.Text())),
    "levels": (ExprType("list", element=LEVEL), sa.ARRAY(sa.Text())),
    "valid": (ExprType("range", element=ExprType("date")), None),
    "place": (ExprType("location"), None),
    "home": (ExprType("location"), None),
    "body": (ExprType("json"), None),
    "area": (ExprType("text"), sa.Text()),
}
PARTS: Final[dict[str, Any]] = {
    "valid.from": sa.Date(), "valid.to": sa.Date(), "place.lat": sa.Numeric(), "place.lng": sa.Numeric(),
    "home.lat": sa.Numeric(), "home.lng": sa.Numeric(), "body.n": JSONB(), "body.t": JSONB(), "body.b": JSONB(),
}  # fmt: skip
COLUMNS: Final = {**{n: t for n, (_, t) in FIELDS.items() if t is not None}, **PARTS}
USERS: Final = tuple(str(UUID(int=i)) for i in range(1, 4))


class catalog:
    """A catalogue of the one object."""

    def field(self, object: str, name: str) -> ExprType | None:
        if object == "user":
            return ExprType("link", objects=("user",)) if name == "id" else None
        found = FIELDS.get(name)
        return found[0] if found else None

    def set_object(self, object: str, name: str) -> str | None:
        return None

    def names(self, object: str) -> tuple[str, ...]:
        return tuple(FIELDS) if object == OBJECT else ("id",)

    def sets(self, object: str) -> tuple[str, ...]:
        return ()

    def setting(self, name: str) -> ExprType | None:
        return None

    def segment(self, name: str) -> str | None:
        return None

    def canonical(self, object: str, name: str) -> str:
        return name


NUMBERS: Final = (
    "0", "1", "-1", "2", "3", "0.1", "0.2", "7", "-7", "2.5", "-2.5", "2.675", "100", "0.00000000005", "1000000",
    "9999999999999999999999999", "-9999999999999999999999999", "1000000000000000000000000", "12345678901234567.89",
    "0.3333333333", "-0.0000000001", "9223372036854775807", "4.5", "365", "86400", "0.5", "-0.5", "1e-20", "50",
)  # fmt: skip
TEXTS: Final = (
    "a", "A", "b", "abc", "ABC", "Straße", "ß", "ẞ", "İstanbul", "ıI", "ΣΑΣ", "σας", "ǅ", "ﬁ", "ŉ", "é", "e", "ÿ", "Ω",
    "客户", "客户 A", "😀", "👩‍👩‍👧", "🇩🇪", " a ", "\u3000全\u3000", "a%b", "a_b", "%", "_", "\\", "a\\b", "it's", '"', "12", "12.50",
    " -3 ", "1e5", "+7", "1,000", "NaN", "-0", "a\nb", "\t", "cn/zj", "cn/zj/hz", "cn/zjx", "'); drop table deal; --", "x" * 300,
    "won", "low", "true", "{a}", "${b}", "%s", "%(a)s", "ᾳ", "ΐ", "ǰ", "\u0130\u0307",
)  # fmt: skip
DATES: Final = (
    "2024-02-29", "2023-02-28", "2026-01-31", "2026-12-31", "2026-01-01", "2026-03-31", "2000-02-29", "1999-12-31",
    "0002-03-04", "9998-11-30", "2026-03-29", "2026-10-25", "2026-03-01", "2026-04-01", "1900-02-28", "2024-03-09", "2024-03-10",
)  # fmt: skip
MOMENTS: Final = (
    "2026-03-31T16:30:00+00:00", "2026-03-29T00:59:59.999999+00:00", "2026-03-29T01:00:00+00:00", "2026-10-25T00:30:00+00:00",
    "2026-10-25T01:30:00+00:00", "2024-03-10T06:59:00+00:00", "2024-03-10T07:00:00+00:00", "2024-11-03T05:30:00+00:00",
    "2024-11-03T06:30:00+00:00", "2023-12-31T23:59:59+00:00", "2024-02-29T12:00:00.123456+00:00", "1999-12-31T16:00:00+00:00",
    "1950-06-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00", "2026-04-04T15:00:00+00:00", "2026-04-04T15:15:00+00:00",
)  # fmt: skip


class Samples:
    """Random records; about a quarter of all values are empty."""

    def __init__(self, rng: random.Random, context: Context) -> None:
        self.rng, self.context = rng, context

    def row(self, number: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in COLUMNS:
            empty = number == 0 or self.rng.random() < 0.22
            values[name] = None if empty else self.value(name)
        return values

    def value(self, name: str) -> Any:
        rng, kind = self.rng, FIELDS[name][0].kind if name in FIELDS else name
        match kind:
            case "number":
                if name == "quantity":
                    return rng.choice((0, 1, -1, 3, 10, 2**63 - 1, -(2**63) + 1, rng.randint(-1000, 1000)))
                return rng.choice(
                    (Decimal(rng.choice(NUMBERS)), Decimal(rng.randint(-100000, 100000)).scaleb(-2))
                )
            case "duration":
                return rng.choice((0, 60, 3600, -5, 86_400, 2**62, rng.randint(0, 10**6)))
            case "text":
                return rng.choice(("cn/zj", "cn/zj/hz", "us", "cn")) if name == "area" else rng.choice(TEXTS)
            case "choice":
                return rng.choice(FIELDS[name][0].options or ())
            case "boolean":
                return rng.random() < 0.5
            case "date" | "valid.from" | "valid.to":
                near = self.context.today + timedelta(days=rng.randint(-400, 400))
                return rng.choice((date.fromisoformat(rng.choice(DATES)), near))
            case "datetime":
                near_moment = self.context.now + timedelta(seconds=rng.randint(-(10**7), 10**7))
                return rng.choice((datetime.fromisoformat(rng.choice(MOMENTS)).astimezone(UTC), near_moment))
            case "time":
                return rng.choice((time(0), time(9, 30), time(23, 59, 59), time(12)))
            case "link":
                return rng.choice(USERS)
            case "list":
                pool = OPTIONS if name == "levels" else TEXTS[:12]
                return tuple(rng.sample(pool, rng.randint(1, 3)))
            case "body.n" | "body.t" | "body.b":
                return rng.choice((Decimal("1.5"), 3, "a", "won", True, False, {"x": 1}, [1], "12"))
            case _:
                return Decimal(rng.randint(-900, 900)).scaleb(-1)

    def create(self, conn: psycopg.Connection[Any], rows: list[dict[str, Any]]) -> sa.TableClause:
        """A temporary table with the rows."""
        dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
        physical = {name: name.replace(".", "__") for name in COLUMNS}
        kinds = ", ".join(f'"{physical[n]}" {t.compile(dialect=dialect)}' for n, t in COLUMNS.items())
        conn.execute("DROP TABLE IF EXISTS pg_temp.deal")
        conn.execute(f"CREATE TEMP TABLE deal (row bigint, {kinds})")  # type: ignore[arg-type]
        marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
        for i, row in enumerate(rows):
            conn.execute(f"INSERT INTO deal VALUES ({marks})", [i, *(held(n, row[n]) for n in COLUMNS)])  # type: ignore[arg-type]
        columns = [sa.column(physical[n], t) for n, t in COLUMNS.items()]
        return sa.table("deal", sa.column("row", sa.BigInteger()), *columns)


def held(name: str, value: Any) -> Any:
    """A value as its column holds it."""
    if value is None:
        return None
    if name.startswith("body."):
        return Jsonb(value, dumps=lambda v: jsonio.dumps(v) if not isinstance(v, Decimal) else str(v))
    if name == "level":
        return dict(zip(OPTIONS, STORED, strict=True))[value]
    if name == "levels":
        return [dict(zip(OPTIONS, STORED, strict=True))[v] for v in value]
    return list(value) if isinstance(value, tuple) else value


class Writer:
    """Writes random expressions of a wanted kind, nested up to `depth`."""

    KINDS: Final = ("number", "text", "boolean", "boolean", "date", "datetime", "duration")

    def __init__(self, rng: random.Random, depth: int = 4) -> None:
        self.rng, self.depth = rng, depth

    def expression(self) -> str:
        return self.write(self.rng.choice(self.KINDS), self.rng.randint(1, self.depth))

    def write(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.1:
            return self.leaf(kind)
        made: str = getattr(self, kind)(depth - 1)
        return made

    def pick(self, *forms: str) -> str:
        return self.rng.choice(forms)

    def leaf(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "number":
                return rng.choice(("number", "price", "quantity", "length", "number", "price", self.digits()))
            case "text":
                return rng.choice(
                    (
                        "title",
                        "note",
                        "class",
                        "(stage + none)",
                        "(level + none)",
                        "area",
                        quoted(rng.choice(TEXTS)),
                    )
                )
            case "boolean":
                return self.pick("flag", "sure", "flag", "true", "false")
            case "date":
                y, m, d = rng.choice(DATES).split("-")
                return self.pick(
                    "due", "begun", "valid.from", "valid.to", "TODAY()", f"DATE({int(y)}, {int(m)}, {int(d)})"
                )
            case "datetime":
                return self.pick("made_at", "done_at", "NOW()")
            case "duration":
                return "length"
            case _:
                return "opens"

    def digits(self) -> str:
        text = self.rng.choice(NUMBERS)
        return "0.00000000000000000001" if "e" in text else f"({text})" if text.startswith("-") else text

    def few(self) -> str:
        """A small number, so that days, months and digits stay where something happens."""
        return self.pick(
            "1",
            "2",
            "(-1)",
            "12",
            "0",
            "30",
            "(-13)",
            "2.9",
            "quantity",
            "MOD(quantity, 40)",
            "1000000",
            "5000",
        )

    def number(self, d: int) -> str:
        n, t, b = (
            (lambda: self.write("number", d)),
            (lambda: self.write("text", d)),
            (lambda: self.write("boolean", d)),
        )
        day, at = (lambda: self.write("date", d)), (lambda: self.write("datetime", d))
        forms = (
            lambda: f"({n()} + {n()})", lambda: f"({n()} - {n()} + {n()})", lambda: f"{n()} * {n()}", lambda: f"({n()} / {n()})",
            lambda: f"({n()} % {n()})", lambda: f"-({n()})", lambda: f"({n()}) ** {self.rng.randint(0, 4)}", lambda: f"({n()}) ** -2",
            lambda: f"ROUND({n()}, {self.few()})", lambda: f"ROUNDUP({n()}, {self.few()})", lambda: f"ROUNDDOWN({n()}, {self.few()})",
            lambda: f"INT({n()})", lambda: f"MOD({n()}, {n()})", lambda: f"ABS({n()})", lambda: f"SQRT({n()})",
            lambda: f"POWER({n()}, {self.few()})", lambda: f"POWER({n()}, 0.5)", lambda: f"CEILING({n()}, {n()})", lambda: f"FLOOR({n()})",
            lambda: f"FLOOR({n()}, 0.25)", lambda: f"CEILING({n()})", lambda: f"ROUND({n()})",
            lambda: f"SUM({n()}, {n()}, none)", lambda: f"AVERAGE({n()}, {n()}, {n()})", lambda: f"MIN({n()}, {n()})",
            lambda: f"MAX({n()}, {n()})", lambda: f"COUNT({n()}, {b()}, {t()})", lambda: "COUNT(tags)", lambda: f"LEN({t()})",
            lambda: f"FIND({t()}, {t()})", lambda: f"FIND({t()}, {t()}, {self.few()})", lambda: f"VALUE({t()})",
            lambda: f"IF({b()}, {n()}, {n()})", lambda: f"IFS({b()}, {n()}, {b()}, {n()})", lambda: f"COALESCE({n()}, {n()})",
            lambda: f"CASE({n()}, 1, {n()}, {n()}, {n()}, {n()})", lambda: f"YEAR({day()})", lambda: f"MONTH({at()})",
            lambda: f"DAY({at()})", lambda: f"QUARTER({day()})", lambda: f"WEEKDAY({at()})", lambda: f"HOUR({at()})",
            lambda: f"MINUTE({at()})", lambda: "HOUR(opens)", lambda: f"({day()} - {day()})", lambda: f"DAYS({day()}, {day()})",
            lambda: f"MONTHS({day()}, {day()})", lambda: f"YEARS({day()}, {day()})", lambda: f"HOURS({at()}, {at()})",
            lambda: f"({self.write('duration', d)} / {self.write('duration', d)})", lambda: "DISTANCE(place, home)", lambda: "body.n + 1",
        )  # fmt: skip
        return self.rng.choice(forms)()

    def duration(self, d: int) -> str:
        at, n, length = (
            (lambda: self.write("datetime", d)),
            (lambda: self.write("number", d)),
            (lambda: self.write("duration", d)),
        )
        forms = (
            lambda: f"({at()} - {at()})",
            lambda: f"({length()} * {n()})",
            lambda: f"({length()} + {length()})",
            lambda: f"({length()} / {n()})",
        )
        return self.rng.choice(forms)()

    def text(self, d: int) -> str:
        n, t, b = (
            (lambda: self.write("number", d)),
            (lambda: self.write("text", d)),
            (lambda: self.write("boolean", d)),
        )
        day, at = (lambda: self.write("date", d)), (lambda: self.write("datetime", d))
        forms = (
            lambda: f"({t()} + {t()})", lambda: f"({t()} + {t()} + none)", lambda: f"LEFT({t()}, {self.few()})", lambda: f"RIGHT({t()}, {self.few()})",
            lambda: f"MID({t()}, {self.few()}, {self.few()})", lambda: f"UPPER({t()})", lambda: f"LOWER({t()})", lambda: f"TRIM({t()})",
            lambda: f"REPLACE({t()}, {t()}, {t()})", lambda: f"CONCAT({t()}, {n()}, {day()}, {b()})", lambda: f"TEXT({n()})",
            lambda: f"TEXT({day()})", lambda: f"TEXT({at()})", lambda: f"TEXT({b()})", lambda: "TEXT(opens)", lambda: "TEXT(owner)",
            lambda: f"TEXT({n()}, '{self.pick('0', '0.00', '#,##0.00', '0%', '#,##0', '0.0%')}')",
            lambda: f"TEXT({day()}, 'YYYY/MM-DD YY')", lambda: f"TEXT({at()}, 'HH:MI:SS DD.MM.YYYY')",
            lambda: f"IF({b()}, {t()}, {t()})", lambda: f"COALESCE({t()}, {t()})", lambda: f"MIN({t()}, {t()})", lambda: f"MAX({t()}, {t()})",
            lambda: f"CASE({t()}, {t()}, {t()}, 'none of them')", lambda: "body.t + '!'", lambda: "COALESCE(body.t, title)",
        )  # fmt: skip
        return self.rng.choice(forms)()

    def date(self, d: int) -> str:
        n, day, b = (
            (lambda: self.write("number", d)),
            (lambda: self.write("date", d)),
            (lambda: self.write("boolean", d)),
        )
        period = self.pick("day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year")
        forms = (
            lambda: f"({day()} + {self.few()})", lambda: f"({day()} - {self.few()})", lambda: f"(SUM({n()}, 0) + {day()})",
            lambda: f"DATEADD({day()}, {self.few()}, '{self.pick('day', 'week', 'month', 'quarter', 'year', 'months')}')",
            lambda: f"DATEADD({day()}, {self.few()}, unit)", lambda: f"START_OF({day()}, '{period}')", lambda: f"END_OF({day()}, '{period}')",
            lambda: f"DAY_OF({self.write('datetime', d)})", lambda: f"DATE({self.pick('2024', 'YEAR(due)')}, {self.few()}, {self.few()})",
            lambda: f"IF({b()}, {day()}, {day()})", lambda: f"COALESCE({day()}, {day()})", lambda: f"MIN({day()}, {day()})", lambda: f"MAX({day()}, {day()})",
        )  # fmt: skip
        return self.rng.choice(forms)()

    def datetime(self, d: int) -> str:
        at, b = (lambda: self.write("datetime", d)), (lambda: self.write("boolean", d))
        period = self.pick("hour", "day", "week", "month", "quarter", "year", "fiscal_year")
        forms = (
            lambda: f"({at()} + {self.few()})", lambda: f"({at()} - {self.write('duration', d)})", lambda: f"({at()} + {self.write('duration', d)})",
            lambda: f"DATEADD({at()}, {self.few()}, '{self.pick('day', 'week', 'month', 'quarter', 'year', 'hour', 'minute')}')",
            lambda: f"DATEADD({at()}, {self.few()}, unit)", lambda: f"START_OF({at()}, '{period}')", lambda: f"END_OF({at()}, '{period}')",
            lambda: f"IF({b()}, {at()}, {at()})", lambda: f"COALESCE({at()}, {at()})", lambda: f"MAX({at()}, {at()})",
        )  # fmt: skip
        return self.rng.choice(forms)()

    def boolean(self, d: int) -> str:
        b, t, n = (
            (lambda: self.write("boolean", d)),
            (lambda: self.write("text", d)),
            (lambda: self.write("number", d)),
        )
        kind = self.pick("number", "number", "text", "date", "datetime", "duration", "time")
        x = lambda: self.write(kind, d) if kind != "time" else "opens"
        sign = self.pick("==", "!=", "<", "<=", ">", ">=")
        range_ = self.pick(
            "THIS('month')",
            "LAST('quarter')",
            "NEXT('week')",
            "LAST_DAYS(30)",
            "NEXT_DAYS(400)",
            "valid",
            "THIS('fiscal_year')",
            "LAST('year')",
        )
        day = lambda: self.write(self.pick("date", "datetime"), d)
        forms = (
            lambda: f"({x()} {sign} {x()})", lambda: f"({x()} {sign} {x()})", lambda: f"({x()} {sign} none)",
            lambda: f"({b()} and {b()})", lambda: f"({b()} or {b()} or {b()})", lambda: f"(not {b()})", lambda: f"(not ({b()} and {b()}))",
            lambda: f"({b()} == {b()})", lambda: f"({b()} != {b()})", lambda: f"ISBLANK({x()})", lambda: f"(not ISBLANK({x()}))",
            lambda: f"({t()} in ('a', {t()}, none))", lambda: f"({t()} not in ('a', 'won', {t()}))", lambda: f"({n()} in (1, 2.5, 0))",
            lambda: f"(stage {self.pick('in', 'not in')} ('won', 'lost'))", lambda: f"(level {self.pick('in', 'not in')} ('low', 'high', none))",
            lambda: f"(level {sign} '{self.pick(*OPTIONS, 'tiny')}')", lambda: f"(level {sign} level)", lambda: f"('{self.pick(*OPTIONS)}' {self.pick('in', 'not in')} levels)",
            lambda: f"({t()} in tags)", lambda: f"(not ({t()} in tags))", lambda: "(tags == none)", lambda: "(tags != none)", lambda: "(valid != none)", lambda: "(place == none)",
            lambda: f"({day()} in {range_})", lambda: f"({day()} not in {range_})", lambda: f"(made_at in {range_})",
            lambda: f"CONTAINS({t()}, {t()})", lambda: f"(not STARTS_WITH({t()}, {t()}))", lambda: f"ENDS_WITH({t()}, {t()})", lambda: f"STARTS_WITH({t()}, {t()})",
            lambda: f"MATCHES({t()}, '{self.pick('^a', '[0-9]+[.]?', '^(a|b)+$', '.', '^[^a-z]*$', 'B{1,2}$', '客')}')",
            lambda: "UNDER(area, 'cn/zj')", lambda: f"UNDER({t()}, {t()})", lambda: f"(owner {self.pick('==', '!=')} maker)", lambda: f"(owner in (maker, '{USERS[0]}'))",
            lambda: f"IF({b()}, {b()}, {b()})", lambda: f"COALESCE(flag, {b()})", lambda: f"IFS({b()}, {b()})", lambda: "flag", lambda: "(not flag)",
            lambda: f"(opens {sign} '09:30')", lambda: f"(due {sign} '2026-03-31')", lambda: f"(body.n {sign} {n()})", lambda: f"(body.t {self.pick('==', '!=')} {t()})",
            lambda: f"(body.b and {b()})", lambda: f"(body.b == {b()})", lambda: f"({n()} < {n()} <= {n()})", lambda: f"(stage == COALESCE(area, {t()}))", lambda: "(stage == level)",
        )  # fmt: skip
        return self.rng.choice(forms)()


def quoted(text: str) -> str:
    """A text as a constant of an expression."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'"
