"""Checked: what is wrong with documents by themselves, before they are folded.

In: layers, and the hashes of documents the release before already held. Out: problems; and layers of which something refused
is left out, so that what else is wrong can be told as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from patron_engine.meta.check import check_document, sound
from patron_engine.meta.layers import Layer
from patron_engine.problems import Problem, Problems
from patron_engine.release.bodies import body_hash
from patron_engine.release.releases import FILE


def check_layers(layers: Iterable[Layer], checked: frozenset[str]) -> tuple[Problem, ...]:
    """Problems of every document by itself; those the release before already held are not checked again."""
    problems = Problems()
    for layer in layers:
        for document in layer.documents:
            if document.kind != FILE and body_hash(document.body) not in checked:
                problems.extend(check_document(document))
    return tuple(problems)


def sound_layer(layer: Layer) -> Layer:
    """A layer whose documents can be read although something in them is refused."""
    return replace(layer, documents=tuple(map(sound, layer.documents)))
