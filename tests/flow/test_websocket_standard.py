"""The protocol cases of RFC 6455 at a real port: each is answered or closed with the code that the standard names.

They follow the sections of the standard and the groups of the Autobahn suite: framing, pings, reserved bits, opcodes,
fragments, UTF-8, close. A subscriber beside them misses nothing, and no case costs the process anything.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.fixtures.gateway import NORTH, Open, Place, Stream, an_operation
from tests.fixtures.observed import Observed
from tests.fixtures.rawsocket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Ended,
    RawSocket,
    a_close,
    a_frame,
    a_head,
    fragments,
    raw_connection,
    raw_socket,
)
from tests.fixtures.time import UNIT

from floorcast.observe import TaskFailed

LIMIT = 8_192
"""Bytes of a message here."""

BEAT = b'[null,"beat","phoenix","heartbeat",{}]'
BEATEN = [None, "beat", "phoenix", "phx_reply", {"status": "ok", "response": {}}]


@pytest.fixture
async def place(open_gateway: Open, observed: Observed) -> AsyncIterator[Place]:
    """A gateway on which nothing may fail, with a subscriber who has to hear of every tick."""
    loop, complaints = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    stream = Stream().granting(anna={NORTH: "technician"})
    place = await open_gateway(stream, frame_bytes=LIMIT)
    async with place.phone() as neighbour:
        await neighbour.join()
        stream.close_tick(an_operation(1))
        yield place
        stream.close_tick(an_operation(2))
        assert [(await neighbour.receive())[1]["tick"] for _ in range(2)] == [1, 2]
    assert observed.of(TaskFailed) == []
    assert complaints == []


async def _lives(raw: RawSocket, text: bytes = BEAT) -> None:
    """See that it goes on: a heartbeat is answered, and nothing comes before."""
    await raw.send(a_frame(TEXT, text))
    opcode, data = await raw.receive()
    assert (opcode, json.loads(data)) == (TEXT, BEATEN)


def _padded(length: int) -> bytes:
    """A heartbeat of so many bytes."""
    head, tail = b'[null,"beat","phoenix","heartbeat",{"x":"', b'"}]'
    return head + b"x" * (length - len(head) - len(tail)) + tail


# 5.2 Framing


@pytest.mark.parametrize("length", [125, 126, 127, 128, 255, 256, 4_095, LIMIT])
async def test_a_message_may_have_any_length_up_to_the_limit(place: Place, length: int) -> None:
    """Whichever way its length is written."""
    async with raw_socket(place) as raw:
        await _lives(raw, _padded(length))
        await _lives(raw)


async def test_a_length_need_not_be_written_in_the_shortest_way(place: Place) -> None:
    """The standard asks for it of whoever sends; who reads loses nothing by being lenient."""
    short, mask = a_frame(TEXT, BEAT), b"\x0f\xf0\x35\xac"
    masked = short[short.index(mask) :]
    async with raw_socket(place) as raw:
        for length in (b"\xfe" + len(BEAT).to_bytes(2), b"\xff" + len(BEAT).to_bytes(8)):
            await raw.send(short[:1] + length + masked)
            assert json.loads((await raw.receive())[1]) == BEATEN


async def test_frames_may_arrive_byte_by_byte_or_all_at_once(place: Place) -> None:
    """A frame ends where it ends, not where a packet does."""
    three = [a_frame(TEXT, BEAT), *fragments(TEXT, BEAT[:9], BEAT[9:]), a_frame(TEXT, BEAT)]
    async with raw_socket(place) as raw:
        await raw.send(*(bytes([byte]) for byte in b"".join(three)))
        await raw.send(b"".join(three))
        for _ in range(6):
            assert json.loads((await raw.receive())[1]) == BEATEN


async def test_frames_behind_the_handshake_are_heard_in_their_order(place: Place) -> None:
    """In the very packet of the handshake, to the close."""
    join = b'["1","1","warehouse:north","phx_join",{}]'
    behind = [a_frame(TEXT, join), a_frame(PING, b"?"), *fragments(TEXT, BEAT[:5], BEAT[5:]), a_close(1000, b"bye")]
    async with raw_socket(place, behind=behind) as raw:
        heard = [await raw.receive() for _ in range(3)]
        # Pongs come at the end of a turn, which the standard leaves open.
        texts = [json.loads(data) for opcode, data in heard if opcode == TEXT]
        assert [text[1] for text in texts] == ["1", "beat"]
        assert texts[0][4]["status"] == "ok"
        assert (PONG, b"?") in heard
        assert await raw.ended() == Ended(1000, "bye")


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, PING, CLOSE])
async def test_a_reserved_bit_ends_the_socket(place: Place, opcode: int, rsv: int) -> None:
    """No extension gives it a meaning."""
    async with raw_socket(place) as raw:
        await _lives(raw)
        await raw.send(a_frame(opcode, b"", rsv=rsv))
        assert (await raw.ended()).code == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_a_reserved_opcode_ends_the_socket(place: Place, opcode: int) -> None:
    """Data or control."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(opcode, b"x"))
        assert (await raw.ended()).code == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONT, PING, PONG, CLOSE])
