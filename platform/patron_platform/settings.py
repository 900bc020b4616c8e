"""Settings: one pydantic model from the environment and the command line; a wrong value stops the start.

In: environment variables `PATRON_…` and `DATABASE_URL`. Out: `Settings`. Read once; nothing else looks at the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from patron_engine.errors import WrongUse
from patron_engine.fields.limits import WORKSPACE_FILES


class Settings(BaseModel):
    """What one process is told. Durations in seconds, sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str | None = Field(
        None, description="PostgreSQL URL of the owner; without one the embedded database is started"
    )
    application: str | None = Field(
        None,
        description="PostgreSQL URL of the login requests and jobs use; without one the owner makes it where he may",
    )
    data: Path | None = Field(
        None, description="folder of the embedded database; silent: $XDG_DATA_HOME/patron"
    )
    show: str | None = Field(
        None, description="workspace whose objects and counts the first page shows to everybody"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="serving processes")
    pool: int = Field(12, ge=1, le=500, description="connections a serving process may hold")
    log: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="what is logged at least"
    )
    files: int = Field(
        WORKSPACE_FILES, ge=0, description="bytes the files of one workspace may have together"
    )
    base_url: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$",
        description="address people use, without a path: https://crm.example.com",
    )
    trusted_proxies: str = Field(
        "",
        description="addresses whose X-Forwarded-For and X-Forwarded-Proto are believed, joined by commas; * is all",
    )
    mail: str | None = Field(
        None,
        pattern=r"^smtps?://[^\s/?#]+$",
        description="mail server: smtp://USER:PASSWORD@HOST:PORT (STARTTLS where it is offered) or smtps://…",
    )
    mail_from: str | None = Field(
        None,
        pattern=r"^[^\s@<>]+@[^\s@<>]+$",
        description="address letters come from; needed with a mail server",
    )
    outbound_allow: str = Field(
        "",
        description="networks that calls, webhooks and mail servers of workspaces may reach though they are not public, joined by commas",
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="OpenID Connect provider people may sign in through: its issuer",
    )
    oidc_client: str | None = Field(None, description="client id the provider gave")
    oidc_secret: str | None = Field(None, description="client secret the provider gave")
    oidc_label: str = Field("SSO", max_length=40, description="what the button on the sign-in page calls it")
    oidc_join: str | None = Field(
        None, description="workspace whom nobody knows joins, without a role; silent: nobody is made a user"
    )
    jobs: bool = Field(True, description="run events, jobs and timers inside the serving process")

    @model_validator(mode="after")
    def _provider_can_be_asked(self) -> Settings:
        issuer = self.oidc_issuer
        if issuer is not None and not (self.oidc_client and self.oidc_secret and self.base_url):
            raise ValueError(
                "a provider needs PATRON_OIDC_CLIENT, PATRON_OIDC_SECRET and PATRON_BASE_URL to come back to"
            )
        if issuer is not None and urlsplit(issuer).scheme != "https" and not _on_this_machine(issuer):
            raise ValueError("a provider is reached over https: what it says about people lets them in")
        return self

    @field_validator("outbound_allow")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in value.split(","):
            if part.strip():
                ip_network(part.strip())
        return value

    @model_validator(mode="after")
    def _letters_can_be_written(self) -> Settings:
        if self.mail is not None and (self.mail_from is None or self.base_url is None):
            raise ValueError("a mail server needs PATRON_MAIL_FROM and PATRON_BASE_URL: letters hold links")
        return self


def _on_this_machine(address: str) -> bool:
    return urlsplit(address).hostname in ("127.0.0.1", "::1", "localhost")


_NAMES: Mapping[str, str] = {
    "DATABASE_URL": "database",
    "DATABASE_APPLICATION_URL": "application",
    "PATRON_DATA": "data",
    "PATRON_HOST": "host",
    "PATRON_PORT": "port",
    "PATRON_WORKERS": "workers",
    "PATRON_POOL": "pool",
    "PATRON_FILES": "files",
    "PATRON_BASE_URL": "base_url",
    "PATRON_TRUSTED_PROXIES": "trusted_proxies",
    "PATRON_MAIL": "mail",
    "PATRON_MAIL_FROM": "mail_from",
    "PATRON_OUTBOUND_ALLOW": "outbound_allow",
    "PATRON_OIDC_ISSUER": "oidc_issuer",
    "PATRON_OIDC_CLIENT": "oidc_client",
    "PATRON_OIDC_SECRET": "oidc_secret",
    "PATRON_OIDC_LABEL": "oidc_label",
    "PATRON_OIDC_JOIN": "oidc_join",
    "PATRON_JOBS": "jobs",
    "PATRON_SHOW": "show",
    "PATRON_LOG": "log",
}


def read_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Environment first, then what was given on the command line (None: not given). WrongUse names what is wrong."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {field: environ[name] for name, field in _NAMES.items() if environ.get(name)}
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise WrongUse(f"settings: {said}", hint="docs/howto/run-it-for-real.md lists them") from None
