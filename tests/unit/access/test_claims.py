"""A token becomes claims, or is refused with a code."""

import base64
import json
import math
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from floorcast.access.claims import TokenVerifier, VerificationKey
from floorcast.errors import TokenError

SECRET = "a secret of sixty-four bytes or more, so that HS512 takes it too, for tests"
KEY = "sb_publishable_bbbbbbbbbbbbbbbbbbbbbbbb"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


class Published:
    """Two keys, as an issuer publishes them."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """See `claims.KeySource`."""
        if kid == "being fetched":
            raise TokenError("not_ready", "later")
        keys = {
            "rsa": VerificationKey(RSA_KEY.public_key(), "RS256"),
            "ec": VerificationKey(EC_KEY.public_key(), "ES256"),
        }
        return keys.get(kid or "")


def _body(**claims: object) -> dict[str, Any]:
    body = {"sub": "anna", "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 60, **claims}
    return {name: value for name, value in body.items() if value is not None}


def _sign(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **claims: object) -> str:
    return jwt.encode(_body(**claims), key, algorithm=algorithm, headers={"kid": kid} if kid else None)


with_secret = TokenVerifier(secret=SECRET, audience="authenticated")
with_keys = TokenVerifier(secret=None, keys=Published(), audience="authenticated")
with_both = TokenVerifier(secret=SECRET, keys=Published(), audience="authenticated")


def test_a_good_token_says_who_and_until_when() -> None:
    """And keeps every claim for Postgres."""
    claims = with_secret.verify(_sign(exp=int(time.time()) + 60.5, org="acme"))
    assert (claims.user, claims.role, claims.raw["org"]) == ("anna", "authenticated", "acme")
    assert claims.expires_at > time.time()


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")])
def test_a_published_key_verifies_its_own_algorithm(key: Any, algorithm: str, kid: str) -> None:
    """With keys only, and with a secret beside them."""
    token = _sign(key, algorithm, kid)
    assert with_keys.verify(token).user == "anna"
    assert with_both.verify(token).user == "anna"


def _public_key_as_secret() -> str:
    """HS256 over the text of a public key, built by hand since no library would."""
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": "rsa"}, _body())
    ]
    signing = hmac.HMAC(pem, hashes.SHA256())
    signing.update(b".".join(parts))
    return b".".join([*parts, base64.urlsafe_b64encode(signing.finalize()).rstrip(b"=")]).decode()


def _unsigned(algorithm: str) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": algorithm}, _body())]
    return b".".join([*parts, b""]).decode()


@pytest.mark.parametrize("verifier", [with_secret, with_keys, with_both])
@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "é.é.é",
        "x" * 10_000,
        _unsigned("none"),
        _unsigned("None"),
        _unsigned("HS256"),
        _public_key_as_secret(),
        _sign("another secret that is long enough as well"),
        "sb_publishable_none_of_ours",
        "sb_secret_none_of_ours",
        "sb_",
        _sign(RSA_KEY, "RS256", "ec"),
        _sign(RSA_KEY, "RS256", "nobody's"),
        _sign(RSA_KEY, "RS512", "rsa"),
        _sign(EC_KEY, "ES256", "rsa"),
    ],
)
def test_what_was_not_signed_as_configured_is_invalid(verifier: TokenVerifier, token: str) -> None:
    """Whatever the token says of itself."""
    with pytest.raises(TokenError) as refused:
        verifier.verify(token)
    assert refused.value.code == "token_invalid"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"role": None},
        {"role": "postgres"},
        {"role": ["authenticated"]},
        {"role": "anon", "aud": "another"},
        {"role": "service_role", "aud": ["another"]},
        {"role": "service_role", "sub": 5},
        {"exp": None},
        {"exp": "soon"},
        # A day ahead: parameters are made when tests are collected, and a whole suite may run for minutes before this.
        {"nbf": int(time.time()) + 86_400},
    ],
)
def test_claims_that_are_missing_or_wrong_are_invalid(claims: dict[str, object]) -> None:
    """Signed well, and still not for us."""
    with pytest.raises(TokenError) as refused:
        with_secret.verify(_sign(**claims))
    assert refused.value.code == "token_invalid"


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_a_key_of_a_project_names_nobody_and_is_for_no_audience(role: str) -> None:
    """As Supabase makes them: `iss`, `ref`, `role`, `iat` and `exp`. They are nobody's, so the user is empty."""
    key = _sign(role=role, sub=None, aud=None, iss="supabase", ref="abcdefghijklmnop", iat=1)
    claims = with_secret.verify(key)
    assert (claims.user, claims.role, "sub" in claims.raw) == ("", role, False)


