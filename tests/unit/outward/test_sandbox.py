"""Templates: what may stand in one, and that filling one always ends."""

from __future__ import annotations

import pytest

from patron_platform.outward import marks, sandbox
from patron_platform.outward.sandbox import Unfillable, fill, paths_of


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}", "{{ x|attr('format') }}", "{{ ''.format(1) }}", "{{ 'a' * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}", "{{ x|center(10**9) }}", "{{ lipsum(n=20000) }}", "{% include '/etc/passwd' %}",
        "{% import 'a' as b %}", "{% extends 'a' %}", "{% macro m() %}{{ m() }}{% endmacro %}", "{{ x|safe }}",
        "{% autoescape false %}{{ x }}{% endautoescape %}", "{{ x|xmlattr }}", "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__ }}", "{{ namespace() }}", "{{ range(9) }}", "{{ x.upper() }}", "{% call x() %}{% endcall %}",
        "{{ x ~ x }}", "{{ x + x }}", "{% for a in b recursive %}{% endfor %}", "{{ x is callable }}", "{{ x",
        "{% block a %}{% endblock %}", "{% filter upper %}a{% endfilter %}", "{{ {'a': 1} }}",
    ],
)  # fmt: skip
def test_what_may_not_stand_in_a_template(source: str) -> None:
    with pytest.raises(Unfillable):
        fill(source, {"x": "a", "b": [1]}, html=True)


def test_what_may() -> None:
    source = "{% if a %}{% for l in lines %}{{ loop.index }} {{ l.name|upper }}; {% endfor %}{% set b = a %}{{ b }}{% endif %}{{ gone.deep }}"
    values = {"a": "A", "lines": [{"name": "x"}, {"name": "y"}]}
    assert fill(source, values, html=False) == "1 X; 2 Y; A"


def test_values_are_escaped_and_never_filled_in_again() -> None:
    values = {"name": "{{ 7*7 }}<script>'\"</script>{% raw %}"}
    assert (
        fill("{{ name }}", values, html=True) == "{{ 7*7 }}&lt;script&gt;&#39;&#34;&lt;/script&gt;{% raw %}"
    )
    assert fill("{{ name }}", values, html=False) == values["name"]


@pytest.mark.parametrize("name", ["config", "request", "caller", "dict", "cycler", "joiner"])
def test_there_are_no_names_but_those_of_the_record(name: str) -> None:
    assert fill("{{ " + name + " }}", {}, html=False) == ""


def test_loops_and_output_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"a": list(range(200)), "b": list(range(250))}
    source = "{% for x in a %}{% for y in b %}{% endfor %}{% endfor %}"
    with pytest.raises(Unfillable, match="items"):
        fill(source, many, html=False)
    assert fill(source, {"a": list(range(199)), "b": list(range(250))}, html=False) == ""
    monkeypatch.setattr(sandbox, "OUTPUT", 10)
    assert fill("{{ t }}", {"t": "x" * 10}, html=False) == "x" * 10
    with pytest.raises(Unfillable, match="characters"):
        fill("{{ t }}", {"t": "x" * 11}, html=False)
    monkeypatch.setattr(sandbox, "SOURCE", 5)
    assert fill("abcde", {}, html=False) == "abcde"
    with pytest.raises(Unfillable):
        fill("abcdef", {}, html=False)


def test_what_a_template_reads() -> None:
    source = "{{ a.b.c }}{% for l in lines %}{{ l.product.name }}{{ a.d }}{% endfor %}{% set s = x %}{{ s }}{{ y['z'] }}"
    assert paths_of(source) == {
        "a": {"b": {"c": {}}, "d": {}}, "lines": {"*": {"product": {"name": {}}}}, "x": {}, "y": {"z": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("a\nb", "<p>a<br>b</p>"),
        ("# A\n\n- b\n- **c**", "<h1>A</h1>\n<ul><li>b</li><li><strong>c</strong></li></ul>"),
        ("<img src=x onerror=1>", "<p>&lt;img src=x onerror=1&gt;</p>"),
        ("[a](https://x.example/?b=1&c=2)", '<p><a href="https://x.example/?b=1&amp;c=2">a</a></p>'),
        ("[a](javascript:alert)", "<p>[a](javascript:alert)</p>"),
        ('[a](https://x.example/"onclick=1)', '<p><a href="https://x.example/&quot;onclick=1">a</a></p>'),
        (marks.escaped("**a** [b](https://x.example)"), "<p>**a** [b](https://x.example)</p>"),
    ],
)
def test_marks(text: str, page: str) -> None:
    assert marks.html(text) == page