async def test_a_frame_that_is_not_masked_ends_the_socket(place: Place, opcode: int) -> None:
    """5.1: a server must not accept one."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(opcode, b"", masked=False))
        assert (await raw.ended()).code == 1002


# 5.4 Fragments


@pytest.mark.parametrize(
    "frames",
    [
        fragments(TEXT, BEAT[:1], BEAT[1:]),
        fragments(TEXT, b"", BEAT, b""),
        fragments(TEXT, *(bytes([byte]) for byte in BEAT)),
    ],
    ids=["two", "empty ends", "a byte each"],
)
async def test_fragments_are_one_message(place: Place, frames: list[bytes]) -> None:
    """However many, in one packet or each by itself."""
    async with raw_socket(place) as raw:
        await raw.send(b"".join(frames))
        assert json.loads((await raw.receive())[1]) == BEATEN
        await raw.send(*frames)
        assert json.loads((await raw.receive())[1]) == BEATEN


async def test_control_frames_may_come_between_fragments(place: Place) -> None:
    """5.4: they are answered at once, and the message goes on."""
    first, second, third = fragments(TEXT, BEAT[:4], BEAT[4:20], BEAT[20:])
    async with raw_socket(place) as raw:
        await raw.send(first, a_frame(PING, b"one"))
        assert await raw.receive() == (PONG, b"one")
        await raw.send(second + a_frame(PONG, b"nobody asked") + a_frame(PING, b""))
        assert await raw.receive() == (PONG, b"")
        await raw.send(third)
        assert json.loads((await raw.receive())[1]) == BEATEN


@pytest.mark.parametrize(
    "frames",
    [
        [a_frame(CONT, b"x")],
        [a_frame(CONT, b"x", fin=False)],
        [a_frame(TEXT, BEAT[:5], fin=False), a_frame(TEXT, BEAT[5:])],
        [a_frame(TEXT, BEAT[:5], fin=False), a_frame(BINARY, BEAT[5:], fin=False)],
        [*fragments(BINARY, b"a", b"b"), a_frame(CONT, b"c")],
    ],
    ids=["nothing to continue", "nothing to continue, not final", "text in text", "binary in text", "one too many"],
)
async def test_fragments_that_do_not_follow_each_other_end_the_socket(place: Place, frames: list[bytes]) -> None:
    """Nobody could say which message they belong to."""
    async with raw_socket(place) as raw:
        await raw.send(*frames)
        assert (await raw.ended()).code == 1002


async def test_a_binary_message_is_answered_and_the_socket_lives(place: Place) -> None:
    """It is nothing on our topics, in one frame or several, whatever its bytes."""
    async with raw_socket(place) as raw:
        for frames in ([a_frame(BINARY, b"\xff\xfe\x00")], fragments(BINARY, b"\xff", b"", b"\xfe")):
            await raw.send(*frames)
            assert json.loads((await raw.receive())[1])[4]["response"]["code"] == "bad_frame"
        await _lives(raw)


# 5.5 Control frames


@pytest.mark.parametrize("data", [b"", b"Hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125])
async def test_a_ping_is_answered_with_its_data(place: Place, data: bytes) -> None:
    """Any bytes, up to 125."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(PING, data))
        assert await raw.receive() == (PONG, data)
        await raw.send(*(bytes([byte]) for byte in a_frame(PING, data)))
        assert await raw.receive() == (PONG, data)
        await raw.send(b"".join(a_frame(PING, bytes([number])) for number in range(10)))
        assert [await raw.receive() for _ in range(10)] == [(PONG, bytes([number])) for number in range(10)]


