"""Observations become lines."""

import io
import json
import logging

from floorcast import observe
from floorcast.journal import LINES_PER_SECOND, Journal


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """What was written, line by line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_facts() -> None:
    """For machines that collect them."""
    stream = io.StringIO()
    Journal("json", stream).write(observe.AccessWithdrawn("w-1", "u-1"))
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("access withdrawn", "info")
    assert (line["warehouse"], line["user"]) == ("w-1", "u-1")
    assert str(line["timestamp"]).endswith("Z")


def test_what_is_wrong_says_how_wrong() -> None:
    """A warning heals by itself; an error is a fault of ours."""
    stream = io.StringIO()
    journal = Journal("json", stream)
    journal.write(observe.StreamLost("relay", "refused"))
    journal.write(observe.TaskFailed("http", "KeyError"))
    assert [line["level"] for line in lines(stream)] == ["warning", "error"]


def test_what_happens_thousands_of_times_is_only_counted() -> None:
    """See /metrics."""
    stream = io.StringIO()
    journal = Journal("json", stream)
    for event in (observe.TickClosed(1, 1), observe.TickDelivered(1, 9), observe.SocketOpened("u")):
        journal.write(event)
    assert stream.getvalue() == ""


def test_a_flood_of_one_kind_is_cut_and_says_how_much_was_cut() -> None:
    """A stranger with a bad token must not fill the disk, nor hide what else happens."""
    stream, now = io.StringIO(), [100.0]
    journal = Journal("json", stream, clock=lambda: now[0])
    for _ in range(LINES_PER_SECOND + 5):
        journal.write(observe.HandshakeRefused("token_invalid"))
    journal.write(observe.StreamBack("relay"))
    now[0] += 1
    journal.write(observe.HandshakeRefused("token_invalid"))
    written = lines(stream)
    assert len(written) == LINES_PER_SECOND + 2
    assert written[-2]["event"] == "stream back"
    assert written[-1]["left_out_before"] == 5


def test_a_line_stays_one_line_whatever_a_stranger_sends() -> None:
    """Else somebody could write entries of their own."""
    for log_format in ("json", "plain"):
        stream = io.StringIO()
        Journal(log_format, stream).write(observe.JoinRefused("x\n2026 error forged\x1b[31m"))
        assert stream.getvalue().count("\n") == 1
        assert "\x1b[31m" not in stream.getvalue()


def test_warnings_of_libraries_are_written_in_the_same_form() -> None:
    """One place to look."""
    stream = io.StringIO()
    handler = Journal("json", stream).handler
    record = logging.LogRecord(
        "psycopg.pool", logging.WARNING, __file__, 1, "error connecting in %r", ("picture",), None
    )
    handler.handle(record)
    (line,) = lines(stream)
    assert (line["event"], line["library"], line["level"]) == (
        "error connecting in 'picture'",
        "psycopg.pool",
        "warning",
    )
