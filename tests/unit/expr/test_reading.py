"""What the reader takes, the normal form it gives back, and what it refuses."""

from __future__ import annotations

import time

import pytest

from patron_engine.expr import limits
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_testing.deals import compiled, refused, scope


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("amount*probability/100", "amount * probability / 100"),
        ("amount = 3 && flag || !flag", "amount == 3 and flag or not flag"),
        ("amount <> 3", "amount != 3"),
        ("amount × 2 ÷ 3", "amount * 2 / 3"),
        ("（amount　＞＝　１２３．５）", "amount >= 123.5"),
        ("amount ≥ 1 and amount ≤ 2 and amount ≠ 3", "amount >= 1 and amount <= 2 and amount != 3"),
        ("name == “客户，A”", "name == '客户，A'"),
        ('name == "it\'s"', "name == 'it\\'s'"),
        ("if(isblank(phone), email, phone)", "IF(ISBLANK(phone), email, phone)"),
        ("email if phone is None else phone", "IF(phone == none, email, phone)"),
        ("1 < amount <= 5", "1 < amount and amount <= 5"),
        ("stage not in ('won', 'lost')", "stage not in ('won', 'lost')"),
        ("flag AND (flag OR not flag)", "flag and (flag or not flag)"),
        ("AND(flag, NOT(flag))", "AND(flag, NOT(flag))"),
        ("class == 'a' and order > 1", "class == 'a' and order > 1"),
        ("ME().department == owner.department", "me().department == owner.department"),
        ("amount - (amount - 1) + -2", "amount - (amount - 1) + -2"),
        ("(-amount) ** 2 + 2 ** -1", "(-amount) ** 2 + 2 ** -1"),
        ("sum + 1", "amount + 1"),
        ("client.name == ''", "account.name == ''"),
        ("not(flag)", "not flag"),
        ("TRUE or False", "true or false"),
        ("about['firm'].name == 'x'", "about['account'].name == 'x'"),
    ],
)
def test_tolerant_in_one_spelling_out(typed: str, normal: str) -> None:
    made = compiled(typed)
    assert made.source == normal
    assert compiled(made.source).source == normal


def test_signs_inside_a_text_stay() -> None:
    assert compiled("name == '＝＜＞＆，１ && <> ×'").source == "name == '＝＜＞＆，１ && <> ×'"


def test_escapes_of_a_text_come_back() -> None:
    made = compiled(r"name == 'a\\b\'c\n\t'")
    assert compiled(made.source).source == made.source == r"name == 'a\\b\'c\n\t'"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9**9**9", "expr_exponent"),
        ("4000000**4000000", "expr_exponent"),
        ("(9**4000000)//(7**2000000)", "expr_operator"),
        ("'%1000000000d' % 1", "expr_types"),
        ("'a'.ljust(10**9)", "expr_syntax"),
        ("('a'*10**5).replace('a','b'*10**4)", "expr_syntax"),
        ("'a' * 1000000", "expr_types"),
        ("f'{1:>1000000000}'", "expr_syntax"),
        ("f'{x!r}'", "expr_syntax"),
        ("().__class__.__bases__[0].__subclasses__()", "expr_unknown_name"),
        ("int.from_bytes", "expr_unknown_name"),
        ("rand.__self__", "expr_unknown_name"),
        ("amount.real", "expr_path"),
        ("name.upper", "expr_path"),
        ("name.format(1)", "expr_syntax"),
        ("1; 2", "expr_character"),
        ("x := 5", "expr_character"),
        ("import os", "expr_syntax"),
        ("lambda: 1", "expr_character"),
        ("(y := 2)", "expr_character"),
        ("[x for x in y]", "expr_syntax"),
        ("{**a}", "expr_character"),
        ("*amount", "expr_syntax"),
        ("COUNT(*tags)", "expr_syntax"),
        ("tags.append(1)", "expr_syntax"),
        ("owner.delete()", "expr_syntax"),
        ("record.session.execute('…')", "expr_syntax"),
        ("amount\x00", "expr_character"),
        ("amount > '\ud800'", "expr_character"),
        ("amount\u202e > 1", "expr_character"),
        ("amount\t> 1", "expr_character"),
        ("amount\n> 1", "expr_character"),
        ("name == 'a\nb'", "expr_character"),
        ("'5' + 5", "expr_types"),
        ("true + 1", "expr_types"),
        ("close_date + name", "expr_types"),
        ("1 < 'a'", "expr_types"),
        ("ROUND()", "expr_arguments"),
        ("ROUND(1, 2, 3)", "expr_arguments"),
        ("ROUND", "expr_unknown_name"),
        ("ROUND + 1", "expr_unknown_name"),
        ("MATCHES(name, '^(a+)+$\\\\b')", "expr_pattern"),
        ("amount ^ 2", "expr_character"),
        ("amount & 1", "expr_character"),
        ("~amount", "expr_character"),
        ("1e5", "expr_number"),
        ("1_000", "expr_number"),
        ("0x10", "expr_number"),
        ("amount amount", "expr_syntax"),
        ("amount +", "expr_syntax"),
        ("(amount", "expr_syntax"),
        ("amount)", "expr_syntax"),
        ("'open", "expr_text"),
        ("客户 > 1", "expr_character"),
        ("", "expr_empty"),
        ("   ", "expr_empty"),
        ("tags[0]", "expr_syntax"),
        ("__import__('os')", "expr_unknown_name"),
        ("amount if flag", "expr_syntax"),
        ("('a', 'b')", "expr_types"),
        ("None.x", "expr_syntax"),
        ("amount == amount = 1 = =", "expr_syntax"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, code: str) -> None:
    assert refused(text)[0] == code


