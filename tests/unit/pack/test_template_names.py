"""Names in templates: what is not there is told with its place, what nobody can know is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from jinja2.sandbox import SandboxedEnvironment

from patron_engine.model.model import Model
from patron_platform.checking import check_folder
from patron_platform.template_names import wrong_names
from patron_testing.compiled import compiled

OBJECTS = """kind: object
name: parcel
label: Parcel
plural: Parcels
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: amount, type: money, label: Amount}
  - {name: home, type: address, label: Home}
  - {name: stay, type: date_range, label: Stay}
  - {name: sender, type: lookup, to: person, label: Sender, reverse: sent}
  - {name: about, type: lookup, to: [parcel, person], label: About, reverse: told}
---
kind: object
name: person
label: Person
plural: People
title: name
owner: none
fields: [{name: name, type: text, label: Name}, {name: mobile, type: phone, label: Mobile}]
---
kind: object
name: item
label: Item
plural: Items
title: what
owner: none
fields:
  - {name: what, type: text, label: What}
  - {name: parcel, type: master, to: parcel, label: Parcel, reverse: items}
  - {name: price, type: money, label: Price}
"""
WORKSPACE = "---\nkind: workspace\nname: workspace\nzone: UTC\ncurrency: CNY\nlanguages: [en]\n"


@pytest.fixture(scope="module")
def model() -> Model:
    return compiled(OBJECTS + WORKSPACE)


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }} {{ id }} {{ created_at }} {{ amount }}", "{{ sender.name }} {{ sender['mobile'] }}", "{{ home.city }} {{ stay.from }}",
        "{% for i in items %}{{ loop.index }} {{ i.what }} {{ i.parcel.sender.name }}{% else %}{{ name }}{% endfor %}",
        "{{ about.whatever }}", "{{ approval.state }}", "{{ name.upper() }} {{ name|upper|replace('a', 'b') }}", "{{ items|length }}",
        "{% set total = 0 %}{{ total }}{% if amount is defined and amount > 1 %}{{ total.x }}{% endif %}",
        "{% with a = name %}{{ a.b }}{% endwith %}", "{% macro row(x) %}{{ x.y }}{% endmacro %}{{ row(items) }}",
        "{% for k, v in pairs_of(name) if k %}{{ k.a }}{{ v.b }}{% endfor %}".replace("pairs_of(name)", "name.items()"),
        "{% for o in told %}{{ o.name }}{% endfor %}", "{{ sender.sent }}", "plain", "{{ broken", "",
    ],
)  # fmt: skip
def test_what_is_there_or_cannot_be_known_is_left_alone(model: Model, text: str) -> None:
    parcel = model.objects["parcel"]
    assert wrong_names(SandboxedEnvironment(), model, parcel, text) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{{ nam }}", [("parcel", "nam", 1)]),
        ("\n{{ sender.moblie }}", [("person", "moblie", 2)]),
        ("{{ customer.name }}", [("parcel", "customer", 1)]),
        ("{% for i in items %}\n{{ i.pric }}{{ i.parcel.sender.x }}{% endfor %}", [("item", "pric", 2), ("person", "x", 2)]),
        ("{% for i in itmes %}{{ i.anything }}{% endfor %}", [("parcel", "itmes", 1)]),
        ("{% if amout > 1 %}{{ name }}{% endif %}", [("parcel", "amout", 1)]),
        ("{% set a = nam %}{{ a }}", [("parcel", "nam", 1)]),
        ("{% for i in items %}{% endfor %}{{ i.what }}", [("parcel", "i", 1)]),
        ("{{ home.town }} {{ stay.start }}", [("parcel", "home.town", 1), ("parcel", "stay.start", 1)]),
        ("{{ sender['moblie'] }}", [("person", "moblie", 1)]),
        ("{{ nam|upper }} {{ nam.upper() }}", [("parcel", "nam", 1), ("parcel", "nam", 1)]),
        ("{{ range(3) }} {{ cycler.__init__ }} {{ config }}", [("parcel", "range", 1), ("parcel", "cycler", 1), ("parcel", "config", 1)]),
    ],
)  # fmt: skip
def test_what_stands_for_nothing_is_told(model: Model, text: str, wrong: list[tuple[str, str, int]]) -> None:
    found = wrong_names(SandboxedEnvironment(), model, model.objects["parcel"], text)
    assert [(w.object.name, w.name, w.line) for w in found] == wrong


def test_a_pack_is_told_where_and_what_was_meant(tmp_path: Path) -> None:
    texts = {
        "pack.yaml": 'kind: pack\nname: tried\nversion: 1.0.0\nlabel: Tried\nrequires: {core: ">=0.1"}\nlanguages: [en]\n',
        "objects/base.yaml": OBJECTS,
        "templates/all.yaml": (
            "kind: template\nname: mail\nobject: parcel\nchannel: email\nsubject: {en: 'Your {{ nam }}'}\nbody: {en: '{{ name }}'}\n---\n"
            "kind: template\nname: paper\nobject: parcel\nchannel: print\nbody_file: templates/paper.html\n"
        ),
        "templates/paper.html": "<h1>{{ name }}</h1>\n{% for i in items %}\n<p>{{ i.pric }}</p>{% endfor %}\n",
    }
    for name, text in texts.items():
        path = tmp_path / "tried" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = check_folder(cast(Any, None), str(tmp_path / "tried")).errors
    told = [(p.code, p.file, p.line, p.path, str(p.hint)) for p in found]
    assert told == [
        ("unknown_field", "templates/all.yaml", 5, "subject.en", "did you mean 'name'?"),
        ("unknown_field", "templates/paper.html", 3, None, "did you mean 'price'?"),
    ]
