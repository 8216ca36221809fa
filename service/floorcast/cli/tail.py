"""`floorcast tail`."""


def tail() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
