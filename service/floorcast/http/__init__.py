"""The HTTP side of the one port: the page, pictures, health, metrics."""
