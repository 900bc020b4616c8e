"""Typing of a call by the signatures of its function. In: typed arguments. Out: the call of the operation that fits."""

from __future__ import annotations

from patron_engine.expr.infer import Infer, call
from patron_engine.expr.nodes import Node
from patron_engine.expr.operation import Function, Signature
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import fits, say_type, words
from patron_engine.phrases import Either, Phrase
from patron_engine.problems import nearest


def apply(infer: Infer, function: Function, args: list[Node], at: int) -> Node:
    """The call of the first signature that fits the arguments; a Fault that says what it takes."""
    for signature in function.signatures:
        converted = _matched(infer, signature, args)
        if converted is not None:
            return call(signature.op, converted, signature.result, at=at)
    raise _misfit(infer, function, args, at)


def _matched(infer: Infer, signature: Signature, args: list[Node]) -> tuple[Node, ...] | None:
    kinds = signature.params.split()
    least = sum(not k.endswith("?") for k in kinds)
    if not least <= len(args) <= len(kinds):
        return None
    converted = tuple(infer.as_kind(a, k.rstrip("?")) for a, k in zip(args, kinds, strict=False))
    good = all(fits(a.type, k.rstrip("?")) for a, k in zip(converted, kinds, strict=False))
    return converted if good else None


def _misfit(infer: Infer, function: Function, args: list[Node], at: int) -> Fault:
    form = Phrase("it is {form}", form=function.form)
    for signature in function.signatures:
        kinds = signature.params.split()
        least = sum(not k.endswith("?") for k in kinds)
        if not least <= len(args) <= len(kinds):
            return Fault("expr_arguments", takes(function.name, least, len(kinds), len(args)), at, form)
    accepted = [s.params.split() for s in function.signatures]
    for i, arg in enumerate(args):
        wanted = [k[i].rstrip("?") for k in accepted]
        if not any(fits(infer.as_kind(arg, k).type, k) for k in wanted):
            asked = Either(words(k) for k in wanted)
            message = Phrase(
                "argument {i} of {function} is {asked}, but this is {type}",
                i=i + 1,
                function=function.name,
                asked=asked,
                type=say_type(arg.type),
            )
            return Fault("expr_types", message, arg.at or at, form)
    return Fault(
        "expr_types",
        Phrase("{function} does not take these arguments together", function=function.name),
        at,
        form,
    )


def arity(function: Function, s: Syntax, least: int, most: int | None) -> None:
    """Refuses a wrong number of arguments."""
    n = len(s.items)
    if n < least or (most is not None and n > most):
        raise Fault(
            "expr_arguments",
            takes(function.name, least, most, n),
            s.at,
            Phrase("it is {form}", form=function.form),
        )


def takes(function: str, least: int, most: int | None, given: int) -> Phrase:
    """How many arguments a function takes, for who gave it another number."""
    if least == most == 1:
        return Phrase("{function} takes 1 argument, not {given}", function=function, given=given)
    count: int | Phrase = least
    if most is None:
        count = Phrase("at least {least}", least=least)
    elif most != least:
        count = Phrase("{least} to {most}", least=least, most=most)
    return Phrase(
        "{function} takes {count} arguments, not {given}", function=function, count=count, given=given
    )


def constant_text(f: Function, s: Syntax, what: str) -> str:
    """The text an argument is; it must be a constant."""
    if s.kind != "constant" or not isinstance(s.value, str) or not s.value:
        raise Fault(
            "expr_arguments",
            Phrase("{f} takes {what} in quotes here: {form}", f=f.name, what=what, form=f.form),
            s.at,
        )
    return s.value


def one_of(f: Function, s: Syntax, known: tuple[str, ...], value: str | None = None) -> str:
    """The word an argument is, one of those known."""
    word = constant_text(f, s, Phrase("a unit")) if value is None else value
    if word not in known:
        hint = nearest(word, known) or Phrase("units: {known}", known=list(known))
        raise Fault("expr_arguments", Phrase("{f} knows no unit {word!r}", f=f.name, word=word), s.at, hint)
    return word
