"""Where a body ends: however its bytes are cut, the same comes of them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorcast.gateway.body import LONGEST_LINE, SPARE_FRAMING, Body, BodyRefused, expected_body

_MOST = 1_000

Outcome = tuple[bytes, bytes, bool] | tuple[str, str]


def _taken(body: Body, pieces: list[bytes]) -> Outcome:
    """The body's own bytes, those behind it and whether it is complete; or code and reason of the refusal."""
    own, behind = b"", b""
    try:
        for piece in pieces:
            if body.complete:
                behind += piece
                continue
            mine, rest = body.take(piece)
            own, behind = own + mine, behind + rest
    except BodyRefused as refused:
        return refused.code, refused.detail
    return own, behind, body.complete


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(bounds)]


def _chunks(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


_CUTS = st.lists(st.integers(0, 5_000))


@given(st.lists(st.binary(max_size=120), max_size=8), st.binary(max_size=40), _CUTS)
def test_chunks_are_joined_however_they_arrive(parts: list[bytes], behind: bytes, cuts: list[int]) -> None:
    """And not one byte behind them is taken."""
    data = _chunks(parts) + behind
    assert _taken(Body(None, _MOST), _cut(data, cuts)) == (b"".join(parts), behind, True)


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=40), _CUTS)
def test_so_many_bytes_are_taken_as_were_announced(own: bytes, behind: bytes, cuts: list[int]) -> None:
    """However they arrive."""
    assert _taken(Body(len(own), _MOST), _cut(own + behind, cuts)) == (own, behind, True)


@given(
    st.lists(st.sampled_from([b"3\r\nabc\r\n", b"0\r\n", b"\r\n", b"\n", b"\r", b"1;", b"x" * 200, b"3e8\r\n", b"5"])),
    _CUTS,
)
def test_nonsense_means_the_same_however_it_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    """Else somebody could choose, by the size of his packets, what is read."""
    data = b"".join(parts)
    assert _taken(Body(None, _MOST), _cut(data, cuts)) == _taken(Body(None, _MOST), [data])


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b" 1\r\n",
        b"1\n",
        b"1\r\r\n",
        b"1;a\rb\r\n",
        b"000000001\r\n",
        b"1\r\nabc\r\n",
        b"1\r\na\n",
        b"0\r\nX: y\n\r\n",
        b"1;" + b"x" * LONGEST_LINE,
        b"0\r\n" + b"X: yyyyyyyy\r\n" * (SPARE_FRAMING // 13 + 1),
        b"1\r\nx\r\n" * SPARE_FRAMING,
    ],
)
def test_chunks_that_are_not_well_formed_are_refused(data: bytes) -> None:
    """Another reader might understand them in another way; crumbs and endless lines cost more than they bring."""
    assert _taken(Body(None, SPARE_FRAMING), [data])[0] == "bad_request"


def test_chunks_are_refused_before_they_are_too_many() -> None:
    """By what they announce."""
    assert _taken(Body(None, 5), [_chunks([b"abc", b"de"])]) == (b"abcde", b"", True)
    assert _taken(Body(None, 5), [b"3\r\nabc\r\n3\r\n"])[0] == "body_too_large"


@pytest.mark.parametrize(
    ("headers", "length"),
    [("", None), ("Content-Length: 0\r\n", None), ("content-length:\t7 \r\n", 7), ("Content-Length: 1000\r\n", 1000)],
)
def test_a_length_is_read_from_the_head(headers: str, length: int | None) -> None:
    """None and zero are the same: nothing follows."""
    body = expected_body(f"POST / HTTP/1.1\r\n{headers}\r\n".encode(), _MOST)
    assert (body is None) == (length is None)
    if body is not None and length is not None:
        assert body.take(b"x" * length + b"rest") == (b"x" * length, b"rest")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ("Content-Length: 1001\r\n", "body_too_large"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "bad_request"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "bad_request"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "bad_request"),
        ("Content-Length: 5,5\r\n", "bad_request"),
        ("Content-Length: -5\r\n", "bad_request"),
        ("Content-Length: 0x5\r\n", "bad_request"),
        ("Content-Length:\r\n", "bad_request"),
        ("Transfer-Encoding: gzip, chunked\r\n", "bad_request"),
        ("Transfer-Encoding: identity\r\n", "bad_request"),
        ("X: y\nContent-Length: 5\r\n", "bad_request"),
        ("X: y\rContent-Length: 5\r\n", "bad_request"),
        ("X: y\r\n Content-Length: 5\r\n", "bad_request"),
    ],
)
def test_a_length_in_doubt_is_no_length(headers: str, code: str) -> None:
    """Smuggling begins where two read one head in two ways."""
    with pytest.raises(BodyRefused) as refused:
        expected_body(f"POST / HTTP/1.1\r\n{headers}\r\n".encode(), _MOST)
    assert refused.value.code == code


def test_there_are_no_chunks_in_the_old_version() -> None:
    """A proxy that speaks HTTP/1.0 would not know where they end."""
    with pytest.raises(BodyRefused):
        expected_body(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", _MOST)
