"""Answers the stack signal with the Python stacks of all threads, from C alone.

faulthandler writes into a file in memory, at a high descriptor: nothing on disk to clean up, to race
for or to redirect. Whoever asks reads ``/proc/PID/fd/N``, after checking that it still is this file:
a program that closes every descriptor may have given the number to a file of its own.
"""

import _signal  # type: ignore
import faulthandler
import os

_real_signal = _signal.signal

#: What ``/proc/PID/fd/N`` points to, as ``/memfd:rdg-stack (deleted)``.
NAME = "rdg-stack"

_signal_number = 0
_chained = False
_file = None  # type: object  # (descriptor, device, inode)


def install(number):
    # type: (int) -> object
    """Registers the signal. Returns ``{"fd", "path"}`` for the record, or None where it can't be."""
    global _signal_number
    _signal_number = number
    try:
        fd = _open()
        _register(fd)
    except (OSError, AttributeError, ValueError):
        return None
    return {"fd": fd, "path": "/proc/%d/fd/%d" % (os.getpid(), fd)}


def renew(number):
    # type: (int) -> object
    """Registers the signal where it isn't, or its file is gone. Returns what :func:`install` does."""
    if _file is not None:
        fd, device, inode = _file  # type: ignore
        try:
            info = os.fstat(fd)
            if (info.st_dev, info.st_ino) == (device, inode):
                faulthandler.unregister(number)
                _register(fd)
                return {"fd": fd, "path": "/proc/%d/fd/%d" % (os.getpid(), fd)}
        except OSError:
            pass
    return install(number)


class aside:
    """Takes the dump off the signal while the program changes what the signal does.

    faulthandler remembers the action that it found, and puts that one back: a handler that is
    installed over it would be lost. Entering gives the function that says whether the program's own
    handler is called after the dump.
    """

    def __enter__(self):
        # type: () -> object
        if _file is not None:
            faulthandler.unregister(_signal_number)
        return _set_chained

    def __exit__(self, *_):
        # type: (*object) -> None
        if _file is not None:
            _register(_file[0])  # type: ignore


def _register(fd):
    # type: (int) -> None
    """Puts faulthandler's handler above what is there.

    What is there comes back when it is unregistered, at the interpreter's end too: never the default
    action, by which a request that comes then would end the program.
    """
    if not _chained:
        try:
            _real_signal(_signal_number, _signal.SIG_IGN)
        except ValueError:
            pass  # not the main thread, which has done it at the start
    faulthandler.register(_signal_number, file=fd, all_threads=True, chain=_chained)


def _set_chained(chain):
    # type: (bool) -> None
    global _chained
    _chained = chain


def after_fork():
    # type: () -> None
    """Gives a forked child a file of its own, so that its stacks don't land among its parent's."""
    global _file
    if _file is None:
        return
    fd, device, inode = _file  # type: ignore
    _file = None
    faulthandler.unregister(_signal_number)
    try:
        stat = os.fstat(fd)
        if (stat.st_dev, stat.st_ino) != (device, inode):
            return
        os.close(fd)
    except OSError:
        return
    stack = install(_signal_number)
    from . import _session

    _session.current().stack = stack


def _open():
    # type: () -> int
    """Opens the file at a high descriptor, out of the way of a program that counts on low ones."""
    global _file
    low = os.memfd_create(NAME, getattr(os, "MFD_CLOEXEC", 1))
    try:
        # Opened once more for O_APPEND: several dumps follow each other, also after somebody truncated.
        append = os.open("/proc/self/fd/%d" % low, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    finally:
        os.close(low)
    fd = _free_descriptor(append)
    os.dup2(append, fd, False)
    os.close(append)
    stat = os.fstat(fd)
    _file = (fd, stat.st_dev, stat.st_ino)
    return fd


def _free_descriptor(taken):
    # type: (int) -> int
    """The highest free descriptor below the soft limit, but not above 1000."""
    limit = os.sysconf("SC_OPEN_MAX")
    for fd in range(min(limit if limit > 0 else 1024, 1000) - 1, taken, -1):
        try:
            os.fstat(fd)
        except OSError:
            return fd
    return taken
