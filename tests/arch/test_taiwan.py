"""What people in Taiwan read is theirs: no simplified character is left in it, and things are called what they are called there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "platform/patron_platform/web/texts", "platform/patron_platform/phrases", "engine/patron_engine/phrases",
    "packs/patron_packs", "designer",
)  # fmt: skip
SAID = re.compile(r"""zh-TW: *(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^,}\n]*))""")
HAN = re.compile(r"[\u4e00-\u9fff]")
# Said on the mainland, in the characters of Taiwan; and what it is called there.
MAINLAND = {
    "數據": "資料", "默認": "預設", "信息": "訊息、資訊", "登錄": "登入", "用戶": "使用者", "郵箱": "電子郵件", "服務器": "伺服器",
    "網絡": "網路", "軟件": "軟體", "程序": "程式、程序", "字段": "欄位", "鏈接": "連結", "鏈結": "連結", "保存": "儲存", "刷新": "重新整理",
    "菜單": "選單", "打印": "列印", "鼠標": "滑鼠", "屏幕": "螢幕", "密鑰": "金鑰", "接口": "介面", "短信": "簡訊", 
    "設置": "設定", "搜索": "搜尋", "創建": "建立", "導出": "匯出", "導入": "匯入", "賬": "帳", "審批": "簽核", "日誌": "記錄", "模板": "範本",
    "激活": "啟用", "缺省": "預設", "粘貼": "貼上", "剪切": "剪下", "視圖": "檢視", "文檔": "文件", 
    "手機號": "手機號碼", "線程": "執行緒", "緩存": "快取", "回滾": "回復", "隊列": "佇列", "批量": "批次",
    "佈局": "版面", "控件": "元件", "組件": "元件", "下拉框": "下拉選單", "勾選框": "核取方塊", "優化": "最佳化",
}  # fmt: skip
RIGHT = ("手機號碼", "零組件", "妥善保存")  # have a word of the list in them and are right
OWN_NAME = "简体中文"  # a language is called by its own name


def said() -> Iterator[tuple[str, str]]:
    """(where, text) of every text for Taiwan."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for found in SAID.finditer(line):
                    yield (
                        f"{path.relative_to(ROOT)}:{number}",
                        next(t for t in (*found.groups(), "") if t is not None),
                    )


def simplified(text: str) -> list[str]:
    """Characters that Taiwan's own encoding does not have: those of the mainland."""
    return [c for c in HAN.findall(text.replace(OWN_NAME, "")) if not _known(c)]


def _known(character: str) -> bool:
    try:
        return bool(character.encode("cp950"))
    except UnicodeEncodeError:
        return False


def test_no_simplified_character_is_left() -> None:
    left = [(where, simplified(text), text) for where, text in said() if simplified(text)]
    assert not left, left


def test_things_are_called_what_they_are_called_in_taiwan() -> None:
    strange = []
    for where, text in said():
        plain = text
        for word in RIGHT:
            plain = plain.replace(word, "")
        strange += [
            (where, word, f"better: {better}", text) for word, better in MAINLAND.items() if word in plain
        ]
    assert not strange, strange


@pytest.mark.parametrize("text", ["保存设置", "客户", "体验"])
def test_what_is_simplified_is_found(text: str) -> None:
    assert simplified(text)
