"""Gateways as processes of their own: killed, and stopped for a while; who was present there goes and comes back."""

import pytest
from tests.fixtures.floor import OpenHall
from tests.fixtures.gateway import Phone
from tests.fixtures.present import Watching
from tests.fixtures.time import UNIT
from websockets.asyncio.client import connect

from floorcast.factory import plant

TOPIC = f"warehouse:{plant.SOUTH.id}"


async def test_people_go_with_their_gateway_and_come_back_with_it(
    open_hall: OpenHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped one comes back to life and finds itself given up; a killed one never does."""
    monkeypatch.setenv("FLOORCAST_PRESENCE_LEASE_SECONDS", str(2 * UNIT))
    floor = (await open_hall(relays=1, gateways=2)).floor
    manager, screen = floor.demo_reader("Manager One"), floor.demo_reader("Wall Screen South")

    def address(gateway: int, token: str) -> str:
        return f"ws://127.0.0.1:{floor.ports[gateway]}/realtime/v1/websocket?vsn=2.0.0&apikey={token}"

    async with connect(address(0, manager.token)) as here, connect(address(1, screen.token)) as there:
        watching = Watching(Phone(here), TOPIC)
        for phone in (watching.phone, Phone(there)):
            answer = await phone.join(str(plant.SOUTH.id), presence={"meta": {}})
            assert answer["response"]["presence"] == {"tracked": True}
        both: dict[str, list[object]] = {str(manager.id): [{}], str(screen.id): [{}]}
        await watching.until(both)
        floor.gateways[1].freeze()
        await watching.until({str(manager.id): [{}]}, within=20 * UNIT)
        floor.gateways[1].thaw()
        await watching.until(both, within=20 * UNIT)
        floor.gateways[1].kill()
        await watching.until({str(manager.id): [{}]}, within=20 * UNIT)
