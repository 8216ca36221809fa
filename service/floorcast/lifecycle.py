"""From start to end of a process: signals, the parts that run side by side, and how long stopping may take.

A signal never interrupts anything: it sets the *stop* event, which each part awaits where it may leave. What
has not left after the drain deadline, or at a second signal, is cancelled.
"""

import asyncio
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvloop

from floorcast.errors import FloorcastError
from floorcast.observe import ProcessStarted, ProcessStopping, TaskFailed, observe

Part = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Something that runs until the event is set, then drains and returns. Returning earlier is a failure."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a service manager, a closed terminal: all ask for the same."""

DRAIN_SECONDS = 10.0


class EndedTooEarly(FloorcastError):  # noqa: N818 — reads as an event, which it is
    """A part returned although nobody had asked it to: a bug, so the process ends and is started anew."""


def run_process(component: str, main: Part, *, drain_seconds: float = DRAIN_SECONDS) -> int:
    """Run ``main`` on a fresh event loop until it returns; give back the process's exit code.

    0: it returned, asked or not. 1: it failed; errors of ours are told by their sentence, others at length.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(component, main, drain_seconds))
    except Exception as error:  # noqa: BLE001 — the last place where a failure can be told at all
        causes = list(_causes(error))
        if all(isinstance(cause, FloorcastError) for cause in causes):
            for sentence in dict.fromkeys(str(cause) for cause in causes):
                sys.stderr.write(f"{sentence}\n")
        else:
            traceback.print_exception(error)
        return 1
    return 0


def allow_files(wanted: int) -> int:
    """Let this process open `wanted` files and sockets, or as many as it may; returns how many.

    A service manager starts processes with 1,024 so that old programs do not break, and lets new ones ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


async def run_parts(stop: asyncio.Event, **parts: Part) -> None:
    """Run parts side by side; the first that fails or returns unasked cancels the others and is raised."""
    async with asyncio.TaskGroup() as group:
        for name, part in parts.items():
            group.create_task(_watched(name, part, stop), name=name)


async def _watched(name: str, part: Part, stop: asyncio.Event) -> None:
    try:
        await part(stop)
    except Exception as error:
        observe(TaskFailed(component=name, error=repr(error)))
        raise
    if not stop.is_set():
        raise EndedTooEarly(f"The part {name} ended by itself. Nothing committed is lost; the process ends.")


async def _until_stopped(component: str, main: Part, drain_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    task = loop.create_task(main(stop), name=component)

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            task.cancel()  # Asked twice: somebody is in a hurry.
            return
        observe(ProcessStopping(component=component, reason=number.name))
        stop.set()
        loop.call_later(drain_seconds, task.cancel)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    observe(ProcessStarted(component=component))
    try:
        await task
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Every single error in a group of groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _causes(part)
    else:
        yield error
