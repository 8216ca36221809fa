"""A consumer's changes are posted to a real receiver: its ledger is exact, whatever it answers, whoever is killed."""

import asyncio
import json
import random
from collections import Counter

import httpx
from standardwebhooks.webhooks import Webhook
from tests.builders import a_token
from tests.fixtures.installation import NORTH, Installation, items, move, move_one, until_told
from tests.fixtures.postgres import Database
from tests.fixtures.receiver import Received, Reply
from tests.fixtures.time import UNIT

from floorcast.factory import plant


async def test_a_receiver_that_fails_in_every_way_and_a_killed_gateway_lose_nothing(
    installation: Installation, database: Database
) -> None:
    """Under writers: each movement arrives, in the order of its row, at least once and under its own name."""
    chance = random.Random(7)
    receiver = installation.receiver
    never, caught = asyncio.Event(), asyncio.Event()
    bad = [
        Reply(500),
        Reply(429, headers={"retry-after": "0"}),
        Reply(None),
        Reply(after=never),
        Reply(302),
        Reply(503),
    ]
    async with database.owner() as owner:
        await installation.start(2)
        before = await items(owner)
        ledger = await installation.hook("erp", owner, shares=2)

        def answer(request: Received) -> Reply:
            # The sixth stays without an answer, and its gateway is killed over it.
            if len(receiver.received) >= 6 and not caught.is_set():
                caught.set()
                ledger.take(request)
                return Reply(after=never)
            if chance.random() < 0.15:
                # Some are booked, and the answer is lost all the same.
                if chance.random() < 0.5:
                    ledger.take(request)
                return chance.choice(bad)
            ledger.take(request)
            return Reply()

        receiver.answer = answer
        async with asyncio.TaskGroup() as group, asyncio.timeout(20 * UNIT):
            writing = group.create_task(move(owner, list(before), chance, 120))
            await caught.wait()
            async with database.owner() as looking:
                text = (
                    "select worker from floorcast.consumer_share where lease is not null order by leased_until limit 1"
                )
                (worker,) = await (await looking.execute(text)).fetchone() or ("",)
            victims = [each for each in installation.gateways if worker.endswith(f":{each.pid}")]
            assert len(victims) == 1
            victims[0].kill()
            await writing
        receiver.answer = ledger.answer
        await until_told(ledger, owner, before)
        never.set()
    # What was under way when it was killed came once more, from the other one.
    assert max(ledger.seen.values()) > 1


async def test_a_rejected_change_holds_up_its_own_row_until_it_is_taken(
    installation: Installation, database: Database
) -> None:
    """All others go on; then it comes again, and what followed it behind it."""
    receiver = installation.receiver
    async with database.owner() as owner:
        await installation.start(1)
        before = await items(owner)
        ledger = await installation.hook("erp", owner)
        bad, *good = sorted(before)
        refusals = 0

        def answer(request: Received) -> Reply:
            nonlocal refusals
            changes = json.loads(request.body)["data"]["changes"]
            refused = [change["id"] for change in changes if change["key"]["id"] == bad][:1] if refusals < 1 else []
            if refused:
                refusals += 1
                said = {"rejected": [{"id": refused[0], "reason": "no such item"}]}
                taken = [change for change in changes if change["key"]["id"] != bad]
                ledger.book(taken)
                return Reply(200, json.dumps(said).encode(), {"content-type": "application/json"})
            ledger.take(request)
            return Reply()

        receiver.answer = answer
        chance = random.Random(3)
        await move_one(owner, bad)
        await move(owner, good, chance, 10)
        await move_one(owner, bad)
        await until_told(ledger, owner, before)
        assert refusals == 1
        # Behind the answer that took them it is noted that nothing is parked any more.
        text = "select count(*) from floorcast.parked where state <> 'settled'"
        async with asyncio.timeout(10 * UNIT):
            while await (await owner.execute(text)).fetchone() != (0,):
                pass


