"""Every setting, in one typed place. `floorcast settings` prints this list; docs/operations.md is tested against it."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from floorcast.errors import SettingsError


class Settings(BaseSettings):
    """What an operator can decide. Names are environment variables; descriptions are for people."""

    # The variables are the aliases below. The prefix keeps field names from being read as variables, too: `home` would
    # be the user's HOME.
    model_config = SettingsConfigDict(
        env_prefix="FLOORCAST_",
        env_ignore_empty=True,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15+ as postgresql://…; a direct connection, not a transaction pooler. "
        "Absent: `floorcast up` starts an embedded one.",
    )
    owner_database_url: str | None = Field(
        None,
        validation_alias="FLOORCAST_OWNER_DATABASE_URL",
        description="The owner's login for migrations, when it differs from DATABASE_URL.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Redis 6.2+ or Valkey as redis://…. Absent: `floorcast up` starts an embedded one.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="FLOORCAST_JWT_SECRET",
        description="The secret that tokens are signed with (HS256; HS384 and HS512 from 48 and 64 bytes on), at least "
        "32 bytes.",
    )
    jwks_url: str | None = Field(
        None,
        validation_alias="FLOORCAST_JWKS_URL",
        description="Where the public keys (RS256, ES256) of the token issuer are, instead of a secret.",
    )
    jwt_audience: str = Field(
        "authenticated",
        validation_alias="FLOORCAST_JWT_AUDIENCE",
        description="The `aud` that a person's token must carry.",
    )
    publishable_keys: str | None = Field(
        None,
        validation_alias="FLOORCAST_PUBLISHABLE_KEYS",
        description="Supabase's `sb_publishable_…` keys, separated by commas: they open a socket as `anon`.",
    )
    doorbell: Literal["adaptive", "always"] = Field(
        "adaptive",
        validation_alias="FLOORCAST_DOORBELL",
        description="`always` rings NOTIFY for every transaction, for sites with listeners of their own.",
    )
    host: str = Field(
        "127.0.0.1",
        validation_alias="HOST",
        description="Addresses that the gateway listens on, separated by commas.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        4000, validation_alias="PORT", description="The one port for sockets, HTTP and the page."
    )
    home: Path | None = Field(
        None,
        validation_alias="FLOORCAST_HOME",
        description="Folder of the embedded servers' data. Absent: /var/lib/floorcast for root, "
        "~/.local/share/floorcast for others.",
    )
    gateways: Annotated[int, Field(ge=1, le=64)] = Field(
        2,
        validation_alias="FLOORCAST_GATEWAYS",
        description="Gateway processes that `floorcast up` runs on the port.",
    )
    progress_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        5.0,
        validation_alias="FLOORCAST_PROGRESS_SECONDS",
        description="How often a quiet topic is told up to which position and time it is current.",
    )
    outbox_bytes: Annotated[int, Field(ge=65_536)] = Field(
        1_048_576,
        validation_alias="FLOORCAST_OUTBOX_BYTES",
        description="How much may wait for one socket before it is taken back and told again at the reader's pace.",
    )
    memory_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        33_554_432,
        validation_alias="FLOORCAST_MEMORY_BYTES",
        description="How much of the stream each gateway process remembers for clients that come back; what is older "
        "is read from Redis or Postgres, and as much of that is kept again, as of large ticks.",
    )
    reading_seconds: Annotated[float, Field(ge=1)] = Field(
        60.0,
        validation_alias="FLOORCAST_READING_SECONDS",
        description="How long a client may take to read its first picture.",
    )
    frame_bytes: Annotated[int, Field(ge=4_096)] = Field(
        524_288,
        validation_alias="FLOORCAST_FRAME_BYTES",
        description="The largest frame that a client may send.",
    )
    body_bytes: Annotated[int, Field(ge=4_096)] = Field(
        4_194_304,
        validation_alias="FLOORCAST_BODY_BYTES",
        description="The largest body of an HTTP request.",
    )
    topics_per_socket: Annotated[int, Field(ge=1)] = Field(
        100,
        validation_alias="FLOORCAST_TOPICS_PER_SOCKET",
        description="How many topics one socket may join.",
    )
    remember_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        0,
        validation_alias="FLOORCAST_REMEMBER_SECONDS",
        description="For how long Redis remembers where the channel of an unmodified client of Supabase was cut off, "
        "so that it is told what it missed when it joins again. A socket's URL may say otherwise: `remember=60`.",
    )
    sockets: Annotated[int, Field(ge=1)] = Field(
        20_000,
        validation_alias="FLOORCAST_SOCKETS",
        description="How many sockets one gateway process keeps open, as far as the system lets it open files; more "
        "are sent elsewhere.",
    )
    connects_per_second: Annotated[float, Field(gt=0)] = Field(
        1_000.0,
        validation_alias="FLOORCAST_CONNECTS_PER_SECOND",
        description="New sockets that one gateway process opens in a second; twice as many at once.",
    )
    user_connects_per_second: Annotated[float, Field(gt=0)] = Field(
        500.0,
        validation_alias="FLOORCAST_USER_CONNECTS_PER_SECOND",
        description="The same for one user, who may be all kiosks of a plant; five times as many at once.",
    )
    address_connects_per_second: Annotated[float, Field(ge=0)] = Field(
        0.0,
        validation_alias="FLOORCAST_ADDRESS_CONNECTS_PER_SECOND",
        description="The same for one address, refused tokens included; 0: not limited, since a plant may be one "
        "address.",
    )
    trusted_proxies: str | None = Field(
        None,
        validation_alias="FLOORCAST_TRUSTED_PROXIES",
        description="Addresses and networks, separated by commas, whose X-Forwarded-For is believed.",
    )
    joins_per_second: Annotated[float, Field(gt=0)] = Field(
        1_000.0,
        validation_alias="FLOORCAST_JOINS_PER_SECOND",
        description="Joins that one gateway process takes in a second; twice as many at once.",
    )
    user_joins_per_second: Annotated[float, Field(gt=0)] = Field(
        500.0,
        validation_alias="FLOORCAST_USER_JOINS_PER_SECOND",
        description="The same for one user; five times as many at once.",
    )
    broadcasts_per_second: Annotated[float, Field(gt=0)] = Field(
        1_000.0,
        validation_alias="FLOORCAST_BROADCASTS_PER_SECOND",
        description="Messages for rooms that one gateway process takes by HTTP in a second; five times as many at "
        "once.",
    )
    user_broadcasts_per_second: Annotated[float, Field(gt=0)] = Field(
        100.0,
        validation_alias="FLOORCAST_USER_BROADCASTS_PER_SECOND",
        description="The same for one user.",
    )
    idle_seconds: Annotated[float, Field(ge=1)] = Field(
        60.0,
        validation_alias="FLOORCAST_IDLE_SECONDS",
        description=(
            "A socket that nothing is heard from for so long, pongs included, is closed; "
            "so is an HTTP answer that stands still."
        ),
    )
    handshake_seconds: Annotated[float, Field(ge=0.1)] = Field(
        10.0,
        validation_alias="FLOORCAST_HANDSHAKE_SECONDS",
        description="How long a connection may take to say what it wants, each time.",
    )
    token_grace_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        10.0,
        validation_alias="FLOORCAST_TOKEN_GRACE_SECONDS",
        description="So long after its end (and before its `nbf`) a token is still good: clocks differ.",
    )
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        10.0,
        validation_alias="FLOORCAST_DRAIN_SECONDS",
        description="Over how long a gateway that is stopped sends its sockets elsewhere; less when there are few. "
        "Whoever stops it must wait for 5 seconds more.",
    )
    presence_lease_seconds: Annotated[float, Field(ge=0.1)] = Field(
        10.0,
        validation_alias="FLOORCAST_PRESENCE_LEASE_SECONDS",
        description="Who is present at a gateway that gives no sign of life for so long is gone for the others.",
    )
    feed_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        67_108_864,
        validation_alias="FLOORCAST_FEED_BYTES",
        description="How many bytes of ticks Redis keeps for gateways and replay.",
    )
    picture_seconds: Annotated[float, Field(ge=0.1, le=600)] = Field(
        30.0,
        validation_alias="FLOORCAST_PICTURE_SECONDS",
        description="How long a first picture may take to be read, waiting for its turn included.",
    )
    picture_bytes: Annotated[int, Field(ge=65_536)] = Field(
        67_108_864,
        validation_alias="FLOORCAST_PICTURE_BYTES",
        description="The largest first picture that a client may ask for.",
    )
    spool_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        536_870_912,
        validation_alias="FLOORCAST_SPOOL_BYTES",
        description="How much of first pictures may wait in a gateway for those who read slowly: "
        "an eighth in memory, the rest in nameless files in the folder for temporary ones (TMPDIR).",
    )
    picture_keep_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        2.0,
        validation_alias="FLOORCAST_PICTURE_KEEP_SECONDS",
        description="How long a first picture that was read is given to others who ask for the same; 0: not at all.",
    )
    canary_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        10.0,
        validation_alias="FLOORCAST_CANARY_SECONDS",
        description="A gateway that saw no canary for so long writes one, to see whether changes arrive; 0: none does.",
    )
    maintain_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        60.0,
        validation_alias="FLOORCAST_MAINTAIN_SECONDS",
        description="How often `floorcast maintain` looks for what is due.",
    )
    escalate_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        48.0,
        validation_alias="FLOORCAST_ESCALATE_HOURS",
        description="A work order that nobody touched for so many hours is escalated; 0: none is.",
    )
    message_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        72.0,
        validation_alias="FLOORCAST_MESSAGE_HOURS",
        description="How long `realtime.messages` keeps what was said in rooms; 0: for ever. In a Supabase project, "
        "Supabase says.",
    )
    webhook_private: str | None = Field(
        None,
        validation_alias="FLOORCAST_WEBHOOK_PRIVATE",
        description="Addresses and networks, separated by commas, that webhooks may call although they are not public, "
        "by http:// too. Absent: webhooks go to public addresses only, by https://.",
    )
    webhook_ports: str = Field(
        "80,443,8080,8443",
        validation_alias="FLOORCAST_WEBHOOK_PORTS",
        description="Ports that webhooks may call: numbers and ranges such as 8000-8999, separated by commas.",
    )
    webhook_seconds: Annotated[float, Field(ge=0.1, le=300)] = Field(
        20.0,
        validation_alias="FLOORCAST_WEBHOOK_SECONDS",
        description="How long a webhook's receiver may take to answer.",
    )
    webhook_bytes: Annotated[int, Field(ge=4_096)] = Field(
        262_144,
        validation_alias="FLOORCAST_WEBHOOK_BYTES",
        description="The largest message that a webhook is sent; a change that is larger by itself is sent alone.",
    )
    webhooks_at_once: Annotated[int, Field(ge=1)] = Field(
        64,
        validation_alias="FLOORCAST_WEBHOOKS_AT_ONCE",
        description="How many messages one gateway process posts at the same time.",
    )
    webhook_lease_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        10,
        validation_alias="FLOORCAST_WEBHOOK_LEASE_SECONDS",
        description="What a gateway that dies was posting is posted by another one after so long.",
    )
    webhook_key_hours: Annotated[float, Field(ge=0, le=720)] = Field(
        24.0,
        validation_alias="FLOORCAST_WEBHOOK_KEY_HOURS",
        description="How long messages are signed with a webhook's earlier secret too, after a new one was made.",
    )
    log_format: Literal["auto", "json", "plain"] = Field(
        "auto",
        validation_alias="FLOORCAST_LOG_FORMAT",
        description="`auto`: coloured lines on a terminal, JSON lines elsewhere.",
    )

    @field_validator("database_url", "owner_database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("should begin with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("should begin with redis://, rediss:// or unix://")
        return value

    @field_validator("jwks_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("should begin with https://")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        # RFC 7518 §3.2: an HS256 key shorter than its hash can be guessed.
        if value is not None and len(value.get_secret_value().encode()) < 32:  # noqa: PLR2004 — the RFC's number
            raise ValueError("should be at least 32 bytes long")
        return value

    @field_validator("publishable_keys")
    @classmethod
    def _are_publishable(cls, value: str | None) -> str | None:
        # A project's secret key must not lie where everybody is told of it.
        if any(not key.startswith("sb_publishable_") for key in _parts(value)):
            raise ValueError("should be keys that begin with sb_publishable_, separated by commas")
        return value

    @field_validator("webhook_ports")
    @classmethod
    def _are_ports(cls, value: str) -> str:
        try:
            ranges = _ranges(value)
        except ValueError:
            ranges = ()
        if not ranges or not all(0 < first <= last < 65_536 for first, last in ranges):  # noqa: PLR2004 — TCP's own number
            raise ValueError("should be ports and ranges of ports, such as 443,8000-8999")
        return value

    @field_validator("trusted_proxies", "webhook_private")
    @classmethod
    def _are_networks(cls, value: str | None) -> str | None:
        try:
            _networks(value)
        except ValueError as error:
            raise ValueError(f"should be addresses and networks, separated by commas: {error}") from None
        return value

    @model_validator(mode="after")
    def _own_database_needs_own_secret(self) -> "Settings":
        # A database that holds real data must never be guarded by a secret that we made up.
        if self.database_url is not None and self.jwt_secret is None and self.jwks_url is None:
            raise ValueError(
                "FLOORCAST_JWT_SECRET is missing: with a DATABASE_URL of your own, set FLOORCAST_JWT_SECRET "
                "(at least 32 bytes) or FLOORCAST_JWKS_URL, so that only your tokens open the stream"
            )
        return self

    @property
    def migration_url(self) -> str | None:
        """The login that migrations use."""
        return self.owner_database_url or self.database_url

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses to listen on."""
        return _parts(self.host)

    @property
    def known_publishable_keys(self) -> tuple[str, ...]:
        """Those that open a socket."""
        return _parts(self.publishable_keys)

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies that are believed."""
        return _networks(self.trusted_proxies)

    @property
    def webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks that webhooks may call though they are not public."""
        return _networks(self.webhook_private)

    @property
    def webhook_port_ranges(self) -> tuple[tuple[int, int], ...]:
        """Ports that webhooks may call, first and last."""
        return _ranges(self.webhook_ports)


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    parts = (part.partition("-") for part in _parts(text))
    return tuple((int(first), int(last or first)) for first, _, last in parts)


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part, strict=False) for part in _parts(text))


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` are command-line options by field name.

    Raises:
        SettingsError: names each wrong variable, its value and what would be right.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(part) for part in error.errors())) from None


def _sentence(part: object) -> str:
    """One line per wrong setting; secrets are never repeated."""
    assert isinstance(part, dict)  # noqa: S101 — pydantic's own structure
    message = str(part["msg"]).removeprefix("Value error, ")
    if not part["loc"]:
        return message
    name = str(part["loc"][0])
    field = next((f for n, f in Settings.model_fields.items() if name in (n, f.validation_alias)), None)
    variable = str(field.validation_alias) if field is not None else name
    # A list of keys may hold a secret one by mistake.
    secret = "SECRET" in variable or "URL" in variable or "KEYS" in variable
    value = "(not shown)" if secret else repr(part.get("input"))
    return f"{variable} is {value}: {message[:1].lower()}{message[1:]}"
