"""The program that stands between a parent and its child for a few milliseconds, then becomes the child.

Run as ``python -I -S launch.py <death signal> <parent pid> <uid> <gid> <family> <command> …``: uid and gid -1
to keep those of the parent, family 1 for a command that has children of its own. It imports nothing of ours and
little of Python: it may run as root.

It exists because a child that ends with its parent, *however* the parent ends, needs a call between fork and
exec: Python's ``preexec_fn`` makes that call in a copy of a threaded process and may hang there.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def drop_privileges(user: int, group: int) -> None:
    """Become ``user`` for good; supplementary groups of the parent would be a way back in."""
    os.setgroups([group])
    os.setgid(group)
    os.setuid(user)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel to send us ``death_signal`` when the parent ends; take it now if that has happened.

    Must follow every change of user: the kernel forgets the request there. Other systems than Linux have no
    such call; there a killed parent leaves children behind, and the next start finds and stops them.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def forget_inherited_signals() -> None:
    """Undo what the parent ignores or blocks: a shell's ``command &`` ignores SIGINT, and exec keeps that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def become(command: list[str]) -> NoReturn:
    """Become the command; one that cannot run ends as in a shell: 127 with a line on stderr."""
    try:
        os.execvp(command[0], command)  # noqa: S606 -- Becoming another program is what this one is for.
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


def stay_and_watch(command: list[str], parent: int) -> NoReturn:
    """Run the command beside us, and kill our whole process group when the parent ends.

    The kernel tells only a direct child of that end: what a shell has started would live on. Needs a process group
    of our own; whoever wants to stop us signals the group.
    """
    signal.signal(signal.SIGUSR1, lambda *_: os.killpg(0, signal.SIGKILL))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # The command has got it too; its answer is ours.
    child = os.fork()
    if child == 0:
        forget_inherited_signals()
        become(command)
    die_with(parent, signal.SIGUSR1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        forget_inherited_signals()
        os.kill(os.getpid(), -code)
    sys.exit(code)


def main(arguments: list[str]) -> NoReturn:
    """Do what the module says."""
    death_signal, parent, user, group, family = (int(argument) for argument in arguments[:5])
    command = arguments[5:]
    forget_inherited_signals()
    if user >= 0:
        drop_privileges(user, group)
    if family:
        stay_and_watch(command, parent)
    die_with(parent, death_signal)
    become(command)


if __name__ == "__main__":
    main(sys.argv[1:])
