"""Checks of objects: what each object's definition must be beyond its names and types.

In: sketches whose expressions are compiled. Out: problems with places. Every check stands alone and reads like its
message; the order here is the order of the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from patron_engine.expr.types import fits, say_type
from patron_engine.fields.field import ChoiceSpec, LinkSpec
from patron_engine.fields.options import walk_options
from patron_engine.fields.vault import ENCRYPTABLE
from patron_engine.model import limits
from patron_engine.model.catalog import field_at
from patron_engine.model.keys import KeyChecks
from patron_engine.model.mixed import check_mixed
from patron_engine.model.sketch import FieldSketch
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

TITLE_KINDS: Final = ("text", "choice")


class ObjectChecks(KeyChecks):
    """The checks of one object; `run` does them all."""

    def run(self) -> None:
        self.run_keys()
        self._title()
        self._master()
        self._currency()
        self._search()
        for f in self._own():
            self._required(f)
            self._choice(f)
            self._link(f)
            self._encrypted(f)
            self._rollup(f)
            self._same_currency(f)
            self._numbered(f)
        check_mixed(self.one, self.sketch, self.problems)

    def _title(self) -> None:
        title = self.one.body.get("title")
        if not isinstance(title, str):
            return
        found = field_at(self.sketch, self.one.name, title)
        if found is not None and found.expr is not None and not any(fits(found.expr, k) for k in TITLE_KINDS):
            self.tell("title_type", Phrase("the title is {expr}; people look for a text", expr=say_type(found.expr)), ("title",),
                      "take a text, a number that comes by itself, or a formula that makes a text")  # fmt: skip
        if found is not None and found.definition.get("encrypted") is True:
            self.tell(
                "title_type",
                "an encrypted field cannot be the title",
                ("title",),
                "lists sort and search by titles",
            )

    def _master(self) -> None:
        masters = [f for f in self._own() if f.type.name == "master"]
        for f in masters[1:]:
            self.tell(
                "second_master",
                Phrase(
                    "{one} has two masters: {masters} and {f}",
                    one=self.one.name,
                    masters=masters[0].name,
                    f=f.name,
                ),
                f.path,
                "make one a lookup",
            )
        if not masters:
            return
        chain, here = [self.one.name], self.one
        while (master := here.master) is not None and isinstance(master.spec, LinkSpec):
            above = self.sketch.object(master.spec.to[0] if master.spec.to else None)
            if above is None:
                return
            if above.name in chain:
                self.tell("master_cycle", Phrase("masters go in a circle: {value}", value=' → '.join([*chain, above.name])), masters[0].path,
                          "one of them is a lookup")  # fmt: skip
                return
            chain.append(above.name)
            here = above
        if len(chain) > limits.DETAIL_DEPTH:
            self.tell("limit_detail_depth", Phrase("details nest at most {most} levels: {chain}", most=limits.DETAIL_DEPTH, chain=' → '.join(chain)), masters[0].path,
                      "make the uppermost a lookup")  # fmt: skip
        if isinstance(masters[0].spec, LinkSpec) and (len(masters[0].spec.to) != 1 or masters[0].spec.many):
            self.tell(
                "master_many",
                "a detail has one master of one object",
                (*masters[0].path, "many" if masters[0].spec.many else "to"),
                "make it a lookup",
            )

    def _currency(self) -> None:
        named = self.one.body.get("rate_date")
        if named is None:
            return
        if not self.one.record_currency:
            self.tell("rate_date_alone", "rate_date is for objects with `currency: record`", ("rate_date",))
        found = self.one.field(str(named))
        if found is not None and found.expr is not None and found.expr.kind not in ("date", "datetime"):
            self.tell(
                "rate_date_type",
                Phrase("{named} is {expr}, the rate needs a day", named=named, expr=say_type(found.expr)),
                ("rate_date",),
            )

    def _same_currency(self, f: FieldSketch) -> None:
        if not isinstance(f.spec, LinkSpec) or not f.spec.same_currency:
            return
        path = (*f.path, "same_currency")
        if len(f.spec.to) != 1 or f.spec.many:
            self.tell("same_currency_many", Phrase("{f} can point at several records: which currency?", f=f.name), path, "make it a link to one record of one object")  # fmt: skip
            return
        target = self.sketch.object(f.spec.to[0])
        for side in (self.one, target):
            if side is not None and not side.record_currency:
                self.tell("same_currency_alone", Phrase("records of {side} have no currency of their own", side=side.name), path, "write `currency: record` there, or leave same_currency out")  # fmt: skip

    def _search(self) -> None:
        for index, path in enumerate(self.one.body.get("search") or ()):
            found = field_at(self.sketch, self.one.name, path) if isinstance(path, str) else None
            if found is not None and (
                found.type.name in ("secret", "json", "boolean") or found.definition.get("encrypted") is True
            ):
                self.tell(
                    "search_type",
                    Phrase("{path} holds no words the search could find", path=path),
                    ("search", index),
                )

    def _required(self, f: FieldSketch) -> None:
        required, readonly = f.definition.get("required"), f.definition.get("readonly")
        computed = f.computed or f.type.name == "auto_number"
        if computed and required not in (None, False):
            self.tell(
                "required_computed",
                Phrase("{f} is worked out; nobody can be asked to fill it", f=f.name),
                (*f.path, "required"),
                "make it a rule",
            )
        if computed and f.definition.get("default") is not None:
            self.tell(
                "default_computed",
                Phrase("{f} is worked out and takes no default", f=f.name),
                (*f.path, "default"),
                "leave it out",
            )
        find = isinstance(f.spec, LinkSpec) and isinstance(f.definition.get("find"), Mapping)
        if (
            required is True
            and readonly is True
            and not computed
            and "default" not in f.definition
            and not find
            and f.name not in self._filled()
        ):
            self.tell("required_readonly", Phrase("{f} is required and nobody may write it", f=f.name), f.path,
                      "give it a default, fill it from a link, or leave `readonly` out")  # fmt: skip

    def _filled(self) -> set[str]:
        return {own for f in self._own() if isinstance(f.spec, LinkSpec) for own in f.spec.fill}

    def _choice(self, f: FieldSketch) -> None:
        if not isinstance(f.spec, ChoiceSpec):
            return
        by = f.definition.get("controlled_by")
        limited = [o for _, _, o in walk_options(f.spec.options) if o.only_for is not None]
        if limited and by is None and f.spec.option_set is None:
            self.tell("only_for_alone", Phrase("option {limited!r} has `only_for`, but {f} has no `controlled_by`", limited=limited[0].name, f=f.name), f.path,
                      "say which field controls it")  # fmt: skip
        if isinstance(by, str):
            controller = self.one.field(by)
            if (
                controller is not None
                and not isinstance(controller.spec, ChoiceSpec)
                and controller.type.name != "boolean"
            ):
                self.tell(
                    "controller_type",
                    Phrase("{by} is no choice and cannot control {f}", by=by, f=f.name),
                    (*f.path, "controlled_by"),
                )
            if self._controls_itself(f):
                self.tell(
                    "controller_cycle",
                    Phrase("{f} controls itself through {by}", f=f.name, by=by),
                    (*f.path, "controlled_by"),
                )
        if f.spec.option_set is None:
            names = {p for p, _, _ in walk_options(f.spec.options)}
            for path, _, option in walk_options(f.spec.options):
                above = path.rpartition("/")[0]
                target = f"{above}/{option.retired_to}" if above and option.retired_to else option.retired_to
                if target is not None and (target not in names or target == path):
                    self.tell("unknown_option", Phrase("{path!r} is retired to {retired_to!r}, which is no other option", path=path, retired_to=option.retired_to), (*f.path, "options"),
                              nearest(option.retired_to or "", names))  # fmt: skip

    def _controls_itself(self, f: FieldSketch) -> bool:
        seen, here = {f.name}, f
        while (
            isinstance(by := here.definition.get("controlled_by"), str)
            and (found := self.one.field(by)) is not None
        ):
            if found.name in seen:
                return True
            seen.add(found.name)
            here = found
        return False

    def _link(self, f: FieldSketch) -> None:
        if not isinstance(f.spec, LinkSpec):
            return
        if f.spec.on_delete == "clear" and f.definition.get("required") is True:
            self.tell(
                "clear_required",
                Phrase("{f} is required and cannot be cleared", f=f.name),
                (*f.path, "on_delete"),
                "restrict or cascade",
            )
        for own, source in f.spec.fill.items():
            mine = self.one.field(own)
            if mine is None or mine.expr is None:
                continue
            if mine.computed or mine.type.name == "auto_number":
                self.tell(
                    "fill_computed",
                    Phrase("{own} is worked out and cannot be filled", own=own),
                    (*f.path, "fill", own),
                    "take another field",
                )
            for target in f.spec.to:
                theirs = self.sketch.object(target) and self.expressions.field_type(target, source)
                if theirs and mine.expr.kind != theirs.kind and not fits(theirs, mine.expr.kind):
                    self.tell(
                        "fill_type",
                        Phrase(
                            "{target}.{source} is {theirs}, {own} is {expr}",
                            target=target,
                            source=source,
                            theirs=say_type(theirs),
                            own=own,
                            expr=say_type(mine.expr),
                        ),
                        (*f.path, "fill", own),
                    )

    def _encrypted(self, f: FieldSketch) -> None:
        if f.definition.get("encrypted") is True and f.type.name not in ENCRYPTABLE:
            self.tell("not_encryptable", Phrase("{type} fields cannot be encrypted", type=f.type.name), (*f.path, "encrypted"),
                      Phrase("texts can: {encryptable}", encryptable=sorted(ENCRYPTABLE)))  # fmt: skip

    def _numbered(self, f: FieldSketch) -> None:
        if f.type.name == "auto_number" and f.definition.get("reset") == "master" and self.one.master is None:
            self.tell("reset_without_master", Phrase("{one} is no detail: there is no master to count for", one=self.one.name), (*f.path, "reset"),
                      "never, day, month or year; or make a link its master")  # fmt: skip

    def _rollup(self, f: FieldSketch) -> None:
        if f.type.name != "rollup":
            return
        steps = str(f.definition.get("of") or "").split(".")
        if len(steps) > limits.ROLLUP_PATH:
            self.tell(
                "limit_rollup_path",
                Phrase("a roll-up goes down at most {most} sets", most=limits.ROLLUP_PATH),
                (*f.path, "of"),
            )
        if f.definition.get("deep") is True:
            own = self.one.set(steps[0])
            link = self.sketch.objects[own.object].fields[own.field] if own is not None else None
            if link is not None and not (own is not None and own.object == self.one.name):
                self.tell("deep_without_tree", Phrase("{steps} is no tree: `deep` needs a set of {one} itself", steps=steps[0], one=self.one.name), (*f.path, "deep"),
                          "leave `deep` out")  # fmt: skip
