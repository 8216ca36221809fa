"""The answer that says no (pure)."""


class Refusal(Exception):  # noqa: N818 — an answer, not a fault
    """What a client asked for is not done: a key of `codes.CODES`, and what exactly was wrong."""

    def __init__(self, code: str, detail: str = "", again_in: float | None = None) -> None:
        """Keep it for the answer; `again_in`: when to try again, in seconds."""
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.again_in = again_in
