"""A token becomes claims, or is refused with a code (pure: the keys are given).

What a token says about its own algorithm is never believed. A shared secret verifies HMACs and nothing else; a public
key verifies the one algorithm of its kind and is never taken for a secret. So `alg: none` and a public key used as an
HMAC secret both fail before a signature is looked at.

A Supabase project has keys beside its people's tokens: `anon` and `service_role`, which are tokens that name nobody and
are for no audience, and publishable ones, which are no tokens at all. Where that service has a sentence for what is
wrong with a token, it is said in those words, since people search for them.
"""

import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol, cast, get_args

import jwt

from floorcast.errors import TokenError

Role = Literal["authenticated", "service_role", "anon"]

_LARGEST_TOKEN = 8_192
"""Bytes; a header of 16 KB is what a request may bring at all."""

_LONGEST_NAME = 128

_HMACS: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
"""What a secret verifies, and how many bytes long it has to be: no shorter than the hash (RFC 7518 §3.2). The settings
see to the shortest."""

_NEEDS_NO_USER = ("anon", "service_role")

PUBLISHABLE = "sb_publishable_"
"""How a publishable key begins."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    # `sub`: users.id. Empty where a key names nobody, who has no rows of his own, no grants and no name to count by.
    user: str
    role: Role
    # `exp`, Unix seconds; infinite for a publishable key.
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
        self,
        *,
        secret: str | None,
        keys: KeySource | None = None,
        audience: str,
        grace_seconds: float = 0,
        publishable: Sequence[str] = (),
    ) -> None:
        """Accept HMAC tokens when there is a `secret`, RS256 and ES256 ones when there are `keys`.

        Args:
            secret: as long as the hash of each algorithm that it is to verify.
            keys: the issuer's public keys.
            audience: the `aud` of people's tokens.
            grace_seconds: for clocks that differ: so much earlier and later than it says a token is good.
            publishable: keys that anybody may have; who brings one is `anon`, without end.
        """
        if secret is None and keys is None:
            raise ValueError("a verifier needs a secret or keys, else nobody could come in")
        self._secret = secret
        self._keys = keys
        self._audience = audience
        self._grace_seconds = grace_seconds
        self._publishable = tuple(key.encode() for key in publishable)

    def verify(self, token: str) -> Claims:
        """Return what the token says.

        Raises:
            TokenError: `token_missing`, `token_invalid`, `token_expired`; or `not_ready` while keys are being fetched.
        """
        if not token:
            raise TokenError("token_missing", "API key is missing")
        if len(token) > _LARGEST_TOKEN:
            _refuse(f"it is longer than {_LARGEST_TOKEN} characters")
        if token.startswith("sb_"):
            return self._key(token)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenError("token_invalid", "The token provided is not a valid JWT") from None
        try:
            key, algorithm = self._key_for(header)
            raw = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                leeway=self._grace_seconds,
                # An issuer's clock may be ahead of ours: `iat` is not ours to judge. `nbf` is. For whom `aud` has to
                # be there depends on the role.
                options={"require": ["exp", "role"], "verify_iat": False, "verify_aud": False},
            )
            return self._claims(raw)
        except jwt.ExpiredSignatureError:
            raise TokenError("token_expired", "Token has expired") from None
        except jwt.MissingRequiredClaimError:
            raise TokenError("token_invalid", "Fields `role` and `exp` are required in JWT") from None
        except jwt.InvalidSignatureError:
            raise TokenError("token_invalid", "Failed to validate JWT signature") from None
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            _refuse(str(error) or type(error).__name__)

    def _key(self, key: str) -> Claims:
        """Find a key of a project. All are compared, in full, so that the time says nothing of them."""
        given = key.encode(errors="replace")
        if sum(hmac.compare_digest(given, known) for known in self._publishable):
            return Claims("", "anon", math.inf, {"role": "anon"})
        raise TokenError("token_invalid", "The key is none of FLOORCAST_PUBLISHABLE_KEYS.")

    def _claims(self, raw: Mapping[str, Any]) -> Claims:
        role, user, audience = raw["role"], raw.get("sub", ""), raw.get("aud")
        if role not in get_args(Role):
            _refuse(f"its role is none of {', '.join(get_args(Role))}")
        # A key is the project's and for no audience; who says one all the same means it.
        audiences = audience if isinstance(audience, list) else [audience]
        if self._audience not in audiences and (audience is not None or role not in _NEEDS_NO_USER):
            _refuse("it is for another audience")
        if not isinstance(user, str) or len(user) > _LONGEST_NAME or not (user or role in _NEEDS_NO_USER):
            _refuse("its `sub` is not the id of a user")
        return Claims(user, cast("Role", role), float(raw["exp"]), raw)

    def _key_for(self, header: Mapping[str, Any]) -> tuple[Any, str]:
        algorithm, kid = header.get("alg"), header.get("kid")
        if isinstance(algorithm, str) and algorithm in _HMACS and self._secret is not None:
            if algorithm != "HS256" and len(self._secret.encode()) < _HMACS[algorithm]:
                _refuse(f"the server's secret is too short for its algorithm {algorithm}")
            return self._secret, algorithm
        if self._keys is None or algorithm not in ("RS256", "ES256"):
            _refuse(f"its algorithm {str(algorithm)[:16]!r} is not one that is used here")
        found = self._keys.find(kid if isinstance(kid, str) else None)
        if found is None:
            _refuse("it was signed with a key that its issuer does not publish")
        return found.key, found.algorithm


def _refuse(why: str) -> NoReturn:
    raise TokenError("token_invalid", f"The token is not accepted: {why}.")
