"""The program that stands between a parent and its child for a few milliseconds, then becomes the child.

Run as ``python -I -S launch.py <death signal> <parent pid> <uid> <gid> <command> …``, uid and gid -1 to keep
those of the parent. It imports nothing of ours and little of Python: it may run as root.

It exists because a child that ends with its parent, *however* the parent ends, needs a call between fork and
exec: Python's ``preexec_fn`` makes that call in a copy of a threaded process and may hang there.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHANED = 143  # As a shell reports SIGTERM.


def drop_privileges(user: int, group: int) -> None:
    """Become ``user`` for good; supplementary groups of the parent would be a way back in."""
    os.setgroups([group])
    os.setgid(group)
    os.setuid(user)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel to send us ``death_signal`` when the parent ends; leave now if it already has.

    Must follow every change of user: the kernel forgets the request there. Other systems than Linux have no
    such call; there a killed parent leaves children behind, and the next start finds and stops them.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(ORPHANED)


def forget_inherited_signals() -> None:
    """Undo what the parent ignores or blocks: a shell's ``command &`` ignores SIGINT, and exec keeps that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def main(arguments: list[str]) -> None:
    """Become the command; a command that cannot run ends as a shell would end: 127 with a line on stderr."""
    death_signal, parent, user, group = (int(argument) for argument in arguments[:4])
    command = arguments[4:]
    forget_inherited_signals()
    if user >= 0:
        drop_privileges(user, group)
    die_with(parent, death_signal)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- Becoming another program is what this one is for.
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
