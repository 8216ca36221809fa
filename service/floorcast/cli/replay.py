"""`floorcast replay`."""


def replay() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
