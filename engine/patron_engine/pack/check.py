"""Check of a pack by itself: names and prefix, documents that do not belong into a pack, texts without a language.

In: a Pack. Out: Problems, missing translations as warnings. Each document alone is checked when the pack is read; what
they mean together with the packs below is decided by resolving, folding and compiling them.
"""

from __future__ import annotations

from patron_engine.meta.layers import WORKSPACE_PREFIX
from patron_engine.meta.translations import MOST_TOLD, missing_translations
from patron_engine.meta.trespass import check_new
from patron_engine.pack.source import Pack
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems


def check_pack(pack: Pack) -> list[Problem]:
    problems = Problems()
    for document in pack.documents:
        problems.extend(check_new(document, pack.prefix, False))
    if pack.prefix == WORKSPACE_PREFIX:
        message = Phrase(
            "{prefix!r} is the prefix of what a workspace adds by itself", prefix=WORKSPACE_PREFIX
        )
        problems.add("prefix_taken", message, hint="choose another", **pack.manifest.where(("prefix",)))
    if pack.name in pack.requires:
        where = pack.manifest.where(("requires", pack.name))
        problems.add("pack_circle", "a pack does not require itself", hint="remove the line", **where)
    for name in pack.requires.keys() & pack.optional.keys():
        message = Phrase("{name!r} is required and optional", name=name)
        problems.add("one_of", message, hint="keep one", **pack.manifest.where(("optional", name)))
    _needs(pack, problems)
    gaps = missing_translations((pack.manifest, *pack.documents), pack.languages)
    for gap in gaps[:MOST_TOLD]:
        problems.extend([gap.problem()])
    return list(problems)


def _needs(pack: Pack, problems: Problems) -> None:
    """`needs` only makes sense with packs the manifest names."""
    known = {*pack.requires, *pack.optional, pack.name}
    for document in pack.documents:
        needs = document.body.get("needs")
        for index, name in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(name, str) and name not in known:
                message = Phrase("the manifest does not name the pack {name!r}", name=name)
                hint = Phrase("write optional: {{{name}: …}} in pack.yaml", name=name)
                problems.add("unknown_pack", message, hint=hint, **document.where(("needs", index)))
