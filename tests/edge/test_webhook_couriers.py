"""Couriers bring what a share has to a real receiver, whatever it answers; the shares are the test's own.

The lines are fakes at our own Protocol, since a lease that is lost between two messages cannot be provoked elsewhere.
What the real ones do is in flow/test_webhooks.py.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from random import Random

import pytest
from standardwebhooks.webhooks import Webhook
from tests.fixtures.gateway import NORTH, SOUTH, an_operation
from tests.fixtures.observed import Observed
from tests.fixtures.receiver import Received, Receiver, Reply, a_receiver
from tests.fixtures.time import UNIT

from floorcast.errors import DatabaseUnavailable
from floorcast.gateway.webhooks.address import Address, Reach
from floorcast.gateway.webhooks.courier import Batch, ShareLost
from floorcast.gateway.webhooks.couriers import Couriers, Hook
from floorcast.gateway.webhooks.delivery import Item
from floorcast.gateway.webhooks.schedule import Patience
from floorcast.gateway.webhooks.sender import Sender
from floorcast.gateway.webhooks.signature import new_key
from floorcast.observe import (
    WebhookDelivered,
    WebhookDisabled,
    WebhookFailed,
    WebhookPaused,
    WebhookRejected,
    WebhookResumed,
)

HERE = Reach(private=(ip_network("127.0.0.0/8"),), ports=((1, 65535),))
KEY = new_key("v1")
SWIFT = Patience(
    first_seconds=0.01 * UNIT,
    largest_seconds=0.02 * UNIT,
    failures=3,
    open_seconds=0.1 * UNIT,
    longest_open_seconds=0.2 * UNIT,
    hold_seconds=0.05 * UNIT,
)


def changes(*keys: str, first: int = 1) -> list[Item]:
    """Make changes of these rows, i:1-1 and so on."""
    return [
        Item(f"i:1-{number}", key, b'{"id":"i:1-%d","key":"%s"}' % (number, key.encode()))
        for number, key in enumerate(keys, first)
    ]


class Share:
    """What one share has: batches that stay until they are acknowledged, and a lease that the test may end."""

    def __init__(self, *batches: Sequence[Item]) -> None:
        """Have these, in order."""
        self.batches = list(batches)
        self.acked: list[Mapping[str, str]] = []
        self.pulls = self.wakes = 0
        self.lost = False
        # Everything was taken.
        self.news = asyncio.Event()
        # Woken for each pull.
        self.pulled = asyncio.Event()
        self._more = asyncio.Event()

    def wake(self) -> None:
        """Count it; whoever waits here is woken by the test."""
        self.wakes += 1

    def add(self, batch: Sequence[Item]) -> None:
        """Have more."""
        self.news.clear()
        self.batches.append(batch)
        self._more.set()

    async def wait_for(self, pulls: int) -> None:
        """Wait until it was asked for more so often."""
        while self.pulls < pulls:
            self.pulled.clear()
            await self.pulled.wait()

    async def pull(self) -> Batch | None:
        """Give the first that is not acknowledged."""
        self.pulls += 1
        self.pulled.set()
        self._check()
        if not self.batches:
            self.news.set()
            self._more.clear()
            await self._more.wait()
        return Batch("b", self.batches[0], "2026-03-01T12:00:00+00:00")

    async def more(self) -> Sequence[Item]:
        """Have no second page."""
        return []

    async def hold(self) -> None:
        """Say that it is ours, or not."""
        self._check()

    async def let_go(self) -> None:
        """Nobody else wants it."""

    async def ack(self, batch: Batch, rejected: Mapping[str, str]) -> None:
        """Be done with the first."""
        self._check()
        assert batch.items is self.batches[0]
        self.batches.pop(0)
        self.acked.append(dict(rejected))

    def _check(self) -> None:
        if self.lost:
            raise ShareLost


class Hooks:
    """A directory of one consumer."""

    def __init__(self, hook: Hook) -> None:
        """Have this one."""
        self.hook: Hook | None = hook
        self.notes: list[tuple[object, ...]] = []
        self.away = False
        self.noted = asyncio.Event()
        self._looks = 0
        self._looked = asyncio.Event()

    async def wait_for_looks(self, count: int) -> None:
        """Wait until it was asked so often from now on."""
        until = self._looks + count
        while self._looks < until:
            self._looked.clear()
            await self._looked.wait()

    async def hooks(self) -> Sequence[Hook]:
        """Return it, unless it was switched off."""
        self._looks += 1
        self._looked.set()
        if self.away:
            raise DatabaseUnavailable
        return [self.hook] if self.hook is not None else []

    async def failed(self, consumer: str, reason: str, failures: int, again_in_seconds: float) -> None:
        """Note it."""
        self.notes.append(("failed", consumer, reason, failures, again_in_seconds > 0))
        self.noted.set()

    async def recovered(self, consumer: str) -> None:
        """Note it."""
        self.notes.append(("recovered", consumer))

    async def disable(self, consumer: str, reason: str) -> None:
        """Switch it off."""
        self.notes.append(("disabled", consumer, reason))
        self.hook = None


async def _here(_host: str, _port: int) -> Sequence[Address]:
    return [ip_address("127.0.0.1")]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """One that speaks plain HTTP."""
    async with a_receiver() as receiver:
        yield receiver


def a_hook(receiver: Receiver, *, shares: int = 1, most_items: int = 10, **vary: object) -> Hook:
    """A webhook of the consumer erp."""
    url = str(vary.pop("url", f"http://erp.plant:{receiver.port}/in"))
    return Hook("erp", url, "native", (KEY,), most_items, tuple(range(shares)), **vary)  # type: ignore[arg-type]


@asynccontextmanager
async def bringing(hooks: Hooks, *shares: Share, reach: Reach = HERE) -> AsyncIterator[Couriers]:
    """Run a gateway's couriers."""
    sender = Sender(reach, seconds=0.3 * UNIT, connections=8, resolve=_here)
    couriers = Couriers(
        hooks,
        lambda _hook, share: shares[share],
        sender,
        reach=reach,
        most_bytes=100_000,
        random=Random(1),
        patience=SWIFT,
        look_seconds=0.02 * UNIT,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(couriers.run(stop))
    try:
        yield couriers
    finally:
        stop.set()
        async with asyncio.timeout(8 * UNIT):
            await task
        await sender.aclose()


def told(requests: Sequence[Received]) -> list[str]:
    """Name the changes that were in these messages, each of which is signed."""
    found = []
    for request in requests:
        said = Webhook(KEY).verify(request.body, request.headers)
        found += [change["id"] for change in said["data"]["changes"]]
    return found


async def test_batches_are_posted_in_order_and_acknowledged_when_they_were_taken(
    receiver: Receiver, observed: Observed
) -> None:
    """In messages of as many changes as the consumer wants."""
    share = Share(changes(*"abcde"), changes(*"ab", first=6))
    async with bringing(Hooks(a_hook(receiver, most_items=2)), share):
        await share.news.wait()
    assert [told([request]) for request in receiver.received] == [
        ["i:1-1", "i:1-2"],
        ["i:1-3", "i:1-4"],
        ["i:1-5"],
        ["i:1-6", "i:1-7"],
    ]
    assert share.acked == [{}, {}]
    assert [event.changes for event in observed.of(WebhookDelivered)] == [2, 2, 1, 2]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (Reply(500, b"oh no"), "answered 500: oh no"),
        (Reply(429), "answered 429"),
        (Reply(302, headers={"location": "http://127.0.0.1/"}), "redirects are not followed"),
        (Reply(None), ""),
        (Reply(after=asyncio.Event()), "no answer within"),
        (Reply(200, b"{", {"content-type": "application/json"}), "not the JSON"),
    ],
    ids=["500", "429", "redirect", "drops", "slow", "nonsense"],
)
async def test_what_was_not_taken_is_sent_again_the_same(
    receiver: Receiver, observed: Observed, bad: Reply, says: str
) -> None:
    """Under the same name, signed anew; nothing that comes after it is sent before."""
    answers = [bad, bad]
    receiver.answer = lambda _: answers.pop() if answers else Reply()
    share = Share(changes("a"), changes("b", first=2))
    hooks = Hooks(a_hook(receiver))
    async with bringing(hooks, share):
        await share.news.wait()
    assert told(receiver.received) == ["i:1-1"] * 3 + ["i:1-2"]
    assert len({request.headers["webhook-id"] for request in receiver.received[:3]}) == 1
    assert all(says in event.reason for event in observed.of(WebhookFailed))
    assert len(observed.of(WebhookFailed)) == 2
    # Whoever asks why nothing came is told, and that it is over.
    assert [note[0] for note in hooks.notes] == ["failed", "failed", "recovered"]


