"""`floorcast token`."""

import time
from typing import Annotated

import jwt
import psycopg
import typer

from floorcast.cli.reach import reach_settings
from floorcast.database.queries import load_queries
from floorcast.errors import DatabaseUnavailable, FloorcastError, SettingsError
from floorcast.settings import Settings

_CONNECT_SECONDS = 10

_ROLES = ("authenticated", "service_role", "anon")


def token(
    user: Annotated[str, typer.Option("--user", "-u", help="The person: users.id (a uuid), or their e-mail address.")],
    role: Annotated[str, typer.Option("--role", "-r", help=f"One of {', '.join(_ROLES)}.")] = "authenticated",
    hours: Annotated[float, typer.Option("--hours", min=0.01, help="How long it is good for.")] = 12.0,
) -> None:
    """Print a token for a person, signed with FLOORCAST_JWT_SECRET, or with that of the `floorcast up` that runs here.

    What the person may see is not in the token: that is decided by their access to warehouses, change by change.
    An e-mail address is looked up in the database that DATABASE_URL (or FLOORCAST_OWNER_DATABASE_URL) names.
    """
    try:
        settings = reach_settings()
        if role not in _ROLES:
            raise SettingsError(f"--role is {role!r}: choose one of {', '.join(_ROLES)}.")
        person = _person(settings, user) if "@" in user else user
        typer.echo(sign(settings, user=person, role=role, seconds=hours * 3600))
    except FloorcastError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def sign(settings: Settings, *, user: str, role: str, seconds: float) -> str:
    """Return a token of the shape that `access.claims` accepts.

    Raises:
        SettingsError: there is no secret to sign with.
    """
    if settings.jwt_secret is None:
        raise SettingsError(
            "FLOORCAST_JWT_SECRET is missing, so nothing can be signed. Set it to the secret that the gateways have; "
            "`floorcast up` without a DATABASE_URL prints tokens of its own. With FLOORCAST_JWKS_URL, tokens come from "
            "their issuer."
        )
    now = int(time.time())
    claims = {"sub": user, "role": role, "aud": settings.jwt_audience, "iat": now, "exp": now + max(1, int(seconds))}
    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm="HS256")


def _person(settings: Settings, address: str) -> str:
    """Return the id of the person with an e-mail address."""
    if settings.migration_url is None:
        raise SettingsError(
            "An e-mail address needs a database to look it up in: set DATABASE_URL, or give the person's uuid."
        )
    query = load_queries("token.sql", "floorcast.cli")["person_by_address"]
    try:
        with psycopg.connect(settings.migration_url, connect_timeout=_CONNECT_SECONDS) as connection:
            found = connection.execute(query, {"address": address}).fetchall()
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"{address!r} could not be looked up: {error}. Give the person's uuid, or set FLOORCAST_OWNER_DATABASE_URL "
            "to a login that may read people."
        ) from error
    if len(found) != 1:
        how_many = "more than one person has" if found else "nobody has"
        raise DatabaseUnavailable(f"In this database {how_many} the address {address!r}. Give the person's uuid.")
    return str(found[0][0])
