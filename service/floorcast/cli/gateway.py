"""`floorcast gateway`."""


def gateway() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
