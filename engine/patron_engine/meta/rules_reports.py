"""Rules of reports: the figures a kind has of its own, and what a schedule can send.

In: a Document of kind report that may be wrong in other ways too. Out: Problems added to the collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from patron_engine.meta.document import Document, walk
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

OWN_FIGURES: Final = {"funnel": ("count", "value", "conversion", "overall", "stay"), "cohort": ("share",)}


def own_figures(document: Document, found: Problems) -> None:
    """What is said of a figure that nobody wrote as a measure is said of one the report has."""
    type, figures = str(document.body.get("type")), document.body.get("figures")
    own = OWN_FIGURES.get(type, ())
    for number, figure in enumerate(figures if own and isinstance(figures, list) else ()):
        if isinstance(figure, Mapping) and figure.get("name") not in own:
            message = Phrase("a {type} has no figure {name!r} of its own", type=type, name=figure.get("name"))
            found.add("unknown_name", message, hint=", ".join(own), **document.where(("figures", number)))


def pictures(document: Document, found: Problems) -> None:
    """A picture is drawn where a chart is looked at: a server has no fonts of all languages to draw one with."""
    for path, value in walk(document.body):
        if path and path[0] == "schedule" and path[-1] == "as" and value == "image":
            message = "a report is sent as a file or a link; a picture of it is made on its page"
            found.add("no_picture", message, hint="write as: pdf", **document.where(path))
