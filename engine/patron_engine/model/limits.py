"""Limits of a model, each with a name and its own problem code (`limit_…`)."""

from __future__ import annotations

from typing import Final

OBJECTS: Final = 500  # limit_objects: of a workspace
FIELDS: Final = 500  # limit_fields: of an object, removed ones included
INDEXES: Final = (
    40  # limit_indexes: declared by an object: `indexes`, `unique` and fields marked indexed or unique
)
VIEWS_INDEXED: Final = (
    8  # fields of an object that are indexed because lists are sorted by them; further ones are not
)
RULES: Final = 500  # limit_rules: of an object
SEARCHED: Final = 20  # limit_search: fields and paths of `search`
RECORD_TYPES: Final = 100  # limit_record_types
DETAIL_DEPTH: Final = 3  # limit_detail_depth: master, detail, detail of the detail
ROLLUP_PATH: Final = 3  # limit_rollup_path: sets a roll-up goes down
FORMULA_DEPTH: Final = 50  # limit_formula_depth: formulas that build on each other
DOCUMENTS: Final = 10_000  # limit_documents: of a workspace
EXPRESSIONS_KEPT: Final = 50_000  # checked expressions a process remembers, over all workspaces
