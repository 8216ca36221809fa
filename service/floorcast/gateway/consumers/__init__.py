"""Durable consumers: what is decided about them without asking anybody."""
