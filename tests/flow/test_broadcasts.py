"""Broadcasts in `realtime:` topics: who hears what is said, in which version, and what the speaker is answered."""

import pytest
from tests.fixtures.gateway import NORTH, Open, Stream, an_operation
from tests.fixtures.guests import a_message, as_object, enter, heard


@pytest.fixture
def stream() -> Stream:
    """Anna and Bert may be in north."""
    return Stream().granting(anna={NORTH: "technician"}, bert={NORTH: "manager"})


async def test_a_text_is_heard_as_text_in_both_versions_and_not_by_the_speaker(
    open_gateway: Open, stream: Stream
) -> None:
    """Unless he asked for that; who did not ask to be told that it was taken is told nothing."""
    place = await open_gateway(stream)
    loud = {"self": True}
    async with enter(place) as anna, enter(place, "bert", broadcast=loud) as bert, enter(place, vsn="1.0.0") as old:
        await bert.say("move", {"x": 1.5})
        await anna.say("move", {"x": 2})
        told = [[await guest.hear() for _ in range(most)] for guest, most in ((bert, 2), (old, 2), (anna, 1))]
        assert await anna.phone.silent(0.05)
    both = [as_object("move", {"x": 1.5}), as_object("move", {"x": 2})]
    assert told == [both, both, both[:1]]


async def test_a_binary_frame_is_heard_as_one_and_by_vsn_1_as_an_object(open_gateway: Open, stream: Stream) -> None:
    """Bytes that are no JSON pass vsn 1 by."""
    place = await open_gateway(stream)
    async with enter(place) as anna, enter(place, "bert") as bert, enter(place, vsn="1.0.0") as old:
        await bert.say_frame("raw", b"\x00\xff", binary=True)
        await bert.say_frame("move", b'{"x":1.50}')
        assert [await anna.hear(), await anna.hear()] == [
            heard("raw", b"\x00\xff", binary=True),
            heard("move", b'{"x":1.50}'),
        ]
        assert await old.hear() == as_object("move", {"x": 1.5})


async def test_a_speaker_who_asks_is_told_that_it_was_taken_or_was_too_large(
    open_gateway: Open, stream: Stream
) -> None:
    """Under the ref of what he said; what is too large is heard by nobody."""
    place = await open_gateway(stream)
    async with enter(place, broadcast={"ack": True}) as anna, enter(place, "bert") as bert:
        await anna.say("a", {})
        assert await anna.hear() == ("phx_reply", {"status": "ok", "response": {}})
        await anna.say("b", {"long": "x" * 262_144})
        error = {"status": "error", "response": {"error": "payload_size_exceeded"}}
        assert await anna.hear() == ("phx_reply", error)
        await anna.say_frame("c", b"{}")
        assert await anna.hear() == ("phx_reply", {"status": "ok", "response": {}})
        assert [await bert.hear(), await bert.hear()] == [as_object("a", {}), heard("c", b"{}")]


async def test_who_says_too_much_is_told_so_once_and_goes_on(open_gateway: Open, stream: Stream) -> None:
    """The channel lives, and others are not flooded."""
    place = await open_gateway(stream)
    async with enter(place) as anna, enter(place, "bert") as bert:
        for number in range(150):
            await anna.say("n", number)
        event, told = await anna.hear()
        assert (event, told["status"]) == ("system", "ok")
        assert told["message"].startswith("Too many messages per second")
        numbers = [(await bert.hear())[1]["payload"] for _ in range(100)]
        assert numbers == list(range(100))
        await anna.tell("phx_leave", {}, "9")
        assert (await anna.hear())[0] in {"phx_reply", "system"}


async def test_rooms_of_other_names_hear_nothing_and_who_left_neither(open_gateway: Open, stream: Stream) -> None:
    """And what is said of a topic that nobody joined is refused."""
    place = await open_gateway(stream)
    async with enter(place) as anna, enter(place, topic="realtime:desk") as desk, enter(place) as leaving:
        await leaving.tell("phx_leave", {})
        assert [(await leaving.hear())[0] for _ in range(2)] == ["phx_reply", "phx_close"]
        await leaving.say("e", {})
        assert (await leaving.hear())[1]["response"] == {"reason": "unmatched topic"}
        await leaving.say_frame("e", b"{}")
        assert (await leaving.hear())[1]["response"]["code"] == "bad_frame"
        async with enter(place, "bert") as bert:
            await bert.say("e", {})
            await anna.hear()
        assert await desk.phone.silent(0.05)
        assert await leaving.phone.silent(0.01)


async def test_what_the_database_says_is_heard_behind_the_changes_of_its_tick(
    open_gateway: Open, stream: Stream
) -> None:
    """Digit for digit, with its id; private and public rooms of one name are two."""
    place = await open_gateway(stream)
    changes = [{"event": "*", "schema": "public", "table": "work_orders"}]
    async with enter(place, postgres_changes=changes) as anna, enter(place, "bert", "1.0.0") as old:
        assert (await anna.hear())[0] == "system"
        stream.close_tick(
            a_message(1, "first", '{"n": 1.50}'),
            an_operation(2, text="row"),
            a_message(3, "secret", "{}", "private:floor"),
            a_message(4, "bytes", None, binary="AP8="),
        )
        stream.close_tick(an_operation(1, text="later"))
        told = [await anna.hear() for _ in range(4)]
        assert [each[0] for each in (told[0], told[3])] == ["postgres_changes", "postgres_changes"]
        assert told[1:3] == [
            heard("first", b'{"n": 1.50}', b'{"id":"id-1"}'),
            heard("bytes", b"\x00\xff", b'{"id":"id-4"}', binary=True),
        ]
        assert await old.hear() == as_object("first", {"n": 1.5}, meta={"id": "id-1"})


async def test_what_the_database_says_in_a_tick_too_large_to_hold_is_read_from_the_trail(
    open_gateway: Open, stream: Stream
) -> None:
    """In pages and in order; what is said meanwhile comes behind it."""
    place = await open_gateway(stream)
    stream.page_size = 2
    async with enter(place) as anna, enter(place, "bert") as bert, enter(place, topic="realtime:desk") as desk:
        messages = [a_message(n, f"m{n}", "{}") for n in range(1, 6)]
        stream.close_tick(*messages, a_message(6, "secret", "{}", "private:floor"), an_operation(7), large=True)
        stream.close_tick(a_message(1, "later", "{}"))
        told = [await anna.hear() for _ in range(6)]
        expected = [heard(f"m{n}", b"{}", b'{"id":"id-%d"}' % n) for n in range(1, 6)]
        assert told == [*expected, heard("later", b"{}", b'{"id":"id-1"}')]
        await bert.say("still", {})
        assert await anna.hear() == as_object("still", {})
        assert await desk.phone.silent(0.05)
