"""A filter's condition as SQL: what it says of a row is what `filter/matcher.py` says of the row's JSON.

Values are bound, never written into the text. Text is compared by code point, whatever the column's collation, and
types are those that the filter was checked against, so a session's settings change nothing.
"""

from typing import Any

from psycopg import sql

from floorcast.filter.condition import And, Compare, Condition, Distinct, Is, Like, OneOf, Or
from floorcast.filter.kinds import KINDS
from floorcast.filter.pattern import CAPITALS, SMALL

_OPERATORS = {"lt": sql.SQL("<"), "lte": sql.SQL("<="), "gt": sql.SQL(">"), "gte": sql.SQL(">=")}
_JSON = ("json", "jsonb")


def condition_sql(condition: Condition, parameters: dict[str, Any], table: str | None = None) -> sql.Composed:
    """Return a boolean expression over the columns of a table, which may go by an alias.

    What it binds is put into `parameters` under names that are not there yet, to be executed with: so conditions on
    several tables can be parts of one statement.
    """
    return _Rendering(parameters, table).render(condition)


class _Rendering:
    def __init__(self, parameters: dict[str, Any], table: str | None) -> None:
        self.parameters = parameters
        self.table = table

    def render(self, condition: Condition) -> sql.Composed:
        match condition:
            case And(parts=parts):
                return sql.SQL("({})").format(sql.SQL(" and ").join(map(self.render, parts)))
            case Or(parts=parts):
                return sql.SQL("({})").format(sql.SQL(" or ").join(map(self.render, parts)))
            case Compare(operator=operator, type=type_, value=value):
                bound = self.bind(KINDS[type_].write(value), KINDS[type_].sql)
                return sql.SQL("{} {} {}").format(self.compared(condition), _OPERATORS[operator], bound)
        positive = self.positive(condition)
        return sql.SQL("(not {})").format(positive) if condition.negated else positive

    def positive(self, condition: OneOf | Like | Is | Distinct) -> sql.Composed:
        match condition:
            case OneOf(type=type_, values=values):
                written = [KINDS[type_].write(value) for value in values]
                bound = self.bind(written, KINDS[type_].sql + "[]")
                return sql.SQL("({} = any({}))").format(self.compared(condition), bound)
            case Distinct(type=type_, value=value):
                bound = self.bind(KINDS[type_].write(value), KINDS[type_].sql)
                return sql.SQL("({} is distinct from {})").format(self.compared(condition), bound)
            case Like(pattern=pattern, folded=folded):
                text = self.folded(condition) if folded else self.text(condition)
                return sql.SQL("({} like {})").format(text, self.bind(pattern, "text"))
            case Is():
                return self.is_(condition)

    def is_(self, condition: Is) -> sql.Composed:
        column = self.column(condition)
        if condition.what != "null":
            return sql.SQL("({} is {})").format(column, sql.SQL("true" if condition.what == "true" else "false"))
        if condition.type in _JSON:
            # In the JSON of a row both nulls are one.
            kind = sql.SQL("json_typeof" if condition.type == "json" else "jsonb_typeof")
            return sql.SQL("(coalesce({}({}), 'null') = 'null')").format(kind, column)
        # `is null` calls a row of nothing but nulls null.
        return sql.SQL("({} is not distinct from null)").format(column)

    def compared(self, condition: Compare | OneOf | Distinct) -> sql.Composable:
        """The column as its kind compares it; of all kinds only text has a collation."""
        return self.text(condition) if KINDS[condition.type].sql == "text" else self.column(condition)

    def text(self, condition: Compare | OneOf | Distinct | Like) -> sql.Composed:
        return sql.SQL('{}::text collate "C"').format(self.column(condition))

    def folded(self, condition: Like) -> sql.Composed:
        """The column without capitals; the long table of letters is needed where some are not of ASCII."""
        text = self.text(condition)
        return sql.SQL(
            "(case when octet_length({text}) = length({text}) then lower({text})"
            ' else translate({text}, {capitals}, {small}) collate "C" end)'
        ).format(text=text, capitals=self.bind(CAPITALS, "text"), small=self.bind(SMALL, "text"))

    def column(self, condition: Compare | OneOf | Like | Is | Distinct) -> sql.Identifier:
        return sql.Identifier(*([] if self.table is None else [self.table]), condition.column)

    def bind(self, value: object, type_: str) -> sql.Composed:
        name = f"filter_{len(self.parameters)}"
        self.parameters[name] = value
        # The types are ours, none is anybody's text.
        return sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(type_))
