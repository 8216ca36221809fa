"""`make bench`: every measurement that the documents quote, one after the other.

make bench                     all of them
make bench ARGS="fanout"       one
"""

import subprocess
import sys
from pathlib import Path

ALL = ("doorbell", "fanout", "memory", "latency", "comeback", "resume", "revocation", "stalled", "channels")


def main() -> int:
    """Run the named measurements, or all; each is a script of its own, in a process of its own."""
    names = sys.argv[1:] or ALL
    unknown = set(names) - set(ALL)
    if unknown:
        print(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
        return 2
    for name in names:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).with_name(f"{name}.py"))], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
