"""`python -m floorcast …` is `floorcast …`."""

from floorcast.cli import main

main()