async def test_secrets_are_shown_once_and_changed_while_both_are_good(
    installation: Installation, database: Database
) -> None:
    """Nobody is given a secret a second time; a ping shows that the receiver has it, and 410 that it wants no more."""
    receiver = installation.receiver
    async with database.owner() as owner:
        await installation.start(1)
        before = await items(owner)
        ledger = await installation.hook("erp", owner)
        # What no name can be is refused as such: Postgres is not away.
        assert (await installation.ask("GET", "%00/webhook")).status_code == 400
        url = f"http://127.0.0.1:{receiver.port}/erp"
        again = await installation.ask("PUT", "erp/webhook", {"url": url})
        assert "key" not in again.json()
        assert ledger.key not in (await installation.ask("GET", "erp/webhook")).text

        rotated = (await installation.ask("POST", "erp/rotate")).json()
        assert rotated["key"].startswith("whsec_")
        assert rotated["key"] != ledger.key
        assert rotated["earlier_key_until"] is not None

        tried = (await installation.ask("POST", "erp/test")).json()
        assert tried == {"taken": True, "status": 204, "reason": None}
        (ping,) = receiver.received
        for key in (ledger.key, rotated["key"]):
            assert Webhook(key).verify(ping.body, ping.headers)["type"] == "floorcast.ping"

        receiver.answer = lambda _: Reply(410)
        await move_one(owner, min(before))
        await receiver.wait_for(2)
        async with asyncio.timeout(10 * UNIT):
            while (state := (await installation.ask("GET", "erp/webhook")).json())["state"] != "off":
                pass
        assert state["disabled_because"] == "answered 410"
        # Whoever puts it anew has it go on where it was: nothing was acknowledged.
        receiver.answer = ledger.answer
        ledger.key = rotated["key"]
        await installation.ask("PUT", "erp/webhook", {"url": url})
        await until_told(ledger, owner, before)


async def test_a_webhook_is_its_owners_and_goes_nowhere_private(installation: Installation, database: Database) -> None:
    """Another person sees none of it; a URL that leads inside is refused, or never called where a name hides it."""
    receiver = installation.receiver
    stranger = {"authorization": f"Bearer {a_token(sub=str(plant.MANAGER.id))}"}
    async with database.owner() as owner:
        await installation.start(1, private="127.0.0.2")
        # Where a name leads is seen when it is called.
        await installation.hook("erp", owner, host="localhost")
        base = f"http://127.0.0.1:{installation.ports[0]}/v1/consumers"
        async with httpx.AsyncClient(headers=stranger) as client:
            for method, path in (("GET", "webhook"), ("DELETE", "webhook"), ("POST", "rotate"), ("POST", "test")):
                answer = await client.request(method, f"{base}/erp/{path}")
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
            answer = await client.put(f"{base}/erp/webhook", json={"url": "https://evil.example/"})
            assert answer.status_code == 403

        for url in ("http://169.254.169.254/", "http://10.0.0.1/", "https://127.0.0.1/", "ftp://erp.example/"):
            refused = await installation.ask("PUT", "erp/webhook", {"url": url})
            assert (refused.status_code, refused.json()["code"]) == (400, "bad_request"), url
        tried = (await installation.ask("POST", "erp/test")).json()
        assert tried["taken"] is False
        assert "127.0.0.1 is not a public address" in tried["reason"]
        await move_one(owner, min(await items(owner)))
        async with asyncio.timeout(10 * UNIT):
            while (state := (await installation.ask("GET", "erp/webhook")).json())["state"] != "failing":
                pass
        assert "127.0.0.1 is not a public address" in state["failure"]
        assert receiver.received == []


async def test_a_receiver_that_takes_longer_than_a_lease_is_sent_a_message_once(
    installation: Installation, database: Database
) -> None:
    """The gateway that waits for it keeps the lease; the other one leaves the share alone."""
    receiver = installation.receiver
    late = asyncio.Event()
    receiver.answer = lambda _: Reply(after=late)
    async with database.owner() as owner:
        # Longer than two leases.
        await installation.start(2, FLOORCAST_WEBHOOK_SECONDS=str(20 * UNIT))
        item = min(await items(owner))
        await installation.hook("erp", owner)
        await move_one(owner, item)
        await receiver.wait_for(1)
        text = "select lease from floorcast.consumer_share"
        lease = await (await owner.execute(text)).fetchone()
        # Behind the end of that lease both gateways hear of something to do.
        await owner.execute("select pg_sleep(1.2)")
        await move_one(owner, item)
        await owner.execute("select pg_sleep(1)")
        assert await (await owner.execute(text)).fetchone() == lease
        late.set()
        async with asyncio.timeout(10 * UNIT):
            while await (await owner.execute(text)).fetchone() != (None,):
                pass
    assert max(Counter(each.headers["webhook-id"] for each in receiver.received).values()) == 1


