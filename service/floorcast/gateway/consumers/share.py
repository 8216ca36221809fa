"""Which share of a consumer a row is in (pure); the same as `triggers/8_consumers/share_of.sql`.

It must never change: two workers would have one row, and its order would be nobody's.
"""

import hashlib


def share_of(table: str, key: str, shares: int) -> int:
    """Return the share, from 0.

    Args:
        table: as in the trail.
        key: its JSON as it is in the trail, to the letter.
        shares: how many there are.
    """
    return int.from_bytes(hashlib.sha256(f"{table}\n{key}".encode()).digest()[:4]) % shares
