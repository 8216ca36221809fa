r"""A filter's text, taken apart (pure): which column, which operator, which value, and how clauses are joined.

    filter  = item, item, …                               all of them
    item    = [not.] and(item, …) | [not.] or(item, …) | clause
    clause  = column=[not.]operator.value                 or with a dot for the equals sign
    value   = text up to the next comma | "text with \" and \\" | (value, …) for the operator `in`

It is the grammar of Supabase's filters, to the letter, with PostgREST's groups. So a bare value may hold commas between
parentheses or quotes, as in `name=eq.f(a,b)`, and a group's closing parenthesis where it opened one itself.
"""

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

MOST_CHARACTERS = 4096
MOST_CLAUSES = 64
MOST_VALUES = 100
"""Of one `in`."""
MOST_PATTERNS = 8
"""One alone takes a tenth of a second for a text of a megabyte, if it was made to."""
DEEPEST = 8
"""Groups within groups."""

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "match", "imatch", "is", "isdistinct")
PATTERNS = ("like", "ilike")

_GROUP = re.compile(r"(not\.)?(and|or)\(")
_COLUMN = re.compile(r'[^=.,()"]+')
_OPERATOR = re.compile(r'(not\.)?([^=.,()"]*)\.')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LISTED = re.compile(r'[^,()"]+')
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


class FilterError(ValueError):
    """A filter cannot be used: where in its text, and why."""

    def __init__(self, place: int, reason: str) -> None:
        """`place` counts characters from 0."""
        super().__init__(place, reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        """Return both as one line."""
        return f"at character {self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a filter, without its quotes, and where it begins."""

    text: str
    place: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """One column, compared."""

    column: Word
    negated: bool
    # One of OPERATORS.
    operator: Word
    # As many as there are for `in`, exactly one for any other operator.
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Items of which all, or any, are to be true."""

    joined: Literal["and", "or"]
    negated: bool
    # At least one, but for a filter that asks for nothing.
    items: "tuple[Clause | Group, ...]"


def parse(text: str) -> Group:
    """Take a filter apart; a blank one is a group without items.

    Raises:
        FilterError: it is not in the grammar, or beyond its limits.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterError(MOST_CHARACTERS, f"a filter has at most {MOST_CHARACTERS} characters")
    strange = _NOT_TEXT.search(text)
    if strange is not None:
        raise FilterError(strange.start(), "no text in the database can have this character")
    return Group("and", negated=False, items=_Parser(text).items(depth=0) if text.strip() else ())


def shown(word: str) -> str:
    """Return a piece of somebody's filter as a message may quote it."""
    return f"“{word if len(word) <= 40 else word[:39] + '…'}”"  # noqa: PLR2004 – so much of it can be recognized


class _Parser:
    """Reads from `at` on; every method leaves `at` behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.clauses = 0
        self.patterns = 0

    def items(self, depth: int) -> tuple[Clause | Group, ...]:
        """Read items up to the end of the text, or of the group that is `depth` groups deep."""
        found = [self.item(depth)]
        while self.peek() == ",":
            self.at += 1
            found.append(self.item(depth))
        if depth:
            if self.peek() != ")":
                self.refuse("a group that was opened is not closed")
            self.at += 1
            self.end_item(depth - 1)
        return tuple(found)

    def item(self, depth: int) -> Clause | Group:
        self.skip_space()
        group = _GROUP.match(self.text, self.at)
        if group is None:
            return self.clause(depth)
        if depth == DEEPEST:
            self.refuse(f"groups are nested at most {DEEPEST} deep")
        self.at = group.end()
        joined: Literal["and", "or"] = "and" if group[2] == "and" else "or"
        return Group(joined, group[1] is not None, self.items(depth + 1))

    def clause(self, depth: int) -> Clause:
        self.clauses += 1
        if self.clauses > MOST_CLAUSES:
            self.refuse(f"a filter has at most {MOST_CLAUSES} clauses")
        if self.peek() in {"", ",", ")"}:
            self.refuse("there is nothing where a clause should be (one comma too many?)")
        column = self.quoted() if self.peek() == '"' else self.match(_COLUMN, "a clause begins with a column")
        if self.peek() not in {"=", "."}:
            self.refuse("behind a column comes = and an operator, as in column=eq.value", column.place)
        self.at += 1
        start = self.at
        found = _OPERATOR.match(self.text, start)
        if found is None:
            self.refuse("an operator, a dot and a value are expected, as in column=eq.value")
        operator = Word(found[2], found.start(2))
        if operator.text not in OPERATORS:
            self.refuse(
                f"there is no operator {shown(operator.text)}; there are {', '.join(OPERATORS)}", found.start(2)
            )
        self.patterns += operator.text in PATTERNS
        if self.patterns > MOST_PATTERNS:
            self.refuse(f"a filter has at most {MOST_PATTERNS} patterns", operator.place)
        self.at = found.end()
        values = self.values() if operator.text == "in" else (self.value(depth),)
        self.end_item(depth)
        return Clause(column, found[1] is not None, operator, values)

    def value(self, depth: int) -> Word:
        if self.peek() == '"':
            return self.quoted()
        start, opened, before = self.at, 0, ""
        while (character := self.peek()) and (opened or character != ","):
            if character == '"' and before in {".", "(", ","}:
                self.quoted()
            else:
                if character == ")" and depth and not opened:
                    break
                opened = max(0, opened + (character == "(") - (character == ")"))
                self.at += 1
            before = character
        return Word(self.text[start : self.at].rstrip(), start)

    def values(self) -> tuple[Word, ...]:
        if self.peek() != "(":
            self.refuse("the values of in are wrapped in parentheses, as in column=in.(a,b)")
        self.at += 1
        self.skip_space()
        if self.peek() == ")":
            self.at += 1
            return ()
        found = [self.listed()]
        while self.peek() == ",":
            self.at += 1
            if len(found) == MOST_VALUES:
                self.refuse(f"in takes at most {MOST_VALUES} values")
            found.append(self.listed())
        if self.peek() != ")":
            self.refuse('the values of in end with a parenthesis; a value that has parentheses is written in "quotes"')
        self.at += 1
        return tuple(found)

    def listed(self) -> Word:
        self.skip_space()
        if self.peek() == '"':
            word = self.quoted()
            self.skip_space()
            return word
        word = self.match(_LISTED, 'a value is missing here; an empty one is written ""')
        return Word(word.text.rstrip(), word.place)

    def quoted(self) -> Word:
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            self.refuse("this quote is not closed")
        self.at = found.end()
        return Word(_ESCAPED.sub(r"\1", found[1]), found.start(), quoted=True)

    def match(self, pattern: re.Pattern[str], otherwise: str) -> Word:
        found = pattern.match(self.text, self.at)
        if found is None:
            self.refuse(otherwise)
        self.at = found.end()
        return Word(found[0], found.start())

    def end_item(self, depth: int) -> None:
        """Refuse what stands between an item and the comma or the end behind it."""
        self.skip_space()
        if self.peek() not in ({"", ",", ")"} if depth else {"", ","}):
            self.refuse("a comma is expected here, between this clause and the next")

    def skip_space(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def peek(self) -> str:
        """Return the next character, nothing at the end."""
        return self.text[self.at : self.at + 1]

    def refuse(self, reason: str, place: int | None = None) -> NoReturn:
        raise FilterError(self.at if place is None else place, reason)