async def test_what_is_posted_is_what_its_owner_may_see(installation: Installation, database: Database) -> None:
    """Costs are hidden from who is no manager; who loses his access is posted nothing, and gets it when it is back."""
    receiver = installation.receiver
    clerk = next(person for person in plant.PEOPLE if person.roles.get(plant.NORTH.id) == "technician")
    async with database.owner() as owner:
        await installation.start(1)
        item = min(await items(owner))
        async with database.person(clerk.id) as own:
            await own.execute("select floorcast.put_consumer('mine', array[%s], array['inventory_items'])", [NORTH])
        token = {"authorization": f"Bearer {a_token(sub=str(clerk.id))}"}
        url = f"http://127.0.0.1:{receiver.port}/mine"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{installation.ports[0]}", headers=token) as client:
            put = await client.put("/v1/consumers/mine/webhook", json={"url": url})
            assert put.status_code == 200, put.text
            await move_one(owner, item)
            request, *_ = await receiver.wait_for(1)
            (change,) = json.loads(request.body)["data"]["changes"]
            assert (change["new"]["id"], change["new"]["unit_cost"]) == (item, None)

            access = "user_warehouse_access where user_id = %s and warehouse_id = %s"
            await owner.execute(f"create temporary table kept as select * from public.{access}", [clerk.id, NORTH])
            await owner.execute(f"delete from public.{access}", [clerk.id, NORTH])
            await move_one(owner, item)
            async with asyncio.timeout(10 * UNIT):
                while (state := (await client.get("/v1/consumers/mine/webhook")).json())["state"] != "failing":
                    pass
            assert "no access" in state["failure"]
            # The first may have come twice, on a busy machine.
            assert {each.headers["webhook-id"] for each in receiver.received} == {request.headers["webhook-id"]}
            await owner.execute("insert into public.user_warehouse_access select * from kept")
            # Put anew it does not wait.
            await client.put("/v1/consumers/mine/webhook", json={"url": url})
            while receiver.received[-1].headers["webhook-id"] == request.headers["webhook-id"]:
                await receiver.wait_for(len(receiver.received) + 1)


async def test_a_large_transaction_is_posted_in_messages_like_any_other(
    installation: Installation, database: Database
) -> None:
    """More rows than are read at a time, each once, in order, and before anybody looks by himself."""
    receiver = installation.receiver
    async with database.owner() as owner:
        await installation.start(1)
        ledger = await installation.hook("erp", owner)
        await installation.ask("PUT", "erp/webhook", {"url": f"http://127.0.0.1:{receiver.port}/erp", "changes": 500})
        order: list[str] = []

        def answer(request: Received) -> Reply:
            ledger.take(request)
            order.extend(change["key"]["id"] for change in json.loads(request.body)["data"]["changes"])
            return Reply()

        receiver.answer = answer
        await owner.execute(
            """insert into public.inventory_items (warehouse_id, part_number, name, category, unit)
            select %s, 'P-' || n, 'Part ' || n, 'spare', 'piece' from generate_series(1, 2100) as n""",
            [NORTH],
        )
        async with asyncio.timeout(7 * UNIT):
            while len(ledger.quantities) < 2_100:
                ledger.news.clear()
                await ledger.news.wait()
            text = "select count(*) from floorcast.consumer_share where lease is not null"
            while await (await owner.execute(text)).fetchone() != (0,):
                pass
        numbers = await owner.execute(
            "select id::text, substr(part_number, 3)::int from public.inventory_items where name like 'Part %'"
        )
        number = dict(await numbers.fetchall())
    placed = [number[item] for item in dict.fromkeys(order)]
    assert placed == sorted(placed)
