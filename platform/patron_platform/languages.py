"""Languages: which ones a request is answered in.

In: what somebody chose for himself, the header Accept-Language. Out: the languages Patron speaks, the one liked best first.
"""

from __future__ import annotations

from starlette.requests import Request

SPOKEN = ("en", "zh-CN", "zh-TW")


def languages_of(header: str) -> tuple[str, ...]:
    """The languages of an Accept-Language header that Patron speaks, best first.

    >>> languages_of("zh-TW,zh;q=0.9,en;q=0.8")
    ('zh-TW', 'zh-CN', 'en')
    """
    weighed = []
    for part in header[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.partition("q=")[2] or 1)
        except ValueError:
            weight = 0.0
        weighed.append((-weight, tag.lower()))
    found: list[str] = []
    for _, tag in sorted(weighed, key=lambda w: w[0]):
        if tag.startswith("zh"):
            name = "zh-TW" if tag in ("zh-tw", "zh-hk", "zh-hant", "zh-hant-tw") else "zh-CN"
        elif tag.startswith("en"):
            name = "en"
        else:
            continue
        if name not in found:
            found.append(name)
    return tuple(found) or ("en",)


def chosen_first(chosen: object, header: str) -> tuple[str, ...]:
    """What somebody chose for himself, then what his browser asks for.

    >>> chosen_first("zh-TW", "en"), chosen_first(None, "en")
    (('zh-TW', 'en'), ('en',))
    """
    asked = languages_of(header)
    if chosen in SPOKEN:
        return (str(chosen), *(name for name in asked if name != chosen))
    return asked


def remember(request: Request, languages: tuple[str, ...]) -> None:
    """Notes what the caller reads, when the door has found out who he is."""
    request.state.languages = languages


def asked(request: Request) -> tuple[str, ...]:
    """The languages of an answer: what `remember` noted, else what the request asks for."""
    noted: tuple[str, ...] | None = getattr(request.state, "languages", None)
    return noted or languages_of(request.headers.get("accept-language", ""))
