"""`floorcast simulate`."""


def simulate() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
