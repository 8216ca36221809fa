"""`python -m floorcast …` is `floorcast …`."""

from floorcast.cli import app

app()
