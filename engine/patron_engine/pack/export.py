"""Export: documents -> files that people keep in a repository, one a document, always in the same place.

In: documents. Out: relative name -> text; equal documents give equal files. source.read_folder reads them back.
"""

from __future__ import annotations

from collections.abc import Iterable

from patron_engine.meta.document import Document
from patron_engine.meta.kinds import KINDS
from patron_engine.meta.writer import write_document


def file_of(document: Document) -> str:
    """Where a document is kept: objects/account.yaml, changes/object_account.yaml, workspace.yaml."""
    folder = KINDS[document.kind].folder if document.kind in KINDS else document.kind
    name = document.name.replace("/", "_")
    if document.kind == "pack" or document.kind == document.name:
        return f"{document.kind}.yaml"
    if document.kind == "option_set":  # it shares the folder with objects
        name = f"options_{name}"
    return f"{folder}/{name}.yaml" if folder else f"{name}.yaml"


def files_of_documents(documents: Iterable[Document]) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in sorted(documents, key=lambda d: d.key):
        name = file_of(document)
        text = write_document(document.body)
        found[name] = f"{found[name]}---\n{text}" if name in found else text
    return found