async def test_a_rejected_change_holds_up_its_own_row_only(receiver: Receiver, observed: Observed) -> None:
    """What follows it is not sent, and parked with it; all others are taken."""
    body = json.dumps({"rejected": [{"id": "i:1-1", "reason": "no such item"}]}).encode()
    receiver.answer = lambda request: (
        Reply(200, body, {"content-type": "application/json"}) if b'"i:1-1"' in request.body else Reply()
    )
    share = Share(changes(*"abab"))
    async with bringing(Hooks(a_hook(receiver, most_items=2)), share):
        await share.news.wait()
    assert [told([request]) for request in receiver.received] == [["i:1-1", "i:1-2"], ["i:1-4"]]
    assert share.acked == [{"i:1-1": "no such item"}]
    assert [event.change for event in observed.of(WebhookRejected)] == ["i:1-1"]


async def test_a_change_that_cannot_be_taken_is_found_by_itself(receiver: Receiver) -> None:
    """422 for the whole message: the receiver need not know our form of rejections."""
    receiver.answer = lambda request: Reply(422 if b'"i:1-5"' in request.body else 204)
    share = Share(changes(*"abcdefgh"))
    async with bringing(Hooks(a_hook(receiver)), share):
        await share.news.wait()
    assert share.acked == [{"i:1-5": "answered 422"}]


