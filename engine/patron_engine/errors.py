"""The one tree of exceptions. An error ends the call; what many inputs may get wrong is a Problem (problems.py).

    PatronError
    ├── NotFound          there is no such thing, or the caller may not know of it (the same answer)
    ├── Forbidden         the caller may see it and not do this
    ├── Refused           the input has problems; nothing was changed
    ├── NeedsConfirmation only warnings stand in the way; repeat the call and name them
    ├── MustChoose        it asks for an approval, and the caller is to say who decides there
    ├── Conflict          somebody was faster, or the state does not allow it
    │   ├── StaleVersion  the record has another version by now
    │   └── ReleaseChanged the definitions changed under a write, twice
    ├── LimitExceeded     a named limit was reached
    ├── Unavailable       the database cannot answer at the moment; try again
    └── WrongUse          a command or setting makes no sense; a person at a terminal reads it

The code of an error is stable and documented; the HTTP status is chosen in one file of the platform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.problems import Problem


class PatronError(Exception):
    """Every error Patron raises on purpose. `code` is for machines, `detail` and `hint` are for people."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        if code is not None:
            self.code = code


class NotFound(PatronError):
    code = "not_found"


class Forbidden(PatronError):
    code = "forbidden"


class Refused(PatronError):
    """The input has problems, all of them in `problems`."""

    code = "invalid"

    def __init__(
        self,
        problems: Sequence[Problem],
        detail: str | None = None,
        *,
        code: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(detail or (problems[0].message if problems else "refused"), code=code, hint=hint)
        self.problems = tuple(problems)


class NeedsConfirmation(Refused):
    """Only warnings: the caller repeats the call with `confirm` naming their rules."""

    code = "needs_confirmation"


class MustChoose(PatronError):
    """What is saved asks for an approval, and who saves is to say who decides there: the caller repeats the call with `chosen`.
    `choose`: the steps, each with its label and who is offered (None: anybody)."""

    code = "choose_people"

    def __init__(
        self, problems: Sequence[Problem], choose: Sequence[Mapping[str, Any]], hint: str | None = None
    ) -> None:
        super().__init__(problems[0].message, hint=hint)
        self.problems = tuple(problems)
        self.choose = tuple(choose)


class Conflict(PatronError):
    code = "conflict"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, code=code, hint=hint)
        self.values = dict(values or {})


class StaleVersion(Conflict):
    """`values` holds `{"field": {"mine": …, "theirs": …}}` for what differs, and `version`."""

    code = "stale_version"


class ReleaseChanged(Conflict):
    code = "release_changed"


class LimitExceeded(PatronError):
    """`code` is the name of the limit."""

    code = "limit_exceeded"


class Unavailable(PatronError):
    code = "unavailable"


class WrongUse(PatronError):
    code = "wrong_use"
