"""Postgres to Redis: one leader closes ticks and publishes them."""
