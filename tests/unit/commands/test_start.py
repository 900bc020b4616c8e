"""What a start loads: what its first answers need, and nothing that only some of them do."""

from __future__ import annotations

import subprocess
import sys

LATER = (
    "httpx",  # signing in through a provider
    "joserfc",
    "segno",  # drawing a QR code
    "python_calamine",  # reading a workbook
    "xlsxwriter",  # writing one
    "pypinyin",  # names in Chinese
    "phonenumbers.shortnumberinfo",
)


def test_a_start_loads_only_what_its_first_answers_need() -> None:
    text = "import sys, patron_platform.cli, patron_platform.serve; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "patron_platform.app" in loaded
    assert not loaded & set(LATER)
