"""The token issuer's public keys (JWKS): fetched in the background, so that checking a token never waits."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Literal

import jwt

from floorcast.access.claims import VerificationKey
from floorcast.errors import TokenError
from floorcast.observe import TaskFailed, observe

_FETCH_TIMEOUT_SECONDS = 5.0
_LARGEST_DOCUMENT = 262_144
_MOST_KEYS = 64

_REFRESH_SECONDS = 300.0
"""A key that its issuer has withdrawn is forgotten within this time."""

_SHORTEST_PAUSE_SECONDS = 10.0
"""However many tokens name keys that nobody has, the issuer is asked no more often."""


class PublishedKeys:
    """The newest fetched set of keys; `run` keeps it new."""

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch from `url`; nothing is asked before `run`."""
        self._url = url
        self._fetch = fetch or _fetch
        self._clock = clock
        self._keys: dict[str | None, VerificationKey] = {}
        # When the last fetch succeeded, on `clock`.
        self._fetched_at: float | None = None
        # Set when somebody showed a token with a key that we do not have.
        self._wanted = asyncio.Event()

    def find(self, kid: str | None) -> VerificationKey | None:
        """Return the key without waiting; see `KeySource`."""
        found = self._keys.get(kid)
        if found is not None:
            return found
        if self._fetched_at is not None and self._clock() - self._fetched_at < _SHORTEST_PAUSE_SECONDS:
            return None
        self._wanted.set()
        raise TokenError("not_ready", "The keys that tokens are signed with are being fetched.")

    async def run(self) -> None:
        """Fetch now, then every few minutes, and soon after a token named an unknown key; until cancelled."""
        while True:
            self._wanted.clear()
            try:
                self._keys = read_keys(await asyncio.to_thread(self._fetch, self._url))
                self._fetched_at = self._clock()
            except (OSError, ValueError, jwt.PyJWTError) as error:
                # The keys that we have stay good: an issuer that is away must not lock everybody out.
                observe(TaskFailed("keys", f"{self._url}: {error}"))
            await asyncio.sleep(_SHORTEST_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                continue


def read_keys(document: bytes) -> dict[str | None, VerificationKey]:
    """Return the usable keys of a JWKS document by id, and under None the key if there is just one.

    RSA keys verify RS256, P-256 keys ES256; others, symmetric ones above all, are passed over.

    Raises:
        ValueError: it is not a JWKS document.
    """
    listed: Any = json.loads(document)
    if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
        raise ValueError("not a JWKS document: it has no list `keys`")  # noqa: TRY004 — the document is wrong, not a type
    found: dict[str | None, VerificationKey] = {}
    for entry in listed["keys"][:_MOST_KEYS]:
        algorithm = _algorithm(entry)
        if algorithm is not None and isinstance(entry.get("kid", ""), str):
            found[entry.get("kid", "")] = VerificationKey(jwt.PyJWK(entry, algorithm).key, algorithm)
    if len(found) == 1:
        found[None] = next(iter(found.values()))
    return found


def _algorithm(entry: object) -> Literal["RS256", "ES256"] | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("kty") == "RSA" and entry.get("alg", "RS256") == "RS256":
        return "RS256"
    if entry.get("kty") == "EC" and entry.get("crv") == "P-256":
        return "ES256"
    return None


def _fetch(url: str) -> bytes:
    # settings.py has made sure that the scheme is http or https.
    with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_SECONDS) as answer:  # noqa: S310 — see above
        document: bytes = answer.read(_LARGEST_DOCUMENT + 1)
    if len(document) > _LARGEST_DOCUMENT:
        raise ValueError(f"the document is larger than {_LARGEST_DOCUMENT} bytes")
    return document