async def test_pongs_that_nobody_asked_for_are_heard_in_silence(place: Place) -> None:
    """5.5.3: they may serve as a heartbeat in one direction."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(PONG), a_frame(PONG, b"x" * 125), a_frame(PING, b"?"))
        assert await raw.receive() == (PONG, b"?")
        await _lives(raw)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_a_control_frame_that_is_too_long_or_not_final_ends_the_socket(place: Place, opcode: int) -> None:
    """125 bytes, in one frame: they must fit between any two others."""
    for frame in (a_frame(opcode, b"\x03\xe8" + b"x" * 124), a_frame(opcode, b"", fin=False)):
        async with raw_socket(place) as raw:
            await raw.send(frame)
            assert (await raw.ended()).code == 1002


async def test_pings_without_end_are_too_many_frames(place: Place) -> None:
    """Each is answered until then: what is not read of it is bounded like everything else."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(PING, b"x") * 2_000)
        assert (await raw.ended()).code == 4403


# 5.6 and 8.1 UTF-8


@pytest.mark.parametrize("text", ["Küche κόσμε 工場", "\U0001f527\U0010ffff", "\x7f\u0080\u07ff\u0800\ufffe\uffff"])
async def test_text_may_be_cut_inside_a_character(place: Place, text: str) -> None:
    """Fragments are of bytes."""
    message = f'[null,"beat","phoenix","heartbeat",{{"x":"{text}"}}]'.encode()
    async with raw_socket(place) as raw:
        await raw.send(*fragments(TEXT, *(bytes([byte]) for byte in message)))
        assert json.loads((await raw.receive())[1]) == BEATEN


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xed\xaf\xbf\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
        b"\xce",
        b"\xf0\x9f\x94",
    ],
    ids=[
        "alone",
        "overlong",
        "overlong 3",
        "surrogate",
        "two surrogates",
        "too high",
        "5 bytes",
        "ff",
        "cut 2",
        "cut 4",
    ],
)
async def test_text_that_is_not_utf_8_ends_the_socket(place: Place, wrong: bytes) -> None:
    """8.1: with 1007, whether it is our JSON otherwise or not, in one frame or cut anywhere."""
    beat = b'[null,"beat","phoenix","heartbeat",{"x":"' + wrong + b'"}]'
    for frames in (
        [a_frame(TEXT, beat)],
        [a_frame(TEXT, wrong)],
        fragments(TEXT, b"", wrong[:1], wrong[1:]),
        fragments(TEXT, *(bytes([byte]) for byte in beat)),
    ):
        async with raw_socket(place) as raw:
            await raw.send(b"".join(frames))
            assert (await raw.ended()).code == 1007


# 7 Closing


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        *((code, b"") for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999)),
        (1000, b"x" * 123),
        (4000, b"Mittag"),
    ],
)
async def test_a_close_is_answered_with_its_code(place: Place, code: int, reason: bytes) -> None:
    """And is the last that is said."""
    async with raw_socket(place) as raw:
        await raw.send(a_close(code, reason))
        assert await raw.ended() == Ended(code, reason.decode())


