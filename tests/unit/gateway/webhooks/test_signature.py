"""What is signed is checked by the specification's own library and its published examples."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from floorcast.gateway.webhooks.signature import new_key, receivers_key, sign

ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=",
            "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
        ),
    ],
)
def test_the_published_examples_come_out(key: str, expected: str) -> None:
    """The expected signatures are those that the specification's libraries test with."""
    assert sign([key], ID, 1614265330, BODY) == expected


def test_a_receiver_with_the_specifications_library_believes_us() -> None:
    """And nobody who changed anything."""
    key = new_key("v1")
    now = int(datetime.now(UTC).timestamp())
    headers = {"webhook-id": ID, "webhook-timestamp": str(now), "webhook-signature": sign([key], ID, now, BODY)}
    receiver = Webhook(receivers_key(key))

    assert receiver.verify(BODY, headers) == {"test": 2432232314}
    for forged in (
        headers | {"webhook-id": "msg_other"},
        headers | {"webhook-timestamp": str(now - 1)},
        headers | {"webhook-signature": sign([new_key("v1")], ID, now, BODY)},
    ):
        with pytest.raises(WebhookVerificationError):
            receiver.verify(BODY, forged)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(BODY + b" ", headers)


def test_while_a_secret_is_changed_both_receivers_believe_us() -> None:
    """The one who has the new secret already, and the one who has only the old one."""
    old, new = new_key("v1"), new_key("v1")
    now = int(datetime.now(UTC).timestamp())
    signature = sign([new, old], ID, now, BODY)
    headers = {"webhook-id": ID, "webhook-timestamp": str(now), "webhook-signature": signature}

    assert signature.count("v1,") == 2
    for key in (old, new):
        Webhook(key).verify(BODY, headers)


def test_who_has_the_public_key_can_check_and_not_sign() -> None:
    """Ed25519: what the receiver is given is the public half."""
    key = new_key("v1a")
    public = receivers_key(key)
    version, _, signature = sign([key], ID, 1614265330, BODY).partition(",")
    checks = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))

    assert version == "v1a"
    assert public.startswith("whpk_")
    checks.verify(base64.b64decode(signature), b"%s.1614265330.%s" % (ID.encode(), BODY))
    with pytest.raises(InvalidSignature):
        checks.verify(base64.b64decode(signature), b"%s.1614265331.%s" % (ID.encode(), BODY))


@pytest.mark.parametrize(("scheme", "prefix"), [("v1", "whsec_"), ("v1a", "whsk_")])
def test_keys_are_as_long_as_the_specification_wants_them(scheme: str, prefix: str) -> None:
    """24 to 64 bytes of chance, no two alike."""
    keys = {new_key(scheme) for _ in range(8)}  # type: ignore[arg-type]
    assert len(keys) == 8
    assert all(key.startswith(prefix) and len(base64.b64decode(key.partition("_")[2])) == 32 for key in keys)


def test_an_id_that_could_be_read_as_more_is_not_signed() -> None:
    """The parts are divided by full stops, so an id has none."""
    with pytest.raises(AssertionError):
        sign([new_key("v1")], "msg.1", 1, BODY)