async def test_a_receiver_that_is_gone_is_left_alone(receiver: Receiver, observed: Observed) -> None:
    """410: no change is lost, since none is acknowledged, and nothing is sent any more."""
    receiver.answer = lambda _: Reply(410)
    share, hooks = Share(changes("a")), Hooks(a_hook(receiver))
    async with bringing(hooks, share):
        await observed.wait_for(WebhookDisabled)
    assert hooks.notes == [("disabled", "erp", "answered 410")]
    assert len(receiver.received) == 1
    assert share.acked == []


async def test_a_receiver_that_is_down_is_asked_by_one_share_only(receiver: Receiver, observed: Observed) -> None:
    """The circuit opens for all shares; when a trial is taken, all go on."""
    up = False
    receiver.answer = lambda _: Reply(204 if up else 503)
    shares = [Share(changes("a", first=number)) for number in (1, 2, 3, 4)]
    async with bringing(Hooks(a_hook(receiver, shares=4)), *shares):
        await observed.wait_for(WebhookPaused)
        before = len(receiver.received)
        await observed.wait_for(WebhookPaused)
        await observed.wait_for(WebhookPaused)
        # Those under way when it opened, and one for each time that it was tried since.
        assert len(receiver.received) <= before + 4 + 3
        up = True
        for share in shares:
            await share.news.wait()
    await observed.wait_for(WebhookResumed)
    assert [share.acked for share in shares] == [[{}]] * 4


async def test_retry_after_is_obeyed(receiver: Receiver, observed: Observed) -> None:
    """At once, and for all shares."""
    receiver.answer = lambda _: Reply(429, headers={"retry-after": "3600"})
    share, hooks = Share(changes("a")), Hooks(a_hook(receiver))
    async with bringing(hooks, share):
        paused = await observed.wait_for(WebhookPaused)
    assert paused.seconds == 3600
    assert len(receiver.received) == 1


