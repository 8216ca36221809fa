"""What waits for one socket."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.outboxes import Listening


def test_a_frame_goes_straight_to_the_kernel_while_it_takes_everything() -> None:
    """The very bytes object, and nothing is kept."""
    listening = Listening()
    frame = b"frame"
    assert listening.outbox.put(frame) is False
    assert listening.transport.written[0] is frame
    assert listening.outbox.waiting_bytes == 0


def test_what_the_kernel_does_not_take_waits_here_and_not_in_the_transport() -> None:
    """Only the rest of one write is out of reach."""
    listening = Listening()
    listening.transport.room = 3
    listening.outbox.put(b"first")
    listening.outbox.put(b"second")
    listening.outbox.put(b"third")
    assert listening.transport.written == [b"first"]
    assert listening.outbox.waiting_bytes == 11
    listening.transport.take()
    assert listening.transport.written == [b"first", b"secondthird"], "what waited leaves in one write"
    assert listening.outbox.put(b"fourth") is False


def test_frames_of_a_withdrawn_topic_are_taken_back_and_others_keep_their_order() -> None:
    """Interleaved as they may be."""
    listening = Listening()
    listening.outbox.pause()
    for topic, frame in (("a", b"1"), ("b", b"2"), (None, b"3"), ("a", b"4"), ("b", b"5")):
        listening.outbox.put(frame, topic)
    listening.outbox.drop("a")
    listening.outbox.resume()
    assert listening.transport.stream == b"235"


def test_what_is_too_much_is_taken_back_and_it_is_noted_where_each_topic_was_cut_off() -> None:
    """The write that is under way does not count: one large tick on a slow network is no slow reader."""
    listening = Listening(limit=10)
    listening.transport.room = 0
    listening.outbox.put(b"123456" * 10, "one", 3)
    listening.outbox.put(b"123", "one", 4)
    listening.outbox.put(b"answer")
    assert listening.owner.overflows == []
    listening.outbox.put(b"12", "two", 6)
    listening.outbox.put(b"12", "one", 7)
    listening.outbox.put(b"12", "three", 8)
    assert listening.owner.overflows == [11], "what is told are all the bytes that waited"
    assert listening.outbox.lagging() == {"one": 4, "two": 6, "three": 8}
    assert listening.outbox.lagging() == {}
    listening.outbox.put(b"more", "one", 4)
    listening.transport.take()
    assert listening.transport.stream == b"123456" * 10 + b"answer" + b"more"


def test_a_topic_is_cut_off_at_the_first_of_its_frames_that_was_taken_back() -> None:
    """Those behind it are told again as well."""
    listening = Listening(limit=10)
    listening.outbox.pause()
    for after in (4, 5, 6, 7):
        listening.outbox.put(b"1234", "one", after)
    assert listening.outbox.lagging() == {"one": 4}


def test_a_topic_that_is_withdrawn_does_not_go_on_where_it_was_cut_off() -> None:
    """Its next joining begins where that one says."""
    listening = Listening(limit=10)
    listening.outbox.pause()
    for topic in ("one", "two", "one"):
        listening.outbox.put(b"12345", topic, 4)
    listening.outbox.drop("one")
    assert listening.outbox.lagging() == {"two": 4}


def test_nothing_overtakes_what_was_taken_back() -> None:
    """The kernel may have taken everything again before anybody saw to those who were cut off."""
    listening = Listening(limit=10)
    listening.transport.room = 0
    for after, frame in ((3, b"x"), (4, b"12345678901")):
        listening.outbox.put(frame, "one", after)
    listening.transport.take()
    listening.outbox.put(b"newer", "one", 5)
    listening.outbox.put(b"newer", "two", 7)
    listening.outbox.put(b"answer")
    listening.outbox.release()
    assert listening.transport.stream == b"x" + b"answer"
    assert listening.outbox.lagging() == {"one": 4, "two": 7}
    listening.outbox.put(b"again", "one", 4)
    assert listening.transport.stream == b"x" + b"answer" + b"again"


def test_what_has_to_be_said_is_bounded_too() -> None:
    """Whoever asks without end and never reads is given up."""
    listening = Listening(limit=10)
    listening.transport.room = 0
    listening.outbox.put(b"x")
    listening.outbox.put(b"123456789012")
    assert listening.outbox.overflown
    assert listening.owner.overflows == [12]
    listening.outbox.finish(b"close")
    listening.outbox.put(b"late")
    listening.transport.take()
    assert listening.transport.stream == b"x" + b"close"


def test_who_waits_for_room_is_told_when_there_is_some() -> None:
    """Once, and again when asked again."""
    listening, told = Listening(), []
    listening.transport.room = 0
    listening.outbox.put(b"123")
    assert not listening.outbox.has_room
    listening.outbox.when_room(lambda: told.append(1))
    listening.transport.take()
    assert (told, listening.outbox.has_room) == ([1], True)
    listening.outbox.pause()
    listening.transport.take()
    assert told == [1]


def test_frames_of_one_turn_are_one_write_for_a_socket_with_several_topics() -> None:
    """A system call is most of what a delivery costs."""
    listening = Listening()
    listening.outbox.gather(several=True)
    assert listening.outbox.put(b"a", "one") is True
    assert listening.outbox.put(b"b", "two") is True
    assert listening.transport.written == []
    listening.outbox.release()
    assert listening.transport.written == [b"ab"]


def test_gathering_much_never_makes_a_reader_slow() -> None:
    """Only what the kernel does not take counts against anybody."""
    listening = Listening(limit=20_000)
    listening.outbox.gather(several=True)
    for _ in range(100):
        listening.outbox.put(b"x" * 1_000, "one")
    listening.outbox.release()
    assert listening.owner.overflows == []
    assert len(listening.transport.stream) == 100_000


actions = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 30_000), st.sampled_from(["a", "b", None])),
        st.tuples(st.just("take"), st.integers(0, 40_000)),
        st.tuples(st.just("gather"), st.booleans()),
        st.tuples(st.just("release")),
    ),
    max_size=30,
)


@given(actions)
def test_whatever_happens_frames_leave_whole_once_and_in_order(actions: list[tuple]) -> None:  # type: ignore[type-arg]
    """Against the plainest model: everything that was put, in order."""
    listening = Listening(limit=10**9)
    listening.transport.room = 0
    expected = b""
    for number, (action, *arguments) in enumerate(actions):
        if action == "put":
            frame = bytes([number]) * arguments[0]
            expected += frame
            listening.outbox.put(frame, arguments[1])
        elif action == "take":
            listening.transport.take(arguments[0])
        elif action == "gather":
            listening.outbox.gather(several=arguments[0])
        else:
            listening.outbox.release()
        waiting = listening.outbox.waiting_bytes
        assert len(listening.transport.stream) + waiting == len(expected)
    listening.outbox.release()
    listening.transport.take()
    assert listening.transport.stream == expected
