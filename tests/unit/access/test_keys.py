"""The token issuer's public keys."""

import asyncio
import contextlib
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from floorcast.access.keys import PublishedKeys, read_keys
from floorcast.errors import TokenError

RSA_JWK = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()))
EC_JWK = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))


def _document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_each_kind_of_key_has_its_algorithm_and_others_are_passed_over() -> None:
    """A symmetric key in a public document would make everybody an issuer."""
    keys = read_keys(
        _document(
            {**RSA_JWK, "kid": "r"},
            {**EC_JWK, "kid": "e"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
            {**RSA_JWK, "kid": "x", "use": "enc"},
            "not a key",
        )
    )
    assert {kid: key.algorithm for kid, key in keys.items()} == {"r": "RS256", "e": "ES256"}


def test_the_only_key_needs_no_name() -> None:
    """Some issuers give it none."""
    assert read_keys(_document(RSA_JWK))[None].algorithm == "RS256"
    assert None not in read_keys(_document({**RSA_JWK, "kid": "a"}, {**EC_JWK, "kid": "b"}))


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys":{}}', b"<html>"])
def test_what_is_no_document_of_keys_is_refused(document: bytes) -> None:
    """A login page answers 200 as well."""
    with pytest.raises(ValueError, match=r"."):
        read_keys(document)


async def test_an_unknown_key_is_fetched_once_and_then_unknown_for_a_while() -> None:
    """However many tokens ask for it."""
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return _document({**RSA_JWK, "kid": "r"})

    keys = PublishedKeys("https://issuer/keys", fetch=fetch)
    with pytest.raises(TokenError) as early:
        keys.find("r")
    assert early.value.code == "not_ready"
    running = asyncio.create_task(keys.run())
    async with asyncio.timeout(5):
        while keys._fetched_at is None:  # noqa: ASYNC110 — a plain value, asked for a moment
            await asyncio.sleep(0.01)
    found = keys.find("r")
    assert found is not None
    assert isinstance(found.key, type(jwt.PyJWK({**RSA_JWK}, "RS256").key))
    for _ in range(100):
        assert keys.find("nobody's") is None
    assert fetched == ["https://issuer/keys"]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
