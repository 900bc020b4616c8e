"""`patron explain`: who may do what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say

if TYPE_CHECKING:
    from patron_platform.told import Told


def register(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    user: Annotated[str, typer.Argument(help="E-mail address or id of the person.")],
    action: Annotated[
        str, typer.Argument(help="What he wants to do: read, update, delete, assign, export …")
    ],
    record: Annotated[str, typer.Argument(help="OBJECT for all of them, OBJECT/ID for one record.")],
    workspace: InWorkspace,
    field: Annotated[str | None, typer.Option("--field", help="Only this field of it.")] = None,
    language: Annotated[str, typer.Option("--language", help="en, zh-CN or zh-TW.")] = "en",
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Says why somebody may do something, or may not, and the least that would let him."""
    from dataclasses import replace

    from patron_engine.errors import WrongUse
    from patron_platform.answers import Asked, answer
    from patron_platform.colleagues import colleague
    from patron_platform.languages import SPOKEN
    from patron_platform.workspace import OPERATOR

    if language not in SPOKEN:
        raise WrongUse(f"there is no language {language!r}", hint=", ".join(SPOKEN))
    object, _, id = record.partition("/")
    asked = Asked(object=object, id=id or None, action=action, field=field)
    actor = replace(OPERATOR, languages=(language,))
    with opened(data, database) as service:
        found = service.runtime.workspace(workspace).reading(
            actor, lambda conn, call: answer(conn, call, colleague(conn, call, user), asked)
        )
    say(json, found.as_dict(), lambda: _print(found.told, found.about.name, found.about.on, language))


def _print(told: Told, who: str, on: bool, language: str) -> None:
    from patron_platform.web.texts import texts_in

    t = texts_in(language)
    typer.echo(told.headline)
    if not on:
        typer.echo(t("explained.switched_off", who=who))
    for line in told.lines:
        typer.echo(f"  {'+' if line.gives else '-'} {line.text}")
    if told.below is not None:
        typer.echo(t("explained.first_see", answer=told.below.headline))
        for line in told.below.lines:
            typer.echo(f"  {'+' if line.gives else '-'} {line.text}")
    if told.cures:
        typer.echo(t("explained.what_would"))
    for cure in told.cures:
        opens = "" if cure.opens is None else f" ({t('explained.opens', n=f'{cure.opens:,}')})"
        typer.echo(f"  * {cure.text}{opens}")
