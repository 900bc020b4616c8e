"""Pages: the modules whose routers make the pages, in the order their addresses are tried.

An address that begins like another stands before it: `/o/{object}/new` before `/o/{object}/{id}`.
"""

from __future__ import annotations

from patron_platform.web import (
    about,
    acts,
    assets,
    attachments,
    boards,
    bulk,
    follow,
    forms,
    gallery,
    home,
    list_cells,
    list_columns,
    list_export,
    list_figures,
    list_filter,
    list_tree,
    list_values,
    lists,
    login,
    lookup,
    me,
    moves,
    notices,
    record,
    related,
    search_page,
    undo,
    views,
    workspaces,
)

PAGES = (
    about,
    assets,
    login,
    workspaces,
    home,
    me,
    search_page,
    notices,
    gallery,
    lookup,
    views,
    undo,
    bulk,
    list_cells,
    list_columns,
    list_export,
    list_figures,
    list_filter,
    list_tree,
    list_values,
    forms,
    boards,
    moves,
    lists,
    related,
    follow,
    attachments,
    acts,
    record,
)

lists.DRAWERS.update(boards.DRAWERS)
