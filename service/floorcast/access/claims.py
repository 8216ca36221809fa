"""A token becomes claims, or is refused with a code (pure: the keys are given).

What a token says about its own algorithm is never believed. A shared secret verifies HS256 and nothing else; a public
key verifies the one algorithm of its kind and is never taken for a secret. So `alg: none` and a public key used as an
HMAC secret both fail before a signature is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol, cast, get_args

import jwt

from floorcast.errors import TokenError

Role = Literal["authenticated", "service_role", "anon"]

_LARGEST_TOKEN = 8_192
"""Bytes; a header of 16 KB is what a request may bring at all."""

_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    # `sub`: users.id
    user: str
    role: Role
    # `exp`, Unix seconds.
    expires_at: float
    # Every claim, as Postgres is told them.
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm that it verifies."""

    key: Any
    algorithm: Literal["RS256", "ES256"]


class KeySource(Protocol):
    """Knows the token issuer's public keys."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """Return the key of that id without waiting (None: the only key); None when there is no such key.

        Raises:
            TokenError: `not_ready` when the keys have to be fetched first.
        """
        ...


class TokenVerifier:
    """Decides whether a token is one of ours."""

    def __init__(
        self, *, secret: str | None, keys: KeySource | None = None, audience: str, grace_seconds: float = 0
    ) -> None:
        """Accept HS256 tokens when there is a `secret`, RS256 and ES256 ones when there are `keys`.

        `grace_seconds` are for clocks that differ: so much earlier and later than it says a token is good.
        """
        if secret is None and keys is None:
            raise ValueError("a verifier needs a secret or keys, else nobody could come in")
        self._secret = secret
        self._keys = keys
        self._audience = audience
        self._grace_seconds = grace_seconds

    def verify(self, token: str) -> Claims:
        """Return what the token says.

        Raises:
            TokenError: `token_missing`, `token_invalid`, `token_expired`; or `not_ready` while keys are being fetched.
        """
        if not token:
            raise TokenError("token_missing", "No token was given.")
        if len(token) > _LARGEST_TOKEN:
            _refuse(f"it is longer than {_LARGEST_TOKEN} characters")
        try:
            key, algorithm = self._key_for(jwt.get_unverified_header(token))
            raw = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                leeway=self._grace_seconds,
                # An issuer's clock may be ahead of ours: `iat` is not ours to judge. `nbf` is.
                options={"require": ["exp", "sub", "role", "aud"], "verify_iat": False},
            )
            return _claims(raw)
        except jwt.ExpiredSignatureError:
            raise TokenError("token_expired", "The token has expired.") from None
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            _refuse(str(error) or type(error).__name__)

    def _key_for(self, header: Mapping[str, Any]) -> tuple[Any, str]:
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == "HS256" and self._secret is not None:
            return self._secret, "HS256"
        if self._keys is None or algorithm not in ("RS256", "ES256"):
            _refuse(f"its algorithm {str(algorithm)[:16]!r} is not one that is used here")
        found = self._keys.find(kid if isinstance(kid, str) else None)
        if found is None:
            _refuse("it was signed with a key that its issuer does not publish")
        return found.key, found.algorithm


def _claims(raw: Mapping[str, Any]) -> Claims:
    user, role = raw["sub"], raw["role"]
    if not isinstance(user, str) or not 0 < len(user) <= _LONGEST_NAME:
        _refuse("its `sub` is not the id of a user")
    if role not in get_args(Role):
        _refuse(f"its role is none of {', '.join(get_args(Role))}")
    return Claims(user, cast("Role", role), float(raw["exp"]), raw)


def _refuse(why: str) -> NoReturn:
    raise TokenError("token_invalid", f"The token is not accepted: {why}.")