async def test_a_close_may_have_no_code(place: Place) -> None:
    """Then neither has its answer."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(CLOSE))
        assert await raw.ended() == Ended(None)


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
async def test_a_close_with_a_code_that_nobody_may_send_ends_the_socket(place: Place, code: int) -> None:
    """7.4: reserved, or of nobody."""
    async with raw_socket(place) as raw:
        await raw.send(a_close(code))
        assert (await raw.ended()).code == 1002


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xe8\xce", 1007),
        (b"\x03\xe8\xed\xa0\x80", 1007),
        (b"\x03\xe8" + b"x" * 123 + b"y", 1002),
    ],
    ids=["half a code", "half a letter", "surrogate", "126 bytes"],
)
async def test_a_close_that_is_malformed_ends_the_socket(place: Place, payload: bytes, code: int) -> None:
    """With the code of what is wrong with it."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(CLOSE, payload))
        assert (await raw.ended()).code == code


async def test_nothing_is_heard_behind_a_close(place: Place) -> None:
    """5.5.1: not in the same packet, nor later; whatever it would have been."""
    for behind in (a_frame(TEXT, BEAT), a_frame(PING, b"?"), a_close(1001), b"\xff" * 200, a_frame(3, b"")):
        async with raw_socket(place) as raw:
            await raw.send(a_close(1000) + behind)
            assert await raw.ended() == Ended(1000)
        async with raw_socket(place) as raw:
            await raw.send(a_close(1000), behind, behind)
            assert await raw.ended() == Ended(1000)


async def test_nothing_is_heard_behind_a_frame_that_is_none(place: Place) -> None:
    """7.1.7: who fails a connection must not go on with what comes."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(TEXT, BEAT) + a_frame(3) + a_frame(TEXT, BEAT) + a_close(1000))
        assert json.loads((await raw.receive())[1]) == BEATEN
        assert (await raw.ended()).code == 1002
        await raw.send(a_frame(TEXT, BEAT))


async def test_a_close_between_fragments_closes(place: Place) -> None:
    """The message is not finished any more; the library calls that a fault of the protocol, which it may."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(TEXT, BEAT[:5], fin=False) + a_close(1000) + a_frame(CONT, BEAT[5:]))
        assert (await raw.ended()).code in (1000, 1002)


# 10.4 Limits


@pytest.mark.parametrize("announced", [LIMIT + 1, 65_535, 65_536, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING])
async def test_a_length_over_the_limit_ends_the_socket_before_its_data(
    place: Place, opcode: int, announced: int
) -> None:
    """Nothing is set aside for what somebody only announces."""
    async with raw_socket(place) as raw:
        await raw.send(a_frame(opcode, b"", announced=announced))
        assert (await raw.ended()).code == 1009