async def test_a_wait_that_another_gateway_was_asked_for_is_kept(receiver: Receiver) -> None:
    """What is known of a receiver is not found out again by everybody."""
    share = Share(changes("a"))
    hooks = Hooks(a_hook(receiver, failures=4, wait_seconds=3600.0))
    async with bringing(hooks, share):
        await share.wait_for(1)
        await hooks.wait_for_looks(5)
    assert not receiver.received


async def test_a_share_that_is_lost_is_not_acknowledged(receiver: Receiver) -> None:
    """Whoever has it now begins with the same batch; nothing more of it is sent from here."""
    share = Share(changes(*"abc"))

    def answer(_: Received) -> Reply:
        share.lost = True
        return Reply()

    receiver.answer = answer
    async with bringing(Hooks(a_hook(receiver, most_items=1)), share):
        await receiver.wait_for(1)
        await share.wait_for(2)
        share.lost, receiver.answer = False, lambda _: Reply()
        await share.news.wait()
    assert told(receiver.received) == ["i:1-1", "i:1-1", "i:1-2", "i:1-3"]
    assert share.acked == [{}]


async def test_a_batch_that_is_under_way_is_finished_when_a_gateway_stops(receiver: Receiver) -> None:
    """So that a deployment sends nothing twice."""
    late = asyncio.Event()
    receiver.answer = lambda _: Reply(after=late)
    share = Share(changes("a"), changes("b", first=2))
    async with bringing(Hooks(a_hook(receiver)), share):
        await receiver.wait_for(1)
        asyncio.get_running_loop().call_later(0.05 * UNIT, late.set)
    assert share.acked == [{}]
    assert told(receiver.received) == ["i:1-1"]


async def test_a_webhook_that_is_changed_goes_on_as_it_is_now(receiver: Receiver) -> None:
    """With the new secret and, for a while, the old one, to the new URL."""
    other = new_key("v1")
    share, hooks = Share(changes("a")), Hooks(a_hook(receiver))
    async with bringing(hooks, share):
        await share.news.wait()
        hooks.hook = Hook("erp", f"http://erp.plant:{receiver.port}/new", "native", (other, KEY), 10, (0,))
        await share.wait_for(3)
        share.add(changes("b", first=2))
        await receiver.wait_for(2)
    assert receiver.received[-1].path == "/new"
    for key in (other, KEY):
        Webhook(key).verify(receiver.received[-1].body, receiver.received[-1].headers)


async def test_a_url_that_may_not_be_called_is_never_called(receiver: Receiver, observed: Observed) -> None:
    """Where the settings were changed behind it; why nothing comes can be asked."""
    share, hooks = Share(changes("a")), Hooks(a_hook(receiver, url=f"http://127.0.0.1:{receiver.port}/"))
    async with bringing(hooks, share, reach=Reach(ports=((1, 65535),))):
        failed = await observed.wait_for(WebhookFailed)
        await asyncio.wait_for(hooks.noted.wait(), 5 * UNIT)
    assert "https" in failed.reason
    assert hooks.notes[0][:3] == ("failed", "erp", failed.reason)
    assert not receiver.received


async def test_postgres_may_be_away(receiver: Receiver) -> None:
    """Nothing is begun then, and it goes on by itself."""
    share, hooks = Share(changes("a")), Hooks(a_hook(receiver))
    hooks.away = True
    async with bringing(hooks, share):
        await hooks.wait_for_looks(3)
        assert not share.pulls
        hooks.away = False
        await share.news.wait()
    assert share.acked == [{}]


async def test_a_tick_wakes_whom_it_concerns(receiver: Receiver) -> None:
    """By its warehouses; what belongs to no one of them may concern anybody, and so may what was before we followed."""
    share = Share()
    hook = a_hook(receiver, warehouses=frozenset({NORTH}))
    async with bringing(Hooks(hook), share) as couriers:
        await share.news.wait()
        couriers.notice([an_operation(warehouse=SOUTH)])
        couriers.notice_large([SOUTH])
        assert share.wakes == 0
        couriers.notice([an_operation(warehouse=SOUTH), an_operation(warehouse=NORTH)])
        couriers.notice_large([NORTH])
        couriers.notice([an_operation(warehouse="organization:quarry")])
        couriers.begin()
        assert share.wakes == 4
