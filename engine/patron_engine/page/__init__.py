"""Pages as data: forms, lists, record pages and menus, made from definitions. The platform only draws them."""

from __future__ import annotations
