"""Redis: the feed that gateways follow, one log per warehouse, and their keys."""
