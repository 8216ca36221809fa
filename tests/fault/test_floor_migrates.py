"""Under load, triggers/ is applied again and again while relays and gateways run: what a deployment does."""

from pathlib import Path
from shutil import copytree

from tests.fixtures.floor import OpenHall
from tests.trial.floor import Floor

from floorcast.database.migrate import Migrator
from floorcast.database.sources import Sources, find_sources
from floorcast.errors import MigrationFailed
from floorcast.factory import plant

NORTH, SOUTH, CENTRAL = (str(site.id) for site in plant.WAREHOUSES)
ROUNDS = 5
TRIES = 20


async def test_triggers_applied_again_cost_nobody_a_change(open_hall: OpenHall, tmp_path: Path) -> None:
    """Every function, trigger and policy is replaced under those who use it; no process ends, nobody is cut."""
    hall = await open_hall(relays=2, gateways=2)
    manager, screen = hall.floor.demo_reader("Manager One"), hall.floor.demo_reader("Wall Screen South")
    for gateway in range(2):
        await hall.seat(manager, NORTH, SOUTH, CENTRAL, gateway=gateway)
        await hall.seat(screen, SOUTH, gateway=gateway)
        await hall.show(manager, NORTH, [gateway])
    running = {process.name: process.pid for process in (*hall.floor.relays, *hall.floor.gateways)}
    sources = Sources(find_sources().schema, tmp_path / "triggers")
    copytree(find_sources().triggers, sources.triggers)

    def apply_again(floor: Floor) -> None:
        for number in range(ROUNDS):
            for path in sources.triggers.rglob("*.sql"):
                path.write_text(f"{path.read_text()}-- round {number}\n")
            assert up_when_possible(floor, sources) == len(list(sources.triggers.rglob("*.sql")))

    hall.keep_busy(40)
    await hall.suffer(apply_again)
    await hall.rest()
    await hall.settle()
    _, found = await hall.audit()
    assert found == []
    assert not any(witness.cut for witness in hall.witnesses)
    assert not any(screen.losses for screen in hall.screens)
    processes = (*hall.floor.relays, *hall.floor.gateways)
    assert {process.name: process.pid for process in processes} == running
    assert [process.exit_code for process in processes] == [None] * 4
    assert not any("leadership lost" in relay.events() for relay in hall.floor.relays)


def up_when_possible(floor: Floor, sources: Sources) -> int:
    """Run `up` until it gets its locks, as it tells people to do; return how many files it applied."""
    for _ in range(TRIES):
        try:
            return len(Migrator(floor.owner_url, sources).up().behaviour)
        except MigrationFailed as error:
            if "did not get a lock in time" not in str(error):
                raise
    raise AssertionError(f"no lock in {TRIES} tries")
