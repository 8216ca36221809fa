"""Posting to a real server: only to addresses that may be called, whatever a name says, and whatever it answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from httpcore import ConnectError
from tests.fixtures.certificates import authority
from tests.fixtures.receiver import Receiver, Reply, a_receiver
from tests.fixtures.time import UNIT

from floorcast.gateway.webhooks.address import Reach
from floorcast.gateway.webhooks.answer import ANSWER_BYTES
from floorcast.gateway.webhooks.connector import SystemResolver
from floorcast.gateway.webhooks.message import Post
from floorcast.gateway.webhooks.sender import NotAnswered, Sender
from floorcast.gateway.webhooks.target import Target

ANY_PORT = ((1, 65535),)
PUBLIC = Reach(ports=ANY_PORT)
HERE = Reach(private=(ip_network("127.0.0.0/8"),), ports=ANY_PORT)
POST = Post({"content-type": "application/json", "webhook-id": "msg_1"}, b'{"a":1}')


class Names:
    """A resolver that says what the test wants, and remembers who asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        """Give these answers, one after the other; the last one for ever."""
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, host: str, _port: int) -> Sequence[IPv4Address | IPv6Address]:
        """Answer."""
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(text) for text in answer]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """One that speaks plain HTTP."""
    async with a_receiver() as receiver:
        yield receiver


async def posted(reach: Reach, target: Target, **options: object) -> object:
    """Post once; returns the answer, or the sentence that says why there is none."""
    sender = Sender(reach, seconds=options.pop("seconds", 5 * UNIT), connections=4, **options)  # type: ignore[arg-type]
    try:
        return await sender.post(target, POST)
    except NotAnswered as error:
        return str(error)
    finally:
        await sender.aclose()


async def test_a_message_arrives_as_it_was_given(receiver: Receiver) -> None:
    """Headers, path and body, to the byte, and the answer comes back."""
    receiver.answer = lambda _: Reply(202, b'{"rejected":[]}', {"content-type": "application/json"})
    target = Target(False, "erp.plant", receiver.port, "/in?key=1")

    answer = await posted(HERE, target, resolve=Names(["127.0.0.1"]))

    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/in?key=1", b'{"a":1}')
    assert request.headers["host"] == f"erp.plant:{receiver.port}"
    assert request.headers["webhook-id"] == "msg_1"
    assert answer.status == 202  # type: ignore[attr-defined]
    assert answer.body == b'{"rejected":[]}'  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/json"  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"])
async def test_a_name_that_leads_inside_is_not_called(receiver: Receiver, address: str) -> None:
    """However innocent it looks, with TLS or without."""
    for secure in (True, False):
        target = Target(secure, "innocent.example", receiver.port, "/")
        said = await posted(PUBLIC, target, resolve=Names([address]))
        assert "innocent.example is not called" in str(said)
    assert not receiver.received


async def test_an_address_in_any_writing_is_judged_as_what_it_is(receiver: Receiver) -> None:
    """Resolvers read 127.1, 2130706433 and 0x7f.0.0.1 as this machine; so does `localhost`."""
    for name in ("127.1", "2130706433", "0x7f.0.0.1", "localhost"):
        said = await posted(PUBLIC, Target(False, name, receiver.port, "/"))
        assert "is not called" in str(said), name
    assert not receiver.received


async def _called(reach: Reach, target: Target, names: Names) -> list[str]:
    """Return which addresses would be called, one after the other; none answers, and none is called from a test."""
    called: list[str] = []

    class Wire:
        async def connect_tcp(self, host: str, *_: object) -> object:
            called.append(host)
            raise ConnectError("not from a test")

    sender = Sender(reach, seconds=UNIT, connections=1, resolve=names)
    sender._pools[target.secure]._network_backend._backend = Wire()  # type: ignore[attr-defined]
    with pytest.raises(NotAnswered, match="not from a test"):
        await sender.post(target, POST)
    await sender.aclose()
    return called


async def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    """Rebinding: public when it is judged, this machine when it is used. What was judged is what is called."""
    names = Names(["93.184.215.14"], ["127.0.0.1"])
    assert await _called(PUBLIC, Target(True, "rebinding.example", 443, "/"), names) == ["93.184.215.14"]
    assert names.asked == ["rebinding.example"]


