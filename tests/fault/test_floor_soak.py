"""`make soak`: every fault, again and again, while history is replayed. Not collected otherwise; it takes minutes.

FLOORCAST_SOAK_FILE names a file of work orders (a small one of our own by default), FLOORCAST_SOAK_ROUNDS how often.
"""

import os
from pathlib import Path

from tests.fixtures.floor import OpenHall
from tests.trial.campaign import FAULTS, replay_through_faults, replay_to_everybody

FILE = Path(os.environ.get("FLOORCAST_SOAK_FILE", Path(__file__).parent.parent / "flow" / "data" / "orders.csv"))
ROUNDS = int(os.environ.get("FLOORCAST_SOAK_ROUNDS", "5"))

if os.environ.get("FLOORCAST_SOAK"):

    async def test_every_fault_again_and_again(open_hall: OpenHall) -> None:
        """After each one, everything that anybody heard equals the trail."""
        account = await replay_through_faults(await open_hall(relays=2), FILE, ROUNDS)
        assert account.faults == []
        assert account.rejoins >= ROUNDS
        assert {name: len(wounds) for name, wounds in account.wounds.items()} == dict.fromkeys(FAULTS, ROUNDS)

    async def test_a_whole_history_reaches_everybody(open_hall: OpenHall) -> None:
        """Every role in every warehouse."""
        account = await replay_to_everybody(await open_hall(relays=2), FILE)
        assert account.faults == []
