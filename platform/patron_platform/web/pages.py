"""Pages: the modules whose routers make the pages, in the order their addresses are tried.

An address that begins like another stands before it: `/o/{object}/new` before `/o/{object}/{id}`.
"""

from __future__ import annotations

from patron_platform.web import (
    about,
    assets,
    forms,
    gallery,
    home,
    login,
    lookup,
    me,
    notices,
    search_page,
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
    forms,
)
