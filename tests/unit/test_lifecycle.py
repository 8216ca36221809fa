"""What a process asks of its system before it begins."""

import resource
from collections.abc import Iterator

import pytest

from floorcast.lifecycle import allow_files


@pytest.fixture
def hard() -> Iterator[int]:
    """The most that this process may have; what it has is put back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_is_given_the_files_that_it_asks_for(hard: int) -> None:
    """Else the thousandth screen would find a gateway that cannot open its socket."""
    assert allow_files(600) == 600
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (600, hard)
    assert allow_files(100) == 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 600, "what it has is not taken away"


def test_a_process_is_told_when_it_cannot_have_them(hard: int) -> None:
    """It then opens fewer sockets, and sends the others away with a word."""
    if hard == resource.RLIM_INFINITY:
        pytest.skip("nothing is too much here")
    assert allow_files(hard + 1) == hard
