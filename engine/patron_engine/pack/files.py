"""Files: what may be in a pack, from a folder or an archive, before anything of it is read as a definition.

In: a folder, or the bytes of a zip. Out: relative names -> bytes, and Problems. Only texts, YAML, JSON and CSV; pages
of templates/ alone; no links, no devices, no names that leave the folder or differ in case only. An archive is read in
memory, by its declared names and sizes; nothing is ever unpacked to a disk.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems

MAX_FILES: Final = 5_000
MAX_FILE_BYTES: Final = 20_000_000  # a demo table; definitions and templates have their own, lower limits
MAX_PACK_BYTES: Final = 50_000_000
MAX_DIRECTORY_BYTES: Final = 2_000_000  # of a zip: some 400 bytes for each of 5,000 files
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
_ROOT_TEXTS = re.compile(r"(README|CHANGELOG|LICENSE|NOTICE)([.-][A-Za-z-]+)*\Z")
_ALLOWED: Final = {
    "definitions": re.compile(r".+\.(yaml|yml|json)\Z"),
    "templates": re.compile(r"templates/.+\.(html|md)\Z"),
    "tables": re.compile(r"demo/.+\.csv\Z"),
}


def files_of_folder(folder: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """Every file of a pack's folder; what begins with a dot (.git) is not part of it."""
    problems = Problems()
    found: dict[str, bytes] = {}
    if not folder.is_dir():
        problems.add("no_folder", Phrase("there is no folder {folder}", folder=folder), file=str(folder))
        return found, list(problems)
    total = 0
    for name, entry in _entries(folder, "", problems):
        size = entry.stat().st_size
        total += size
        if _refused(name, size, total, len(found), problems):
            if total > MAX_PACK_BYTES or len(found) >= MAX_FILES:
                break
            continue
        found[name] = Path(entry.path).read_bytes()
    _same_but_for_case(found, problems)
    return found, list(problems)


def _entries(folder: Path, above: str, problems: Problems) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            name = f"{above}{entry.name}"
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_symlink():
                problems.add("pack_link", "links are not read", hint="put the file itself there", file=name)
            elif entry.is_dir():
                yield from _entries(Path(entry.path), f"{name}/", problems)
            elif stat.S_ISREG(entry.stat().st_mode):
                yield name, entry
            else:
                problems.add("pack_file", "this is no file", hint="remove it", file=name)


def files_of_archive(data: bytes) -> tuple[dict[str, bytes], list[Problem]]:
    """Every file of a zip. Sizes are checked as declared, and again while reading: a lie ends the file."""
    problems = Problems()
    found: dict[str, bytes] = {}
    if len(data) > MAX_PACK_BYTES:
        problems.add(
            "pack_too_large", Phrase("the archive has more than {most:,} bytes", most=MAX_PACK_BYTES)
        )
        return found, list(problems)
    if _directory_bytes(data) > MAX_DIRECTORY_BYTES:
        problems.add("pack_too_large", Phrase("the archive lists more than {most:,} files", most=MAX_FILES))
        return found, list(problems)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_PACK_BYTES:
                message = Phrase(
                    "at most {max_files:,} files of {max_pack_bytes:,} bytes together are read",
                    max_files=MAX_FILES,
                    max_pack_bytes=MAX_PACK_BYTES,
                )
                problems.add("pack_too_large", message)
                return found, list(problems)
            for entry in entries:
                _unpack(archive, entry, found, problems)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        problems.add("pack_archive", Phrase("this is no zip archive that can be read: {error}", error=error))
    _same_but_for_case(found, problems)
    return found, list(problems)


def _directory_bytes(data: bytes) -> int:
    """How long the archive's table of contents says it is: a million entries are refused before they are read."""
    at = data.rfind(b"PK\x05\x06")
    return int.from_bytes(data[at + 12 : at + 16], "little") if 0 <= at <= len(data) - 22 else 0


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, found: dict[str, bytes], problems: Problems
) -> None:
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        problems.add("pack_link", "links and devices are not read", file=entry.filename)
    elif entry.filename in found:
        problems.add("pack_file_twice", "the name stands twice in the archive", file=entry.filename)
    elif not _refused(entry.filename, entry.file_size, 0, len(found), problems):
        with archive.open(entry) as stream:
            content = stream.read(entry.file_size + 1)
        if len(content) != entry.file_size:
            problems.add(
                "pack_archive", "the file has another size than the archive says", file=entry.filename
            )
        else:
            found[entry.filename] = content


def _refused(name: str, size: int, total: int, count: int, problems: Problems) -> bool:
    parts = name.split("/")
    if len(parts) > 6 or not all(_PART.match(part) for part in parts):
        hint = "names are letters, digits, _ . - and / between folders; none leads out of the pack"
        problems.add(
            "pack_name",
            Phrase("{name!r} cannot be the name of a file of a pack", name=name),
            hint=hint,
            file=name,
        )
    elif not (_ROOT_TEXTS.match(name) or any(pattern.match(name) for pattern in _ALLOWED.values())):
        hint = "a pack holds YAML, templates/*.html and *.md, demo/*.csv, README, CHANGELOG, LICENSE"
        problems.add(
            "pack_file", Phrase("{name!r} does not belong into a pack", name=name), hint=hint, file=name
        )
    elif size > MAX_FILE_BYTES:
        problems.add(
            "pack_too_large", Phrase("the file has more than {most:,} bytes", most=MAX_FILE_BYTES), file=name
        )
    elif total > MAX_PACK_BYTES or count >= MAX_FILES:
        message = Phrase(
            "at most {max_files:,} files of {max_pack_bytes:,} bytes together are read",
            max_files=MAX_FILES,
            max_pack_bytes=MAX_PACK_BYTES,
        )
        problems.add("pack_too_large", message, file=name)
    else:
        return False
    return True


def _same_but_for_case(found: Mapping[str, bytes], problems: Problems) -> None:
    seen: dict[str, str] = {}
    for name in found:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            message = Phrase(
                "{name!r} and {other!r} are one name where case does not count", name=name, other=other
            )
            problems.add("pack_file_twice", message, hint="rename one of them", file=name)


def build_archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files: equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def checksum_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents: what was checked is what is installed."""
    whole = sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + sha256(files[name]).digest())
    return whole.hexdigest()
