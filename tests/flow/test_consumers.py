"""A consumer's changes are pulled over HTTP from real gateways: its ledger is exact, whoever is killed or rejects."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.builders import SECRET, a_token
from tests.fixtures.installation import NORTH, Installation, Ledger, items, move, move_one, until_told
from tests.fixtures.postgres import Connection, Database
from tests.fixtures.time import UNIT
from typer.testing import CliRunner

from floorcast.cli import app
from floorcast.cursor import Terms, digest, encode_cursor, encode_place
from floorcast.tick import Anchor

WISH = {"warehouses": [NORTH], "tables": ["inventory_items"]}


async def _pull(installation: Installation, gateway: int = 0, **asked: Any) -> dict[str, Any] | None:
    """Take what is due; None when there is nothing."""
    answer = await installation.ask("POST", "erp/pull", asked, gateway=gateway)
    assert answer.status_code in {200, 204}, answer.text
    return answer.json() if answer.status_code == 200 else None


async def _due(installation: Installation, **asked: Any) -> dict[str, Any]:
    """Ask until something is due."""
    async with asyncio.timeout(20 * UNIT):
        while True:
            batch = await _pull(installation, **asked)
            if batch is not None:
                return batch
            await asyncio.sleep(0.02)


async def _work(installation: Installation, ledger: Ledger, chance: random.Random, name: str) -> None:
    """Pull, book and acknowledge, at whichever gateway answers; sometimes die over a batch, before or after booking."""
    while True:
        gateway = chance.randrange(2)
        try:
            batch = await _pull(installation, gateway, worker=name, seconds=1, changes=chance.choice([1, 20]))
            if batch is None:
                await asyncio.sleep(0.02)
                continue
            fate = chance.random()
            if fate < 0.1:
                continue
            ledger.book(batch["changes"])
            if fate < 0.2:
                continue
            answer = await installation.ask("POST", "erp/ack", {"batch": batch["batch"]}, gateway=gateway)
            # Another worker may have taken over what was held for too long.
            assert answer.status_code in {200, 409}, answer.text
        except httpx.TransportError:
            # This gateway was killed; the batch comes again.
            await asyncio.sleep(0.02)


async def test_three_workers_that_die_and_a_killed_gateway_lose_nothing(
    installation: Installation, database: Database
) -> None:
    """Under writers: each movement is booked once, by its id, in the order of its row."""
    chance = random.Random(11)
    await installation.start(2)
    async with database.owner() as owner:
        before = await items(owner)
        answer = await installation.ask("PUT", "erp", {**WISH, "shares": 3})
        assert (answer.status_code, answer.json()["shares"]) == (200, 3), answer.text
        ledger = Ledger("")
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(_work(installation, ledger, random.Random(seed), f"worker {seed}"))
                for seed in range(3)
            ]
            moving = group.create_task(move(owner, sorted(before), chance, 60))
            async with asyncio.timeout(20 * UNIT):
                while len(ledger.seen) < 20:
                    ledger.news.clear()
                    await ledger.news.wait()
            installation.gateways[0].kill()
            await moving
            await until_told(ledger, owner, before)
            for worker in workers:
                worker.cancel()


async def test_a_rejected_change_is_parked_and_replayed_or_dropped(
    installation: Installation, database: Database
) -> None:
    """With those of its row behind it, while other rows go on."""
    await installation.start(1)
    async with database.owner() as owner:
        bad, good = sorted(await items(owner))[:2]
        await installation.ask("PUT", "erp", WISH)
        async with owner.transaction():
            for item in (bad, bad, good):
                await move_one(owner, item)
        batch = await _due(installation)
        changes = batch["changes"]
        assert [change["key"]["id"] for change in changes] == [bad, bad, good]
        rejected = [{"id": changes[0]["id"], "reason": "no such account"}]
        answer = await installation.ask("POST", "erp/ack", {"batch": batch["batch"], "rejected": rejected})
        assert answer.status_code == 200, answer.text
        again = await installation.ask("POST", "erp/ack", {"batch": batch["batch"]})
        assert (again.status_code, again.json()["code"]) == (409, "batch_gone")
        parked = (await installation.ask("GET", "erp/parked")).json()["parked"]
        assert [(each["change_id"], each["reason"]) for each in parked] == [
            (changes[0]["id"], "no such account"),
            (changes[1]["id"], None),
        ]
        assert parked[0]["new"]["version"] == changes[0]["new"]["version"]
        assert (await installation.ask("POST", "erp/parked/replay")).json() == {"changes": 2}
        batch = await _due(installation)
        assert [change["id"] for change in batch["changes"]] == [change["id"] for change in changes[:2]]
        await installation.ask(
            "POST", "erp/ack", {"batch": batch["batch"], "rejected": [{"id": batch["changes"][0]["id"]}]}
        )
        dropped = await installation.ask("DELETE", f"erp/parked/{parked[0]['id']}")
        assert dropped.status_code == 204
        assert (await installation.ask("DELETE", f"erp/parked/{parked[0]['id']}")).status_code == 404
        batch = await _due(installation)
        assert [change["id"] for change in batch["changes"]] == [changes[1]["id"]]


async def test_it_is_moved_listed_held_and_removed_by_whose_it_is(
    installation: Installation, database: Database
) -> None:
    """Moved back it is told the same under the same ids; a stranger is told nothing."""
    await installation.start(1)
    async with database.owner() as owner:
        item = min(await items(owner))
        made = (await installation.ask("PUT", "erp", {**WISH, "envelope": "debezium", "keep_seconds": 3600})).json()
        assert (made["keep_seconds"], made["envelope"], made["lag_ticks"]) == (3600, "debezium", 0)
        await move_one(owner, item)
        first = await _due(installation, worker="me")
        assert {"before", "after", "source", "op", "id"} <= first["changes"][0].keys()
        held = await installation.ask("POST", "erp/hold", {"batch": first["batch"], "seconds": 600})
        assert held.json()["until"] > made["created_at"]
        assert await _pull(installation) is None
        moved = await installation.ask("POST", "erp/move", {"tick": made["tick"]})
        assert moved.json() == {"tick": made["tick"]}
        again = await _due(installation)
        assert [each["id"] for each in again["changes"]] == [each["id"] for each in first["changes"]]
        late = await installation.ask("POST", "erp/ack", {"batch": first["batch"]})
        assert late.status_code == 409
        beyond = await installation.ask("POST", "erp/move", {"tick": 10**12})
        assert (beyond.status_code, beyond.json()["reason"]) == (410, "future")
        stranger = {"authorization": f"Bearer {a_token(sub=str(uuid4()))}"}
        for method, path in (
            ("GET", "erp"),
            ("POST", "erp/pull"),
            ("PUT", "erp"),
            ("DELETE", "erp"),
            ("GET", "erp/parked"),
        ):
            answer = await installation.ask(method, path, WISH if method == "PUT" else None, headers=stranger)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
        assert [each["name"] for each in (await installation.ask("GET", "")).json()["consumers"]] == ["erp"]
        assert (await installation.ask("DELETE", "erp")).status_code == 204
        assert (await installation.ask("GET", "erp")).status_code == 403


async def test_a_position_that_is_gone_is_told_and_nothing_is_skipped(
    installation: Installation, database: Database
) -> None:
    """Restored from elsewhere, say: it is refused with the reason until its owner moves it."""
    await installation.start(1)
    async with database.owner() as owner:
        await installation.ask("PUT", "erp", WISH)
        await _forget_seal(owner)
        answer = await installation.ask("POST", "erp/pull")
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
            410,
            "must_refetch",
            "incarnation",
        )
        assert (await installation.ask("POST", "erp/move")).status_code == 200
        assert await _pull(installation) is None


async def _forget_seal(owner: Connection) -> None:
    await owner.execute("update floorcast.consumer_share set seal = sha256('another history')")


@pytest.mark.usefixtures("installation")
async def test_it_is_listed_moved_and_removed_from_the_command_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a trusted server; to a cursor of this history only."""
    monkeypatch.setenv("DATABASE_URL", database.service_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("FLOORCAST_JWT_SECRET", SECRET)
    async with database.owner() as owner:
        await owner.execute("select floorcast.put_consumer('erp', array[%s])", [NORTH])
        cursor = await owner.execute("select tick, encode(seal, 'hex') from floorcast.tick order by tick desc limit 1")
        tick, seal = await cursor.fetchone() or (0, "")
    terms = Terms.of("any", digest(b"asked"), digest(b"view"), digest(b"schema")).encode()

    def place(of: str) -> str:
        return encode_cursor(terms, encode_place(tick, Anchor(tick, of)), tick) or ""

    assert await _command("move", "erp", "--tick", "0") == (0, "erp goes on behind tick 0.\n")
    code, listed = await _command("list")
    name, whose, stands, behind, *_ = listed.splitlines()[1].split()
    assert (code, name, whose, stands) == (0, "erp", "service_role", "0")
    assert int(behind) >= tick, "the relay may have closed another one meanwhile"
    assert await _command("move", "erp", "--cursor", place(seal)) == (0, f"erp goes on behind tick {tick}.\n")
    code, said = await _command("move", "erp", "--cursor", place("ab" * 32))
    assert (code, "incarnation" in said) == (1, True)
    code, said = await _command("move", "erp", "--cursor", "nonsense")
    assert (code, "not a cursor" in said) == (1, True)
    assert (await _command("move", "erp", "--tick", "0", "--at", "2026-01-01"))[0] != 0
    assert await _command("remove", "erp") == (0, "erp is removed.\n")
    assert await _command("list") == (0, "There are no consumers.\n")
    assert (await _command("remove", "erp"))[0] == 1


async def _command(*words: str) -> tuple[int, str]:
    """Run `floorcast consumers` on a loop of its own; returns its exit code and what it said."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["consumers", *words])
    return result.exit_code, result.output
