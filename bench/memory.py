"""What an idle joined socket weighs: resident memory of a gateway process per socket.

python bench/memory.py [--sockets 10000]
"""

import argparse
import resource
from pathlib import Path

from sockets import join
from stack import free_port, stack, wait_until_ready

_WARM = 200
"""Sockets before the first look: what a process allocates once is not what a socket weighs."""

_ALL_ARE_ONE_USER = {
    f"FLOORCAST_{whose}{what}_PER_SECOND": "100000" for whose in ("", "USER_") for what in ("CONNECTS", "JOINS")
}
"""And come as fast as they can, which is not what is measured here."""


def main() -> None:
    """Open the sockets and look at the process before and after."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=10_000)
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = free_port()
    with (
        stack() as it,
        it.process("-m", "floorcast", "relay"),
        it.process("-m", "floorcast", "gateway", PORT=str(port), **_ALL_ARE_ONE_USER) as gateway,
    ):
        wait_until_ready(port)
        warm = [join(port, it.token, it.warehouse) for _ in range(_WARM)]
        before = _resident(gateway.pid)
        clients = [join(port, it.token, it.warehouse) for _ in range(arguments.sockets)]
        after = _resident(gateway.pid)
        print(
            f"{len(clients)} idle joined sockets: {(after - before) / len(clients) / 1024:.2f} KB resident each; "
            f"the process with {len(warm)} sockets {before / 1_048_576:.0f} MB, with all {after / 1_048_576:.0f} MB"
        )


def _resident(pid: int) -> int:
    """Return the resident set in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no VmRSS: this needs Linux")


if __name__ == "__main__":
    main()
