"""SQL's LIKE, in linear time whatever pattern somebody sends (pure).

A pattern of plain pieces between `%` is looked up piece by piece. One with `_` in it is a row of states, one bit each,
all of which a character moves on at once: so many steps as the text is long, and no step back.

Without regard to case means: of Latin, Greek and Cyrillic letters as the table here pairs them. The database is given
the same table, since its own idea of case differs with its locale and version.
"""

from collections.abc import Callable

_RUN = None
"""In a pattern taken apart: any characters, as many as there may be."""

_ONE = ""
"""In a pattern taken apart: any one character."""

_LETTERS = [chr(number) for number in (*range(0x41, 0x17F), *range(0x386, 0x3AC), *range(0x400, 0x482))]
_PAIRS = [(letter, letter.lower()) for letter in _LETTERS if len(letter.lower()) == 1 and letter.lower() != letter]

CAPITALS = "".join(capital for capital, _ in _PAIRS)
"""Letters that count as those at the same place of SMALL."""

SMALL = "".join(small for _, small in _PAIRS)

_FOLDING = str.maketrans(CAPITALS, SMALL)


def fold(text: str) -> str:
    """Return a text without its capitals."""
    return text.translate(_FOLDING)


def compile_like(pattern: str) -> Callable[[str], bool]:
    """Return what says of a text whether it is like a pattern.

    Raises:
        ValueError: the pattern ends with a backslash, which would have to stand before something.
    """
    symbols = _symbols(pattern)
    if _ONE in symbols:
        return _compile_states(symbols)
    pieces = [""]
    for symbol in symbols:
        if symbol is _RUN:
            pieces.append("")
        else:
            pieces[-1] += symbol
    return _compile_pieces(pieces)


def _symbols(pattern: str) -> list[str | None]:
    symbols: list[str | None] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise ValueError("a pattern cannot end with a backslash")
            symbols.append(escaped)
        elif character == "%":
            symbols.append(_RUN)
        else:
            symbols.append(_ONE if character == "_" else character)
    return symbols


def _compile_pieces(pieces: list[str]) -> Callable[[str], bool]:
    if len(pieces) == 1:
        (whole,) = pieces
        return lambda text: text == whole
    first, *middle, last = pieces

    def is_like(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return is_like


def _compile_states(symbols: list[str | None]) -> Callable[[str], bool]:
    # State n: n symbols are matched, runs not counted. A state before which a run stands is never left.
    staying, count = 0, 0
    reached_by: dict[str, int] = {}
    reached_by_any = 0
    for symbol in symbols:
        if symbol is _RUN:
            staying |= 1 << count
            continue
        count += 1
        if symbol == _ONE:
            reached_by_any |= 1 << count
        else:
            reached_by[symbol] = reached_by.get(symbol, 0) | 1 << count
    entered = {character: states | reached_by_any for character, states in reached_by.items()}
    accepted = 1 << count

    def is_like(text: str) -> bool:
        states = 1
        for character in text:
            states = (states << 1) & entered.get(character, reached_by_any) | states & staying
            if not states:
                return False
        return bool(states & accepted)

    return is_like
