"""Resolve: which packs stand in a workspace, in which order, and as which layers.

In: names that are wanted, and the packs there are. Out: a Resolution: packs in the order of their dependencies (what a
pack requires stands below it, what it may use, if it is there, too), and Problems for what is missing, too old, or
requires itself. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from patron_engine.meta.layers import Layer
from patron_engine.pack.source import Pack
from patron_engine.pack.version import fits
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    order: tuple[Pack, ...]
    problems: tuple[Problem, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """A layer for each pack; the workspace's own comes on top of them."""
        there = {pack.name for pack in self.order}
        return tuple(pack_layer(pack, there) for pack in self.order)


def pack_layer(pack: Pack, there: Iterable[str]) -> Layer:
    """What it may change: the packs it requires, and those it may use that are there."""
    usable = set(there)
    requires = (*pack.requires, *(name for name in pack.optional if name in usable))
    return Layer(
        name=pack.name, documents=pack.documents, version=pack.version, prefix=pack.prefix, requires=requires
    )


def resolve(wanted: Iterable[str], available: Mapping[str, Pack], platform: str) -> Resolution:
    """The packs that are wanted with all they require, from below upwards. `platform` is Patron's own version."""
    problems = Problems()
    order: list[Pack] = []
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...], asked_by: Pack | None) -> None:
        pack = available.get(name)
        if name in way:
            circle = " -> ".join((*way[way.index(name) :], name))
            problems.add(
                "pack_circle",
                Phrase("packs require one another: {circle}", circle=circle),
                **_place(asked_by, name),
            )
        elif pack is None:
            what = Phrase("there is no pack {name!r}", name=name)
            if asked_by:
                what = Phrase(
                    "pack {pack!r} requires {name!r}, which is not here", pack=asked_by.name, name=name
                )
            hint = nearest(name, available) or "add its folder or install its distribution"
            problems.add("pack_missing", what, hint=hint, **_place(asked_by, name))
        elif name not in done:
            for needed in (*pack.requires, *(o for o in pack.optional if o in wanted_names)):
                visit(needed, (*way, name), pack)
            if name not in done:
                done.add(name)
                order.append(pack)

    wanted_names = list(dict.fromkeys(wanted))
    for name in wanted_names:
        visit(name, (), None)
    for pack in order:
        problems.extend(_versions(pack, {p.name: p for p in order}, platform))
    return Resolution(order=tuple(order), problems=tuple(problems))


def _versions(pack: Pack, there: Mapping[str, Pack], platform: str) -> Iterable[Problem]:
    for section, ranges in (("requires", pack.requires), ("optional", pack.optional)):
        for name, wanted in ranges.items():
            other = there.get(name)
            if other is not None and not fits(other.version, wanted):
                message = Phrase(
                    "pack {pack!r} needs {name} {wanted}, here is {version}",
                    pack=pack.name,
                    name=name,
                    wanted=wanted,
                    version=other.version,
                )
                where = pack.manifest.where((section, name))
                yield Problem(
                    code="pack_version", message=message, hint="install a version that fits", **where
                )
    if not fits(platform, pack.platform):
        message = Phrase(
            "pack {pack!r} was made for Patron {platform}, this is {platform2}",
            pack=pack.name,
            platform=pack.platform,
            platform2=platform,
        )
        where = pack.manifest.where(("platform",))
        yield Problem(
            code="platform_version", message=message, hint="take another version of the pack", **where
        )


def _place(pack: Pack | None, name: str) -> Mapping[str, object]:
    if pack is None:
        return {}
    section = "requires" if name in pack.requires else "optional"
    return pack.manifest.where((section, name))
