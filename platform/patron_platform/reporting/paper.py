"""Paper: a table of figures as a PDF, on A4 across, with page numbers and headings on every page.

In: a `Table` of page/figures, a title, a binary file. Out: the file. Chinese is written in the fonts every reader of PDF has for it
(Adobe's CID fonts), so that no font comes along. What is wider than a page goes on below it, with its groups said again.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import IO, Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as Grid

from patron_engine.errors import LimitExceeded
from patron_engine.page.figure_text import MINUS
from patron_engine.page.figures import Table
from patron_engine.phrases import Phrase
from patron_platform.reporting.sheet import headings, rows_of

FONTS = {"zh-TW": "MSung-Light"}
FONT = "STSong-Light"
HAS_NOT = str.maketrans({MINUS: "-"})  # what those fonts have no sign for
MARGIN = 36
SIZE = 8
HEAD_WIDTH, WIDTH = 110, 74  # points of a column of groups, of figures
MOST = 20_000  # limit_pdf_cells: figures of one file
INK, FAINT, EDGE, GROUND = "#1c1e24", "#666c78", "#c9cdd4", "#f1f2f4"


def write_pdf(table: Table, title: str, about: Sequence[str], language: str, target: IO[bytes]) -> int:
    """Returns how many lines were written. LimitExceeded beyond `MOST` figures."""
    tops = headings(table)
    rows = list(rows_of(table))
    wide = len(tops[0]) if tops else 0
    if len(rows) * max(wide, 1) > MOST:
        raise LimitExceeded(
            Phrase("a PDF has at most {most:,} figures", most=MOST), code="limit_pdf_cells", hint="narrow the report, or export XLSX"
        )  # fmt: skip
    font = FONTS.get(language, FONT)
    pdfmetrics.registerFont(UnicodeCIDFont(font))
    size = landscape(A4)
    room = size[0] - 2 * MARGIN
    depth = len(table.corner)
    each = max(1, int((room - HEAD_WIDTH * depth) // WIDTH))
    styles = {name: ParagraphStyle(name, fontName=font, fontSize=s, leading=s * 1.4, textColor=ink, wordWrap="CJK", alignment=a)
              for name, s, ink, a in (("title", 15, INK, 0), ("about", 9, FAINT, 0), ("cell", SIZE, INK, 0), ("number", SIZE, INK, 2))}  # fmt: skip
    story: list[Any] = [Paragraph(escape(title), styles["title"])]
    story += [Paragraph(escape(line), styles["about"]) for line in about]
    corner = [h.text for h in table.corner]
    for begin in range(0, max(wide, 1), each):
        part = range(begin, min(begin + each, wide))
        lines = [
            [*(corner if level == len(tops) - 1 else [""] * depth), *(top[n] for n in part)]
            for level, top in enumerate(tops)
        ]
        lines += [[*row.heads, *(row.cells[n].text for n in part)] for row in rows]
        grid = Grid(
            [[Paragraph(escape(t.translate(HAS_NOT)), styles["cell" if n < depth else "number"]) for n, t in enumerate(line)] for line in lines],
            colWidths=[HEAD_WIDTH] * depth + [WIDTH] * len(part), repeatRows=len(tops), hAlign="LEFT",
        )  # fmt: skip
        grid.setStyle(_style(len(tops), [len(tops) + n for n, row in enumerate(rows) if row.kind != "line"]))
        story += [Spacer(1, 10), grid]
    pages = SimpleDocTemplate(
        target, pagesize=size, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=title, author="Patron", lang=language,
    )  # fmt: skip

    def numbered(canvas: Any, document: Any) -> None:
        canvas.setFont(font, 8)
        canvas.setFillColor(colors.HexColor(FAINT))
        canvas.drawRightString(size[0] - MARGIN, MARGIN / 2, str(document.page))

    pages.build(story, onFirstPage=numbered, onLaterPages=numbered)
    return len(rows)


def _style(tops: int, totals: Sequence[int]) -> list[tuple[Any, ...]]:
    edge, ground = colors.HexColor(EDGE), colors.HexColor(GROUND)
    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, edge),
        ("BACKGROUND", (0, 0), (-1, max(tops - 1, 0)), ground),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        *(("BACKGROUND", (0, at), (-1, at), ground) for at in totals),
    ]
