"""Changes as CloudEvents, in both modes."""

import orjson
import pytest
from tests.fixtures.gateway import AT, an_operation

from floorcast.envelope.cloudevents import CloudEvents, binary
from floorcast.envelope.envelope import Envelope, TickHead
from floorcast.operation import Operation, told

HEAD = TickHead("0f3a", 12, AT)


def an_event(operation: Operation, envelope: CloudEvents | None = None) -> bytes:
    """What somebody is given who sees all of it."""
    chosen: Envelope = envelope or CloudEvents()
    return chosen.encode(HEAD, operation, op=operation.op, new=operation.new, old=None)


def test_an_event_says_what_happened_to_which_row_and_where() -> None:
    """Each attribute of the specification that is of use to somebody."""
    event = orjson.loads(an_event(an_operation(3, text="x")))
    assert event == {
        "specversion": "1.0",
        "id": "0f3a:12-3",
        "source": "urn:floorcast:warehouse:north:work_orders",
        "type": "com.maintainpro.floorcast.work_orders.update",
        "subject": "work_orders/3",
        "partitionkey": "work_orders/3",
        "time": AT,
        "sequence": "0000000000000000012-0000000000000000003",
        "datacontenttype": "application/json",
        "data": orjson.loads(told(12, an_operation(3, text="x"), op="update", new=b'{"id": 3, "text": "x"}', old=None)),
    }


def test_what_happened_is_what_it_is_for_the_reader() -> None:
    """A row that went out of his filter leaves, though it was updated."""
    operation = an_operation(3)
    event = orjson.loads(CloudEvents().encode(HEAD, operation, op="leave", new=None, old=None))
    assert event["type"] == "com.maintainpro.floorcast.work_orders.leave"
    assert "new" not in event["data"]


def test_the_two_sides_of_a_move_are_two_events() -> None:
    """They share their place in the tick; source and id together name one event and no other."""
    sides = [orjson.loads(an_event(an_operation(3, warehouse=name))) for name in ("north", "south", "user:anna")]
    assert len({(side["source"], side["id"]) for side in sides}) == 3
    assert sides[2]["source"] == "urn:floorcast:user:anna:work_orders"


def test_leaves_that_one_grant_makes_in_two_tables_are_two_events() -> None:
    """They share the place of the grant, and the warehouse."""
    sides = [orjson.loads(an_event(an_operation(3, table=table, op="leave"))) for table in ("users", "certificates")]
    assert len({(side["source"], side["id"]) for side in sides}) == 2


def test_the_schema_of_the_data_is_named_where_it_is_known() -> None:
    """An absolute address, as the specification demands; without one there is none."""
    known = CloudEvents("https://floor.example", {"plant.lathes": "abcd"})
    event = orjson.loads(an_event(an_operation(table="plant.lathes"), known))
    assert event["dataschema"] == "https://floor.example/v1/schemas/plant.lathes/abcd#/$defs/change"
    assert "dataschema" not in orjson.loads(an_event(an_operation(table="other"), known))
    assert "dataschema" not in orjson.loads(an_event(an_operation(), CloudEvents(None, {"work_orders": "abcd"})))


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        (b'{"id":"8d3e"}', "work_orders/8d3e"),
        (b'{"id":18446744073709551617}', "work_orders/18446744073709551617"),
        (b'{"no":1.10}', "work_orders/1.10"),
        (b'{"a":"x/y,z","b":7}', "work_orders/x%2Fy%2Cz,7"),
        (b'{"a":true,"b":{"c":1.0}}', "work_orders/true,%7B%22c%22%3A%20%221.0%22%7D"),
        ('{"a":"Größe"}'.encode(), "work_orders/Gr%C3%B6%C3%9Fe"),
    ],
)
def test_the_subject_is_table_and_key(key: bytes, subject: str) -> None:
    """Two rows have two subjects, and the digits of a key are kept."""
    assert orjson.loads(an_event(an_operation(key=key)))["subject"] == subject


def test_events_sort_by_sequence_as_they_happened() -> None:
    """As text, which is all that a receiver may assume: the tenth comes behind the ninth."""
    places = [(9, 9), (9, 10), (10, 1), (100, 1)]
    sequences = [
        orjson.loads(CloudEvents().encode(TickHead("a", tick, AT), an_operation(n), op="leave", new=None, old=None))[
            "sequence"
        ]
        for tick, n in places
    ]
    assert sequences == sorted(sequences)


def test_binary_mode_is_headers_and_the_data_alone() -> None:
    """The body is cut out of the event, so that it has every digit of it."""
    operation = an_operation(3, new=b'{"id":3,"cost":1.10,"note":"\\",\\"data\\":"}')
    headers, body = binary(an_event(operation))
    assert body == told(12, operation, op="update", new=operation.new, old=None)
    assert headers == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "0f3a:12-3",
        "ce-source": "urn:floorcast:warehouse:north:work_orders",
        "ce-type": "com.maintainpro.floorcast.work_orders.update",
        "ce-subject": "work_orders/3",
        "ce-partitionkey": "work_orders/3",
        "ce-time": AT,
        "ce-sequence": "0000000000000000012-0000000000000000003",
    }


def test_headers_are_ascii_whatever_an_attribute_holds() -> None:
    """The binding percent-encodes the rest; the percent sign too, so that it can be undone."""
    headers, _ = binary(an_event(an_operation(key='{"a":"Größe \\",\\"data\\":"}'.encode())))
    assert headers["ce-subject"] == "work_orders/Gr%25C3%25B6%25C3%259Fe%2520%2522%252C%2522data%2522%253A"
    headers, _ = binary(b'{"specversion":"1.0","note":"\xc3\xa9 \\"%","datacontenttype":"application/json","data":{}}')
    assert headers["ce-note"] == "%C3%A9%20%22%25"
