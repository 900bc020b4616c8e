"""Limits of values, each with a name and its own problem code (`limit_…`). docs/reference/field-types.md lists them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

NUMBER_BOUND: Final = Decimal(10) ** 25  # a number stays below this on either side of zero
BIGINT_MIN: Final = -(2**63)
BIGINT_MAX: Final = 2**63 - 1
MAX_SCALE: Final = 10
MAX_DIGITS_WRITTEN: Final = 60  # characters a number may be written with

TEXT_LENGTH: Final = 255  # of a `text` without max_length
TEXT_LENGTH_CAP: Final = 4_000
LONG_TEXT_LENGTH: Final = 10_000
LONG_TEXT_LENGTH_CAP: Final = 100_000
RICH_TEXT_LENGTH: Final = 131_072
RICH_TEXT_LENGTH_CAP: Final = 1_000_000
RICH_TEXT_TAGS: Final = (
    10_000  # limit_tags: of one rich text: cleaning tags in tags takes their number squared
)
INDEXED_TEXT_LENGTH: Final = 600  # a B-tree entry holds 2,704 bytes, a character takes up to four
EMAIL_LENGTH: Final = 254
PHONE_LENGTH: Final = 40
URL_LENGTH: Final = 2_000
BARCODE_LENGTH: Final = 128
SECRET_LENGTH: Final = 4_000
ADDRESS_PART_LENGTH: Final = 255
PATTERN_LENGTH: Final = 500

OPTIONS: Final = 3_000  # of one field or option set, all levels together
OPTION_DEPTH: Final = 6
CHOSEN: Final = 200  # values of one multi_select or tags field
TAG_LENGTH: Final = 60
LINKS: Final = 500  # records in one many link
FILES: Final = 50  # limit_files: of one field
RECORD_FILES: Final = 500  # limit_record_files: hung on one record itself

JSON_BYTES: Final = 100_000
JSON_DEPTH: Final = 20

FILE_SIZE: Final = 20 * 1024 * 1024  # limit_file_size: of a file in a field without max_size
FILE_SIZE_CAP: Final = 500 * 1024 * 1024  # limit_upload: one file
FILE_NAME_LENGTH: Final = 255  # limit_file_name: characters
FILE_PIXELS: Final = 250_000_000  # limit_pixels: of a picture: what shows it unpacks four bytes for each
WORKSPACE_FILES: Final = (
    50 * 1024 * 1024 * 1024
)  # limit_workspace_files: all files of a workspace, unless the setting says otherwise
WAITING_FILES: Final = 500  # limit_waiting_files: uploaded by one person and not attached yet
WAITING_BYTES: Final = 2 * 1024 * 1024 * 1024  # limit_waiting_files: the same, together
WAITING_HOURS: Final = 24  # after which an upload nothing was made of is removed
DETACHED_DAYS: Final = 30  # after which a file that was taken off its record is removed
SORT_KEY_LENGTH: Final = 200
YEAR_MIN: Final = 1
YEAR_MAX: Final = 9999
