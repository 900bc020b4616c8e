"""How a letter looks: the styles that stand in it, as mail programs load none. By day and by night, on any width."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

FONTS: Final = (
    'system-ui, -apple-system, "Segoe UI", "PingFang SC", "PingFang TC", "Microsoft YaHei", "Microsoft JhengHei",'
    ' "Noto Sans CJK SC", sans-serif'
)
LOOK: Final = Markup(
    "<style>"
    "body { margin: 0; padding: 24px 12px; background: #f3f4f6; color: #1f2328; font: 15px/1.6 "
    + FONTS
    + "; }"
    ".letter { max-width: 600px; margin: 0 auto; padding: 8px 24px; background: #fff; border: 1px solid #e1e4e8;"
    " border-radius: 8px; overflow-wrap: anywhere; }"
    "h1 { font-size: 17px; margin: 16px 0; } h2 { font-size: 15px; margin: 16px 0 4px; } p { margin: 4px 0 12px; }"
    "a { color: #2f4ac8; } hr { border: 0; border-top: 1px solid #e1e4e8; margin: 0; }"
    ".foot { max-width: 600px; margin: 12px auto 0; padding: 0 24px; color: #656d76; font-size: 12px; }"
    ".foot a { color: inherit; }"
    "@media (prefers-color-scheme: dark) { body { background: #111214; color: #e6e7ea; }"
    " .letter { background: #1b1c1f; border-color: #33353a; } a { color: #93a5ff; } hr { border-color: #33353a; }"
    " .foot { color: #9a9da5; } }"
    "</style>"
)