async def test_fragments_over_the_limit_together_end_the_socket(place: Place) -> None:
    """At the fragment that is too much, whether it is the last or not."""
    half = b"x" * (LIMIT // 2)
    for fin in (True, False):
        async with raw_socket(place) as raw:
            await raw.send(a_frame(TEXT, half, fin=False), a_frame(CONT, half, fin=False), a_frame(CONT, b"x", fin=fin))
            assert (await raw.ended()).code == 1009
    async with raw_socket(place) as raw:
        await raw.send(a_frame(TEXT, half, fin=False), a_frame(CONT, b"", fin=False, announced=2**63 - 1))
        assert (await raw.ended()).code == 1009


async def test_half_a_frame_and_silence_is_silence(open_gateway: Open) -> None:
    """Its socket ends when nothing was heard for too long, as if it had sent nothing."""
    place = await open_gateway(Stream().granting(anna={NORTH: "technician"}), idle_seconds=1)

    async def stall(half: bytes) -> int | None:
        async with raw_socket(place, behind=[half]) as raw:
            return (await raw.closing()).code

    halves = (a_frame(TEXT, BEAT)[:1], a_frame(TEXT, BEAT)[:9], a_frame(TEXT, BEAT, fin=False))
    assert await asyncio.gather(*map(stall, halves)) == [4402] * 3


# 4.2 The handshake


@pytest.mark.parametrize(
    "head",
    [
        a_head(key=None),
        a_head(key="Sec-WebSocket-Key: "),
        a_head(key="Sec-WebSocket-Key: not base64!"),
        a_head(key="Sec-WebSocket-Key: c2hvcnQ="),
        a_head("Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="),
        a_head(version=None),
        a_head(version="Sec-WebSocket-Version: 8"),
        a_head("Sec-WebSocket-Version: 13"),
        a_head(connection=None),
        a_head(connection="Connection: keep-alive"),
        a_head(upgrade="Upgrade: websocket2"),
        a_head(upgrade="Upgrade: h2c, websocket"),
        a_head(request="POST /realtime/v1/websocket HTTP/1.1"),
        a_head(request="GET /realtime/v1/websocket HTTP/1.0"),
        a_head(request="GET /realtime/v1/websocket HTTP/2.0"),
        a_head(request="GET  /realtime/v1/websocket HTTP/1.1"),
        a_head(request="GET"),
        a_head(request="GET /r\xe9altime HTTP/1.1"),
        a_head(request="GET //[::1/websocket HTTP/1.1"),
        a_head(request="GET /realtime/v1/websocket?" + "a=b&" * 40 + " HTTP/1.1"),
        a_head(request="GET /realtime/v1/websocket?apikey=%ff%00%ed%a0%80&vsn=2.0.0 HTTP/1.1"),
        a_head(request="GET /realtime/v1/websocket?apikey=" + "x" * 9_000 + " HTTP/1.1"),
        a_head(" folded: line"),
        a_head("no colon"),
        a_head(": no name"),
        a_head("Bad Name: x"),
        a_head("Null: \x00"),
        a_head("X: \xff\xfe"),
        a_head("Bare: a\nb: c"),
        a_head(*(f"X-{number}: y" for number in range(200))),
        a_head("X-Long: " + "y" * 10_000),
        a_head("Content-Length: 5"),
        a_head("Content-Length: -1"),
        a_head("Transfer-Encoding: chunked"),
        a_head("Sec-WebSocket-Extensions: ;;;,,,="),
        a_head("Sec-WebSocket-Protocol: ,,,"),
        a_head("Connection: ,,;="),
        a_head("Authorization: Bearer \xff", request="GET /realtime/v1/websocket HTTP/1.1"),
        a_head("x-api-key: ", request="GET /realtime/v1/websocket HTTP/1.1"),
    ],
    ids=lambda head: head.decode("latin-1").replace("\r\n", " ")[:40] if isinstance(head, bytes) else None,
)
async def test_a_handshake_that_is_none_is_refused_with_a_word(place: Place, head: bytes) -> None:
    """With plain HTTP that says what is wrong, or as if nothing were: never in silence, never with a fault of ours."""
    async with raw_connection(place) as raw:
        await raw.send(head)
        status = int((await raw.answer()).split(b" ")[1])
        assert status == 101 or 400 <= status < 500
        if status == 101:
            await _lives(raw)


async def test_what_a_client_offers_is_not_taken(place: Place) -> None:
    """No extension and no subprotocol is agreed on, so no bit and no name may be used later."""
    async with raw_connection(place) as raw:
        await raw.send(
            a_head(
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Sec-WebSocket-Protocol: a, b"
            )
        )
        answer = await raw.answer()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-extensions" not in answer.lower()
        assert b"sec-websocket-protocol" not in answer.lower()
        await raw.send(a_frame(TEXT, BEAT, rsv=4))
        assert (await raw.ended()).code == 1002


async def test_whoever_goes_without_a_word_is_gone(place: Place, observed: Observed) -> None:
    """In the middle of a frame, of fragments, of a handshake; half-closed, or reset."""
    for sent in (
        b"",
        b"GET /",
        a_head(),
        a_head() + a_frame(TEXT, BEAT)[:7],
        a_head() + a_frame(TEXT, b"[", fin=False),
    ):
        async with raw_connection(place) as raw:
            await raw.send(sent)
        async with raw_connection(place) as raw:
            await raw.send(sent)
            raw.writer.write_eof()
            async with asyncio.timeout(10 * UNIT):
                await raw.reader.read()
    assert observed.of(TaskFailed) == []
