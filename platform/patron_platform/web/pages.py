"""Pages: the modules whose routers make the pages, in the order their addresses are tried.

An address that begins like another stands before it: `/o/{object}/new` before `/o/{object}/{id}`.
"""

from __future__ import annotations

from patron_platform.web import (
    about,
    assets,
    bulk,
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
    notices,
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
    lists,
)
