"""The table of sabotages fits the code as it is; that each is caught is what `make mutants` finds out."""

from dataclasses import replace

from tests.contract.documents import ROOT, read
from tests.mutants.sabotage import PROMISES, listing, read_sabotages, staleness

SABOTAGES = read_sabotages()


def test_no_sabotage_is_stale() -> None:
    """What it changes stands there once, and the tests that are to notice it exist; else it would prove nothing."""
    assert [(each.promise, each.does, why) for each in SABOTAGES if (why := staleness(each))] == []


def test_each_promise_is_sabotaged_in_several_ways_and_each_way_once() -> None:
    """A promise that nothing breaks is one that nothing holds."""
    for promise in PROMISES:
        assert sum(each.promise == promise for each in SABOTAGES) >= 5, promise
    assert len({each.does for each in SABOTAGES}) == len(SABOTAGES)
    assert len({(each.file, each.old, each.new) for each in SABOTAGES}) == len(SABOTAGES)


def test_a_python_file_stays_one() -> None:
    """A sabotage that is no Python fails every test, whatever it is about."""
    for each in SABOTAGES:
        if each.file.endswith(".py"):
            compile(each.applied_to((ROOT / each.file).read_text()), each.file, "exec", dont_inherit=True)


def test_the_list_in_the_readme_is_that_table() -> None:
    """`python -m tests.mutants --list` writes it."""
    written = read("tests/README.md").split("<!-- sabotages -->\n")[1].split("<!-- /sabotages -->")[0]
    assert written == listing(SABOTAGES)


def test_a_stale_sabotage_is_named_with_what_is_wrong() -> None:
    """Text that is gone or stands there twice, a file or a test that is not there."""
    good = SABOTAGES[0]
    assert staleness(good) is None
    for wrong, why in (
        (replace(good, file="service/gone.py"), "not there"),
        (replace(good, old="what nobody wrote"), "0 times"),
        (replace(good, old="\n"), "times"),
        (replace(good, new=good.old), "changes nothing"),
        (replace(good, tests=()), "no test"),
        (replace(good, tests=("tests/unit/test_gone.py",)), "there is no"),
        (replace(good, tests=(f"{good.tests[0].partition('::')[0]}::test_gone",)), "there is no"),
    ):
        assert why in (staleness(wrong) or ""), wrong
