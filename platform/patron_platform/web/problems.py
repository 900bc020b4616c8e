"""Problems: what is wrong, in the reader's language, beside the field it is about.

In: a problem of the engine, the model. Out: one sentence: what the definition says (a rule, a unique rule with a message of its own),
the page's own words for a code (`texts/problems.yaml`), or the engine's, without the label that stands beside it already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from patron_engine.errors import PatronError, Refused
from patron_engine.model.model import Model
from patron_engine.phrases import reason
from patron_engine.problems import Problem
from patron_platform.phrases import written
from patron_platform.web.texts import texts_in

OWN_WORDS = frozenset({
    "rule", "history_rule", "stage_criterion", "history_stage_criterion", "stage_task", "history_stage_task", "duplicate", "maybe_duplicate", "history_duplicate",
})  # fmt: skip


def words_in(languages: Sequence[str], model: Model) -> Callable[[Problem], str]:
    """How a problem is said in the first of these languages."""
    t = texts_in(languages[0])
    messages = {u.name for o in model.objects.values() for u in o.uniques if u.message}

    def words(problem: Problem) -> str:
        key = f"problems.{problem.code}"
        own = problem.code in OWN_WORDS or (problem.code == "taken" and problem.rule in messages)
        if not own and t.has(key):
            return t(key)
        said = written(reason(problem.message), languages)
        return said[:1].upper() + said[1:]

    return words


def said_of(error: PatronError | None, words: Callable[[str], str]) -> list[str]:
    """What an error is about, where it has no field to stand beside: each problem with its hint, or the error itself."""
    if error is None:
        return []
    problems: Sequence[Problem] = error.problems if isinstance(error, Refused) else ()
    said = [words(p.message) + (f" ({words(p.hint)})" if p.hint else "") for p in problems]
    return said or [words(error.detail) + (f" ({words(error.hint)})" if error.hint else "")]
