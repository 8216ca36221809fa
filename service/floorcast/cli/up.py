"""`floorcast up`."""


def up() -> None:
    """Not there yet."""
    raise SystemExit("not there yet")
