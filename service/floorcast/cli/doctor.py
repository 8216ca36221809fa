"""`floorcast doctor`: what is wrong with a set-up, in sentences."""

import asyncio

import typer

from floorcast.cli.reach import reach_settings
from floorcast.database.inspection import inspect_database
from floorcast.diagnosis import Finding, diagnose
from floorcast.errors import DatabaseUnavailable, SettingsError, StreamUnavailable
from floorcast.settings import Settings
from floorcast.stream.inspection import inspect_stream

_CATCH_UP_SECONDS = 1.0
"""Between asking Postgres and Redis: what a healthy relay needs to publish, many times over."""


def doctor() -> None:
    """Say what is wrong with this set-up: settings, database, tracked tables, Redis, relay.

    It changes nothing. Without DATABASE_URL it examines the `floorcast up` that runs here. The exit code is 1 when
    there is a problem; risks are told and leave it at 0.
    """
    try:
        settings = reach_settings()
    except SettingsError as error:
        findings = [Finding("problem", line) for line in str(error).splitlines()]
    else:
        findings = asyncio.run(_examine(settings))
    for finding in findings:
        typer.echo(f"{finding.weight}: {finding.text}")
    if any(finding.weight == "problem" for finding in findings):
        raise typer.Exit(1)
    typer.echo("Nothing is wrong." if not findings else "Nothing is broken.")


async def _examine(settings: Settings) -> list[Finding]:
    findings = [
        Finding("problem", f"{name} is not set, and no `floorcast up` of yours runs here: there is nothing to examine.")
        for name, url in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url))
        if url is None
    ]
    if settings.database_url is None:
        return findings
    try:
        database = await inspect_database(settings.database_url, settings.migration_url)
    except DatabaseUnavailable as error:
        return [*findings, Finding("problem", str(error))]
    stream = None
    if settings.redis_url is not None:
        await asyncio.sleep(_CATCH_UP_SECONDS)
        try:
            stream = await inspect_stream(settings.redis_url)
        except StreamUnavailable as error:
            findings.append(Finding("problem", str(error)))
    return [*findings, *diagnose(database, stream)]
