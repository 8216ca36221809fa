"""`floorcast token`."""


def token() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
