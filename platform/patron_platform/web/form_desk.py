"""Form desk: one form of one visitor: what it is about, what it begins with, where it stands and where it leads.

In: a visitor, an object, an id. Out: what the engine opens (`Opening`), the addresses around it, what sending it does. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import psycopg

from patron_engine.errors import NotFound
from patron_engine.model.model import Object
from patron_engine.page.form_parts import in_place
from patron_engine.page.form_tree import FormTree, Opening
from patron_engine.page.layout import Place, form_layout_of
from patron_engine.page.typed import Typed
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.change import Change, Outcome
from patron_engine.ways.save import save
from patron_platform.api.idempotency import MAX_KEY
from patron_platform.web import once
from patron_platform.web.arriving import local_address
from patron_platform.web.form_page import Around, brief
from patron_platform.web.visitor import Visitor

FILL = "fill."


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One form of one visitor: what it is about and where it stands. `fill` are the parameters a new record begins with. `also` are
    fields that a form of one field asks for as well, because that one cannot be saved without them."""

    visitor: Visitor
    name: str
    id: str | None = None
    also: tuple[str, ...] = ()

    @property
    def parameters(self) -> Mapping[str, str]:
        return self.visitor.request.query_params

    def object(self, call: Call) -> Object:
        return known_object(call, self.name)

    def opening(self, conn: psycopg.Connection[Any], call: Call, typed: Typed | None = None) -> Opening:
        found = self.object(call)
        asked = self.parameters.get("type") if self.id is None else None
        if typed is not None and typed.fields.get("record_type"):
            asked = (typed.fields["record_type"].get("", ("",)))[-1]
        fill = {k.removeprefix(FILL): v for k, v in self.parameters.items() if k.startswith(FILL) and v}
        return Opening(
            object=found,
            id=self.id,
            record_type=asked if asked in found.record_types else None,
            fill={} if self.id else fill,
            lookup=self.visitor.url("o-lookup"),
            more=typed.frame.get("_more", "") if typed is not None else "",
        )

    def places(self, call: Call, opening: Opening) -> tuple[Place, ...]:
        """The fields that the address names, mostly one; none where the whole form is meant. NotFound for one that is not there."""
        if not self.field:
            return opening.only
        layout = in_place(form_layout_of(call.model, call.actor, opening.object, opening.record_type))
        named = self.field.split(",")
        if not set(named) <= set(layout):
            raise NotFound("the form has no such field")
        return tuple(layout[n] for n in dict.fromkeys((*named, *self.also)) if n in layout)

    def carry_out(self, conn: psycopg.Connection[Any], call: Call, change: Change) -> Outcome:
        """What sending the form does."""
        return save(conn, call, [change])[0]

    def landing(self, outcome: Outcome) -> str:
        """Where one goes when that is done."""
        return self.visitor.url("o", outcome.object, str(outcome.id))

    def around(self, typed: Typed | None, tree: FormTree) -> Around:
        base = self.visitor.url("o", self.name, *((self.id,) if self.id else ("new",)))
        shown = {i.name for i in (brief(tree) if self.dialog else tree).inputs()}
        kept = {n: v for n, v in self.opening_fill(typed).items() if n not in shown}
        next = (
            local_address(self.parameters.get("next") or (typed.frame.get("_next") if typed else None)) or ""
        )
        back = next or (base if self.id else self.visitor.url("o", self.name))
        given = {"dialog": "1"} if self.dialog else {"only": self._asked(tree)} if self.field else {}
        query = f"?{urlencode(given)}" if given else ""
        return Around(
            address=(f"{base}/edit" if self.id else base) + query,
            preview=f"{base}/preview" + (query if self.field else ""),
            back=back,
            next=next,
            dialog=self.dialog,
            inline=bool(self.field),
            loose=tuple(kept.items()),
            once=self._token(typed),
        )

    def opening_fill(self, typed: Typed | None) -> Mapping[str, str]:
        """What a new record begins with and no input of the layout shows: it travels along."""
        if self.id is not None:
            return {}
        fill = {k.removeprefix(FILL): v for k, v in self.parameters.items() if k.startswith(FILL) and v}
        if typed is not None:
            fill |= {n: g[""][-1] for n, g in typed.fields.items() if g.get("") and n not in typed.was}
        return {n: v for n, v in fill.items() if n != "record_type" and not n.startswith("_")}

    @staticmethod
    def _token(typed: Typed | None) -> str:
        """What tells this form from another: the same when it is drawn again, so that it is carried out once."""
        given = typed.frame.get("_once", "") if typed is not None else ""
        return given if given.isprintable() and 0 < len(given) <= MAX_KEY else once.token()

    def _asked(self, tree: FormTree) -> str:
        """The fields that the form asks for, as its address names them."""
        drawn = {i.field.name for i in tree.inputs()}
        return ",".join((self.field, *(n for n in self.also if n in drawn)))

    @property
    def field(self) -> str:
        """The one field of a record that is changed where it stands, or some with a comma between; "" for the whole form."""
        return self.parameters.get("only", "") if self.id is not None else ""

    @property
    def dialog(self) -> bool:
        return self.parameters.get("dialog") == "1"
