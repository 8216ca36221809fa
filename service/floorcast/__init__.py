"""Floorcast: one commit, one position, every screen."""

__version__ = "0.1.0"