def test_a_problem_says_where() -> None:
    code, message, hint = refused("amount * probabilty / 100")
    assert (code, hint) == ("expr_unknown_name", "did you mean 'probability'?")
    assert "character 10" in message and "probabilty" in message
    assert "character 12" in refused("  amount * probabilty / 100")[1]


@pytest.mark.parametrize(
    ("text", "place"), [("LEN(name) + 1 +", 15), ("amount > 1 and", 12), ("amount +", 8)]
)
def test_an_expression_that_ends_after_an_operator_is_told_so(text: str, place: int) -> None:
    _, message, hint = refused(text)
    assert f"character {place}:" in message and hint == "a value is missing behind it"


def test_all_problems_are_told_at_once() -> None:
    made = compile_expression("acount.name == 'a' and stage == 'wonn' and ROUND(name) > 1", scope())
    assert not isinstance(made, Expression)
    assert [p.code for p in made] == ["expr_unknown_name", "expr_unknown_option", "expr_types"]


@pytest.mark.parametrize(
    "text",
    [
        " + ".join(["amount"] * 2000),
        "-" * 100_000 + "1",
        "(" * 300 + "1" + ")" * 300,
        "a" * 1_000_000,
        "not " * 300 + "flag",
        "IF(flag," * 100 + "1" + ")" * 100,
        "+".join(["1"] * 999),
    ],
)
def test_what_is_too_complex_is_refused_quickly(text: str) -> None:
    start = time.thread_time()
    assert refused(text)[0] in ("expr_too_complex", "expr_too_long")
    assert time.thread_time() - start < 2


def test_limits_hold_at_their_figure_and_not_one_past() -> None:
    def text_of(size: int) -> str:
        return "name == '" + "x" * (size - 10) + "'"

    assert compiled(text_of(limits.MAX_CHARS))
    assert refused(text_of(limits.MAX_CHARS + 1))[0] == "expr_too_long"
    half = limits.MAX_NODES // 2
    assert compiled("+".join(["1"] * (limits.MAX_NODES - 1)))
    assert refused("+".join(["1"] * limits.MAX_NODES))[0] == "expr_too_complex"
    assert half and compiled("(" * limits.MAX_DEPTH + "1" + ")" * limits.MAX_DEPTH)
    deep = limits.MAX_DEPTH + 1
    assert refused("(" * deep + "1" + ")" * deep)[0] == "expr_too_complex"
    assert compiled("- " * limits.MAX_PREFIXES + "amount")
    assert refused("- " * (limits.MAX_PREFIXES + 1) + "amount")[0] == "expr_too_complex"
    assert compiled(f"COUNT({', '.join(['1'] * limits.MAX_ARGUMENTS)})")
    assert refused(f"COUNT({', '.join(['1'] * (limits.MAX_ARGUMENTS + 1))})")[0] == "expr_arguments"
    assert compiled(f"amount ** {limits.MAX_EXPONENT}")
    assert refused(f"amount ** {limits.MAX_EXPONENT + 1}")[0] == "expr_exponent"
    assert compiled("9" * limits.MAX_INTEGER_DIGITS + "." + "9" * limits.MAX_DECIMAL_DIGITS)
    assert refused("9" * (limits.MAX_INTEGER_DIGITS + 1))[0] == "expr_number"
    assert refused("1." + "9" * (limits.MAX_DECIMAL_DIGITS + 1))[0] == "expr_number"
    assert compiled("account." + "parent." * (limits.MAX_PATH_STEPS - 1) + "name")
    assert refused("account." + "parent." * limits.MAX_PATH_STEPS + "name")[0] == "expr_path_too_long"
    assert compiled(f"MATCHES(name, '{'a' * limits.MAX_PATTERN_CHARS}')")
    assert refused(f"MATCHES(name, '{'a' * (limits.MAX_PATTERN_CHARS + 1)}')")[0] == "expr_pattern"
    assert compiled(f"MATCHES(name, 'a{{{limits.MAX_PATTERN_REPEAT}}}')")
    assert refused("MATCHES(name, '(a{16}){16}')")[0] == "expr_pattern"


def test_too_many_links_are_refused() -> None:
    chains = [
        ".".join([start, *["parent"] * n, "name"])
        for start in ("account", "owner.account", "manager.account", "old.account", "old.owner.account")
        for n in range(4)
    ]
    assert compiled(" + ".join(chains[:8]))
    assert refused(" + ".join(chains))[0] == "expr_too_many_joins"