async def test_of_several_addresses_a_private_one_is_passed_over() -> None:
    """Those that may be called are tried; the others are not."""
    names = Names(["10.0.0.1", "93.184.215.14", "169.254.169.254", "::1", "2606:2800:21f:cb07::1"])
    called = await _called(PUBLIC, Target(True, "many.example", 443, "/"), names)
    assert called == ["93.184.215.14", "2606:2800:21f:cb07::1"]


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    """A receiver with two machines, one of which is down."""
    target = Target(False, "erp.plant", receiver.port, "/")
    answer = await posted(HERE, target, resolve=Names(["127.9.9.9", "127.0.0.1"]))
    assert answer.status == 204  # type: ignore[attr-defined]


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    """Wherever they lead; the answer is what it is."""
    inside = f"http://127.0.0.1:{receiver.port}/inside"
    receiver.answer = lambda _: Reply(307, headers={"location": inside})
    answer = await posted(HERE, Target(False, "erp.plant", receiver.port, "/"), resolve=Names(["127.0.0.1"]))
    assert answer.status == 307  # type: ignore[attr-defined]
    assert len(receiver.received) == 1


async def test_certificates_are_held_to_the_name_though_an_address_is_called(tmp_path: Path) -> None:
    """The right one is believed; one for another name is not, nor one of an authority that nobody knows."""
    server, believes = authority(tmp_path, "erp.plant")
    async with a_receiver(server) as receiver:
        here = Names(["127.0.0.1"])
        good = await posted(HERE, Target(True, "erp.plant", receiver.port, "/"), resolve=here, context=believes)
        other = await posted(HERE, Target(True, "evil.plant", receiver.port, "/"), resolve=here, context=believes)
        stranger = await posted(
            HERE, Target(True, "erp.plant", receiver.port, "/"), resolve=here, context=ssl.create_default_context()
        )
        assert good.status == 204  # type: ignore[attr-defined]
        assert "not valid for 'evil.plant'" in str(other)
        assert "certificate verify failed" in str(stranger)
        assert len(receiver.received) == 1


async def test_a_receiver_that_does_not_answer_is_given_up(receiver: Receiver) -> None:
    """After the time that it may take, however it spends it."""
    never = asyncio.Event()
    receiver.answer = lambda _: Reply(after=never)
    target = Target(False, "erp.plant", receiver.port, "/")
    assert "no answer within" in str(await posted(HERE, target, resolve=Names(["127.0.0.1"]), seconds=0.2 * UNIT))


@pytest.mark.parametrize("reply", [Reply(None), Reply(200, b"{", broken=True)], ids=["nothing", "half"])
async def test_a_connection_that_ends_is_no_answer(receiver: Receiver, reply: Reply) -> None:
    """Before the answer, or within it: what it would have said nobody knows."""
    receiver.answer = lambda _: reply
    target = Target(False, "erp.plant", receiver.port, "/")
    assert isinstance(await posted(HERE, target, resolve=Names(["127.0.0.1"])), str)


async def test_nobody_there_is_no_answer() -> None:
    """A closed port, a name that does not exist."""
    async with a_receiver() as receiver:
        port = receiver.port
    assert isinstance(await posted(HERE, Target(False, "erp.plant", port, "/"), resolve=Names(["127.0.0.1"])), str)
    said = await posted(PUBLIC, Target(True, "no-such-name.invalid", 443, "/"))
    assert "cannot be resolved" in str(said)


async def test_of_an_answer_no_more_is_read_than_is_looked_at(receiver: Receiver) -> None:
    """And that it was cut is known; how it would have gone on, or ended, is not waited for."""
    receiver.answer = lambda _: Reply(200, b"x" * (ANSWER_BYTES * 4), broken=True)
    answer = await posted(HERE, Target(False, "erp.plant", receiver.port, "/"), resolve=Names(["127.0.0.1"]))
    assert answer.cut  # type: ignore[attr-defined]
    assert len(answer.body) == ANSWER_BYTES  # type: ignore[attr-defined]


async def test_a_connection_is_used_again(receiver: Receiver) -> None:
    """Its address was judged when it was opened."""
    names = Names(["127.0.0.1"])
    sender = Sender(HERE, seconds=5 * UNIT, connections=4, resolve=names)
    for _ in range(3):
        assert (await sender.post(Target(False, "erp.plant", receiver.port, "/"), POST)).status == 204
    await sender.aclose()
    assert len(names.asked) == 1


async def test_names_are_looked_up_as_the_system_does() -> None:
    """With the hosts file; each address once."""
    resolver = SystemResolver()
    found = await resolver("localhost", 443)
    resolver.close()
    assert found
    assert set(found) <= {ip_address("127.0.0.1"), ip_address("::1")}
    assert len(found) == len(set(found))
