"""`floorcast doctor`."""


def doctor() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
