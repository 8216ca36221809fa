"""Who sent this, and that nobody changed it (pure): signatures as the Standard Webhooks specification, 1.0.0, has them.

What is signed is `<id>.<timestamp>.<body>`, so that neither a body can be given another id nor an old message be sent
again as a new one. A receiver with an `whsec_` secret checks HMAC-SHA256 (`v1`); one with a public key `whpk_` checks
Ed25519 (`v1a`) and could not sign anything itself. While a secret is being changed there are two signatures.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Scheme = Literal["v1", "v1a"]

_SECRET_BYTES = 32
"""The specification wants 24 to 64; Ed25519 has exactly 32."""

_SHARED = "whsec_"
_PRIVATE = "whsk_"
_PUBLIC = "whpk_"


def new_key(scheme: Scheme) -> str:
    """Make a key to sign with: `whsec_…` for v1, `whsk_…` for v1a."""
    prefix = _SHARED if scheme == "v1" else _PRIVATE
    return prefix + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def receivers_key(key: str) -> str:
    """Return what the receiver checks with: the same secret, or the public half of a private one."""
    if key.startswith(_SHARED):
        return key
    public = Ed25519PrivateKey.from_private_bytes(_raw(key)).public_key().public_bytes_raw()
    return _PUBLIC + base64.b64encode(public).decode()


def sign(keys: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each key, the newest first.

    Args:
        keys: as `new_key` makes them.
        message_id: without a full stop, since that is what divides the parts.
        timestamp: of this attempt, seconds since 1970.
        body: as it is sent, to the byte.
    """
    if "." in message_id:
        # Else `a.1` with a body `x` and `a` with a time `1` and a body that begins otherwise would be signed alike.
        raise AssertionError("a message's id has no full stop")
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join(_sign(key, signed) for key in keys)


def _sign(key: str, signed: bytes) -> str:
    if key.startswith(_SHARED):
        return "v1," + base64.b64encode(hmac.digest(_raw(key), signed, hashlib.sha256)).decode()
    return "v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(_raw(key)).sign(signed)).decode()


def _raw(key: str) -> bytes:
    return base64.b64decode(key.partition("_")[2], validate=True)
