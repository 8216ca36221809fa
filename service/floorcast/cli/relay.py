"""`floorcast relay`."""


def relay() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
