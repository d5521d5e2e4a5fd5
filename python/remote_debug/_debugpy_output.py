"""The program's output on its way to a client that wants it (``redirectOutput``; VS Code does).

debugpy sends each write as a message of its own, by a queue without an end, and goes on with that when
the client has left. So a program that prints a lot had filled its memory, the client got its answers
minutes late, and its adapter broke (seen up to 1.8.21). Here the messages are counted, and over at a
detach. Nothing is lost by that: the program writes to its own output as well.
"""

import sys
import time

#: Messages that may be on their way at once …
BURST = 8000.0
#: … and how many of them an adapter is through with in a second, on a slow node.
RATE = 2000.0
#: A message of this many characters counts twice.
LONG = 2000.0

#: debugpy's streams that the program had. They live as long as the process: ``print`` holds none of them
#: while it writes, and a thread may be in the midst of that (3.11, 3.13: it ended the process).
_streams = []  # type: list
_bound = False  # whether the session is rdg's

LEFT_OUT = "\n[rdg] Output is left out here: there is more than a debugger can take\n"


class Allowance:
    """How much may be sent now. A gap, once begun, lasts until a second's worth can be sent in one piece."""

    def __init__(self, now):
        # type: (float) -> None
        self._left = BURST
        self._at = now
        self._in_gap = False

    def take(self, length, now):
        # type: (int, float) -> object
        """True where a text of that length may be sent, None where a gap begins with it, else False."""
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < (RATE if self._in_gap else 1.0):
            began, self._in_gap = not self._in_gap, True
            return None if began else False
        self._in_gap = False
        self._left -= 1.0 + length / LONG
        return True


def bound(py_db):
    # type: (object) -> None
    """After ``listen``: no more output is sent to a client than it can take, and none where none is."""
    global _bound
    from _pydevd_bundle.pydevd_net_command import NULL_NET_COMMAND

    _bound = True
    allowance = Allowance(time.monotonic())
    factory = py_db.cmd_factory  # type: ignore
    make, add = factory.make_io_message, py_db.writer.add_command  # type: ignore

    def make_io_message(text, kind):
        # type: (str, object) -> object
        # Writes of a stream that the program has taken hold of, into a logging handler for one, come
        # here for ever.
        verdict = py_db.is_attached() and allowance.take(len(text), time.monotonic())  # type: ignore
        if verdict:
            return make(text, kind)
        return make(LEFT_OUT, kind) if verdict is None else NULL_NET_COMMAND

    def add_command(command):
        # type: (object) -> None
        if command is not NULL_NET_COMMAND:
            add(command)

    factory.make_io_message = make_io_message
    py_db.writer.add_command = add_command  # type: ignore


def end(py_db):
    # type: (object) -> None
    """The client has left: the program has its own streams back, and what is still queued goes nowhere."""
    from _pydevd_bundle import pydevd_io
    from _pydevd_bundle.pydevd_comm_constants import CMD_WRITE_TO_CONSOLE

    for name in ("stdout", "stderr"):
        info = getattr(pydevd_io._RedirectionsHolder, "_pydevd_%s_redirect_" % name)
        # One that the program has put its own around stays; nothing is sent from it.
        if info is not None and getattr(sys, name) is info.redirect_to:
            _streams.append(info.redirect_to)
            pydevd_io.stop_redirect_stream_to_pydb_io_messages(name)
    queue = py_db.writer._cmd_queue  # type: ignore
    with queue.mutex:
        kept = [command for command in queue.queue if command.id != CMD_WRITE_TO_CONSOLE]
        queue.queue.clear()
        queue.queue.extend(kept)


def after_fork():
    # type: () -> None
    """In a forked child: the streams are its own again, and wait for nobody.

    A thread that was in the midst of a write at the fork isn't there to end it. Locks and marks of
    debugpy's streams would stay as they were: the first ``print`` would wait for ever, or write nothing.
    """
    if not _bound:
        return
    from _pydevd_bundle import pydevd_constants, pydevd_io

    pydevd_constants.after_fork()  # the locks
    infos = []
    for name in ("stdout", "stderr"):
        info = getattr(pydevd_io._RedirectionsHolder, "_pydevd_%s_redirect_" % name)
        if info is not None:
            infos.append((name, info.redirect_to))
    # A logging handler may have taken hold of one, or the program may have put its own around.
    for stream in _streams + [stream for _, stream in infos]:
        stream._writing = False
        if "buffer" in vars(stream):
            stream.buffer._writing = False
    for name, stream in infos:
        _streams.append(stream)
        if getattr(sys, name) is stream:
            pydevd_io.stop_redirect_stream_to_pydb_io_messages(name)
