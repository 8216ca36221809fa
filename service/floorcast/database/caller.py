"""In whose name something is read from the database."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose rights a read has."""

    role: Literal["authenticated", "service_role", "anon"]
    # The verified token's claims as JSON, as auth.jwt() will return them.
    claims: str
