"""Problems: what is wrong, in the reader's language.

In: a problem of the engine, the model. Out: one sentence: of `texts/problems.yaml` by its code, or what the definition says (a rule,
a unique rule with a message of its own), or the engine's words where nobody wrote others.
"""

from __future__ import annotations

from collections.abc import Callable

from patron_engine.model.model import Model
from patron_engine.problems import Problem
from patron_platform.web.texts import texts_in

OWN_WORDS = frozenset({
    "rule", "history_rule", "stage_criterion", "history_stage_criterion", "duplicate", "maybe_duplicate", "history_duplicate",
})  # fmt: skip


def words_in(language: str, model: Model) -> Callable[[Problem], str]:
    """How a problem is said in a language."""
    t = texts_in(language)
    messages = {u.name for o in model.objects.values() for u in o.uniques if u.message}

    def words(problem: Problem) -> str:
        key = f"problems.{problem.code}"
        own = problem.code in OWN_WORDS or (problem.code == "taken" and problem.rule in messages)
        return problem.message if own or not t.has(key) else t(key)

    return words
