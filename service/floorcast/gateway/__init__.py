"""Redis to sockets: follow the feed, check access, hand the same bytes to every subscriber."""
