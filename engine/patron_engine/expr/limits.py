"""Limits of the expression language, each with a name, a figure and the code of the problem it makes.

Read by the reader, the typing and both back ends; nothing else decides how large an expression or a result may be.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

MAX_CHARS: Final = 2_000  # expr_too_long: characters of the source
MAX_TOKENS: Final = 1_000  # expr_too_complex: tokens of the source
MAX_NODES: Final = 400  # expr_too_complex: nodes of the tree
MAX_DEPTH: Final = 40  # expr_too_complex: nesting of the tree and of brackets
MAX_PREFIXES: Final = 10  # expr_too_complex: signs and nots in a row
MAX_ARGUMENTS: Final = 50  # expr_arguments: arguments of one function
MAX_PATH_STEPS: Final = 5  # expr_path_too_long: links followed by one path
MAX_JOINS: Final = 20  # expr_too_many_joins: different links followed by one expression
MAX_SQL_WEIGHT: Final = 20_000  # expr_too_complex: size of the SQL, when rows are chosen
MAX_INTEGER_DIGITS: Final = 25  # expr_number: digits of a literal before the point
MAX_DECIMAL_DIGITS: Final = 20  # expr_number: digits of a literal after it
MAX_EXPONENT: Final = 10  # expr_exponent: literal exponent of **
MAX_PATTERN_CHARS: Final = 200  # expr_pattern: characters of a regular expression
MAX_PATTERN_REPEAT: Final = 255  # expr_pattern: {n} in it, nested ones multiplied

# Results. What is larger is empty (numbers, dates) or cut (texts), in Python and in SQL alike.
NUMBER_LIMIT: Final = Decimal(10) ** 25  # |x| < this
DECIMALS: Final = 10  # of / SQRT POWER AVERAGE, rounded half up
TEXT_LIMIT: Final = 10_000  # characters
REPLACEMENT_LIMIT: Final = 1_000  # characters of REPLACE's third argument
DAYS_LIMIT: Final = 1_000_000  # |n| days that may be added to a date
MONTHS_LIMIT: Final = 48_000  # |n| months
POWER_LIMIT: Final = 100  # |exponent| of POWER
WORK_LIMIT: Final = 10_000  # |n| working days that may be added
