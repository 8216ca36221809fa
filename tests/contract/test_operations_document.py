"""docs/operations.md names every setting, every event and every metric, as the code has them."""

from tests.contract.documents import read, table_after

from floorcast import journal, observe
from floorcast.http.metrics import Metrics, metric_name
from floorcast.settings import Settings

OPERATIONS = read("docs/operations.md")
EVENTS = [
    kind
    for kind in vars(observe).values()
    if isinstance(kind, type) and issubclass(kind, observe.Event) and kind is not observe.Event
]


def test_every_setting_is_listed_with_its_default_and_its_own_words() -> None:
    """In the order of settings.py; `floorcast settings` shows the same."""
    expected = [
        [
            f"`{field.validation_alias}`",
            "–" if field.default is None else f"`{field.default}`",
            str(field.description),
        ]
        for field in Settings.model_fields.values()
    ]
    assert table_after(OPERATIONS, "## Settings") == expected


def test_every_event_is_listed_with_its_counter_its_meaning_and_what_to_do() -> None:
    """In the order of observe.py, in the words of its docstring."""
    rows = table_after(OPERATIONS, "## Events")
    expected = [
        [kind.__name__, f"`{metric_name(kind)}_total`", (kind.__doc__ or "").splitlines()[0]] for kind in EVENTS
    ]
    assert [row[:3] for row in rows] == expected
    assert all(advice for *_, advice in rows)


def test_every_metric_is_listed() -> None:
    """With the sentence that a scrape shows as its help."""
    shown = {
        line.split(" ", 3)[2]: line.split(" ", 3)[3]
        for line in Metrics().render().decode().splitlines()
        if line.startswith("# HELP floorcast_")
    }
    counters = {f"{metric_name(kind)}_total" for kind in EVENTS}
    listed = {name.strip("`"): meaning for name, meaning in table_after(OPERATIONS, "## Metrics")}
    assert listed == {name: text for name, text in shown.items() if name not in counters}


def test_what_is_counted_and_not_written_is_said() -> None:
    """Else somebody looks for a line that never comes."""
    sentence = OPERATIONS.partition("is counted and not written: ")[2].partition(".")[0]
    assert set(sentence.split(", ")) == {kind.__name__ for kind in journal._COUNTED_ONLY}