def test_a_publishable_key_opens_as_anon_without_end() -> None:
    """Of those that the operator has named; the others are refused by what they are, not as broken tokens."""
    verifier = TokenVerifier(secret=SECRET, audience="authenticated", publishable=("sb_publishable_a", KEY))
    claims = verifier.verify(KEY)
    assert (claims.user, claims.role, claims.expires_at, claims.raw) == ("", "anon", math.inf, {"role": "anon"})
    for other in (
        KEY[:-1],
        KEY + "x",
        "sb_publishable_",
        KEY.upper(),
        KEY.replace("b", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ):
        with pytest.raises(TokenError) as refused:
            verifier.verify(other)
        assert refused.value.code == "token_invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_secret_verifies_the_hashes_that_it_is_long_enough_for(algorithm: str) -> None:
    """One that is shorter than its hash can be guessed more easily than the hash promises."""
    assert with_secret.verify(_sign(SECRET, algorithm)).user == "anna"
    short = TokenVerifier(secret=SECRET[:47], audience="authenticated")
    with pytest.raises(TokenError, match="too short"):
        short.verify(_sign(SECRET, algorithm))


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "API key is missing"),
        ("not a token", "The token provided is not a valid JWT"),
        (_sign("another secret that is long enough as well"), "Failed to validate JWT signature"),
        (_sign(exp=None), "Fields `role` and `exp` are required in JWT"),
        (_sign(role=None), "Fields `role` and `exp` are required in JWT"),
        (_sign(exp=1), "Token has expired"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_that_people_search_for(token: str, sentence: str) -> None:
    """Those of Supabase, where it has some."""
    with pytest.raises(TokenError) as refused:
        with_secret.verify(token)
    assert str(refused.value) == sentence


def test_endless_numbers_are_no_time() -> None:
    """JSON as Python reads it knows Infinity."""
    with pytest.raises(TokenError):
        with_secret.verify(_sign(exp=float("inf")))


def test_an_expired_token_says_so() -> None:
    """Its owner should get a new one, not search for a mistake."""
    with pytest.raises(TokenError) as refused:
        with_secret.verify(_sign(exp=int(time.time()) - 1))
    assert refused.value.code == "token_expired"


def test_a_token_that_has_just_expired_is_good_where_clocks_may_differ() -> None:
    """For as long as the operator allows, and no longer."""
    patient = TokenVerifier(secret=SECRET, audience="authenticated", grace_seconds=60)
    assert patient.verify(_sign(exp=int(time.time()) - 20)).user
    assert patient.verify(_sign(nbf=int(time.time()) + 20)).user
    with pytest.raises(TokenError) as refused:
        patient.verify(_sign(exp=int(time.time()) - 80))
    assert refused.value.code == "token_expired"


def test_no_token_is_missing() -> None:
    """Which is another mistake than a wrong one."""
    with pytest.raises(TokenError) as refused:
        with_secret.verify("")
    assert refused.value.code == "token_missing"


def test_an_issuers_fast_clock_does_no_harm() -> None:
    """`iat` is not ours to judge."""
    assert with_secret.verify(_sign(iat=int(time.time()) + 30)).user == "anna"


def test_keys_that_are_being_fetched_are_worth_another_try() -> None:
    """A rotation must not turn good tokens away for good."""
    with pytest.raises(TokenError) as refused:
        with_keys.verify(_sign(RSA_KEY, "RS256", "being fetched"))
    assert refused.value.code == "not_ready"


def test_a_verifier_that_could_verify_nothing_is_refused() -> None:
    """At start, not at the first token."""
    with pytest.raises(ValueError, match="secret or keys"):
        TokenVerifier(secret=None, audience="authenticated")
