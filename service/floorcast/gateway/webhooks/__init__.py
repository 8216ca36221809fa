"""Consumers that have a URL: their changes are posted there, signed, in order, and again until they are taken."""
