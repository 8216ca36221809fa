"""filter/syntax.py: the grammar, and what is said of a text that is not in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.filter.syntax import Clause, FilterError, Group, parse


def plain(item: Clause | Group) -> object:
    """What was read, without its places."""
    if isinstance(item, Group):
        return (("not " if item.negated else "") + item.joined, [plain(part) for part in item.items])
    negated = "not " if item.negated else ""
    return (item.column.text, negated + item.operator.text, *(value.text for value in item.values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("subject=eq.hey", [("subject", "eq", "hey")]),
        ("subject=in.(hidee,ho)", [("subject", "in", "hidee", "ho")]),
        ("subject=not.like.hey%", [("subject", "not like", "hey%")]),
        ("id=gt.0,id=lt.100", [("id", "gt", "0"), ("id", "lt", "100")]),
        (" id=gt.0 , id=lt.1 ", [("id", "gt", "0"), ("id", "lt", "1")]),
        ("at=gte.2026-11-23T10:11:12.5+00:00", [("at", "gte", "2026-11-23T10:11:12.5+00:00")]),
        ('name=eq."Oslo, Norway",id=in.(1,"2,3", 4 )', [("name", "eq", "Oslo, Norway"), ("id", "in", "1", "2,3", "4")]),
        (r'name=eq."say \"hi\" \\ \x"', [("name", "eq", r'say "hi" \ x')]),
        ("name=eq.f(a,b)c,id=eq.1", [("name", "eq", "f(a,b)c"), ("id", "eq", "1")]),
        ('name=eq.f("a,)b",c)', [("name", "eq", 'f("a,)b",c)')]),
        ('name=eq.a"b', [("name", "eq", 'a"b')]),
        ("name=eq.:)", [("name", "eq", ":)")]),
        ("name=eq.f(a,id=eq.1", [("name", "eq", "f(a,id=eq.1")]),
        ("name=eq.", [("name", "eq", "")]),
        ("name=eq. a b ", [("name", "eq", " a b")]),
        ("id=in.()", [("id", "in")]),
        ("deleted_at=not.is.null", [("deleted_at", "not is", "null")]),
        ("status.eq.open", [("status", "eq", "open")]),
        ('"a.b"=eq.1,"x""=eq.2', None),
        ('"a.b"=eq.1,"say \\"x\\"".lt.2', [("a.b", "eq", "1"), ('say "x"', "lt", "2")]),
        ("and=eq.1,or.eq.2,not.eq.3", [("and", "eq", "1"), ("or", "eq", "2"), ("not", "eq", "3")]),
        ("", []),
        (" \n", []),
    ],
)
def test_clauses_are_read_as_supabase_reads_them(text: str, expected: list[object] | None) -> None:
    """Its clients bring filters along, and are to find here what they found there."""
    if expected is None:
        with pytest.raises(FilterError):
            parse(text)
    else:
        assert plain(parse(text)) == ("and", expected)


def test_groups_hold_items_and_groups() -> None:
    """As PostgREST writes them."""
    text = "status=in.(open,assigned),not.or(priority.eq.high,and(due_at.lt.2026-12-01 , open.is.true))"
    late = ("and", [("due_at", "lt", "2026-12-01"), ("open", "is", "true")])
    assert plain(parse(text)) == (
        "and",
        [("status", "in", "open", "assigned"), ("not or", [("priority", "eq", "high"), late])],
    )
    # A value ends with the group; one that has parentheses of its own keeps them.
    assert plain(parse("or(name.eq.f(a,b),name=eq.b)")) == (
        "and",
        [("or", [("name", "eq", "f(a,b)"), ("name", "eq", "b")])],
    )


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("undefined", 0, "behind a column comes ="),
        ("status=foo.hey", 7, "no operator “foo”"),
        ("status=eq", 7, "an operator, a dot and a value"),
        ("status=not.not.eq.1", 11, "no operator “not”"),
        ("status=eq(any).1", 7, "an operator, a dot and a value"),
        ("status==eq.1", 7, "an operator, a dot and a value"),
        ("a=eq.1,,b=eq.2", 7, "nothing where a clause should be"),
        ("a=eq.1,", 7, "nothing where a clause should be"),
        (",a=eq.1", 0, "nothing where a clause should be"),
        ("or()", 3, "nothing where a clause should be"),
        ("=eq.1", 0, "a clause begins with a column"),
        ("(a=eq.1)", 0, "a clause begins with a column"),
        ("id=in.1", 6, "wrapped in parentheses"),
        ("id=in.(1,2", 10, "end with a parenthesis"),
        ("id=in.(1,,2)", 9, "a value is missing"),
        ("id=in.(f(1),2)", 8, "end with a parenthesis"),
        ("id=in.(1)2", 9, "a comma is expected"),
        ('name=eq."a"b', 11, "a comma is expected"),
        ('name=eq."a', 8, "this quote is not closed"),
        ('name=eq."a\\"', 8, "this quote is not closed"),
        ('"name=eq.a', 0, "this quote is not closed"),
        ("or(a.eq.1,b.eq.2", 16, "not closed"),
        ("or(a.eq.1)b.eq.2", 10, "a comma is expected"),
        ("not.not.or(a.eq.1)", 4, "no operator"),
        ("name=eq.a\0b", 9, "no text in the database"),
        ("name=eq.\ud800", 8, "no text in the database"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, place: int, reason: str) -> None:
    """Whoever wrote it sees it at once, however long it is."""
    with pytest.raises(FilterError) as refused:
        parse(text)
    assert (refused.value.place, reason in refused.value.reason) == (place, True), refused.value
    assert str(refused.value) == f"at character {place}: {refused.value.reason}"


def test_a_filter_is_not_longer_wider_or_deeper_than_it_may_be() -> None:
    """It is kept as long as somebody listens, and looked at with every change."""
    nested = "or(" * 8 + "a.eq.1" + ")" * 8
    parse(nested)
    parse(",".join(["a=eq.1"] * 64))
    parse(f"a=in.({','.join('1' * 100)})")
    parse("a=eq." + "x" * 4091)
    parse(",".join(["a=like.x", "a=not.ilike.x"] * 4))
    for text, place in (
        (f"or({nested})", 24),
        (",".join(["a=eq.1"] * 65), 64 * 7),
        (f"a=in.({','.join('1' * 101)})", 206),
        ("a=eq." + "x" * 4092, 4096),
        (",".join(["a=ilike.x"] * 8 + ["b=like.x"]), 82),
    ):
        with pytest.raises(FilterError, match="at most") as refused:
            parse(text)
        assert refused.value.place == place


PIECES = st.sampled_from(
    ["a", "=", ".", ",", "(", ")", '"', "\\", " ", "not.", "and(", "or(", "eq.", "in.(", "is.null"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_is_sent_is_read_or_refused_inside_of_it(text: str) -> None:
    """Everybody who may join may send one."""
    place = 0
    try:
        parse(text)
    except FilterError as refused:
        place = refused.place
    assert 0 <= place <= len(text)
