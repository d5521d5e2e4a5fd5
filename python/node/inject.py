"""Has a running process that rdg never prepared arm itself, as ``rdg debug --lite`` would have.

Standard library only, Python 3.6 or later. What is brought in is a few lines that import remote_debug
from rdg's folder and call :func:`remote_debug._inject.arm`: a signal handler and a session record, no
port. From Python 3.14 on by Python itself (remote_exec.py); else, or where that has to wait, by gdb.

By gdb, in the order of what they ask of the process:

1. ``Py_AddPendingCall``, which needs no lock of Python's: the main thread runs the lines between two
   instructions of its own. Enough for a program that runs Python.
2. Where the main thread stands in a system call without the GIL (a sleep, a lock, a read) it may not come
   back for hours: then the queued call is run right there, by ``Py_MakePendingCalls`` with the GIL
   held.

In native code that doesn't sleep, or keeps the GIL, neither can be done: the call stays queued.
"""

import time

import beside
import lines
import remote_exec
import tracer
from process import Refused, read

#: Bytes before the lines: there the process says what came of them.
ANSWER = 2048
#: Seconds to wait for the lines to run, before and after the second step.
SOON = 1.5


def arm(process, options):
    """Arms the process; returns when it is.

    :raises Refused: it can't be done; ``queued`` where it will be done later.
    """
    tracer.check(process)
    end = time.time() + options.get("limitS", 60)
    try:
        script = remote_exec.Script(process, options)
    except beside.Unable as unable:
        return by_gdb(process, options, end, str(unable))
    needed = True
    try:
        if script.wait(SOON):
            return None
        # The main thread is in native code. If it sleeps there, gdb can get at it even so.
        try:
            program = tracer.find_gdb(process)
            queued = queue(program, process, options, end)
        except Refused:
            if script.wait(0):
                return None
            raise Refused("queued", where_it_is(process))
        # From here on there is a second one to do it.
        needed = False
        return finish(program, process, queued, end)
    finally:
        script.leave(needed)


def by_gdb(process, options, end, reason):
    """
    :param reason: why Python's own way failed, or "".
    :raises Refused: as :func:`arm` does.
    """
    try:
        program = tracer.find_gdb(process)
    except Refused as refused:
        if not reason:
            raise
        words = "%s, and Python's own way (sys.remote_exec) failed: %s" % (refused.detail, reason)
        raise Refused(refused.outcome, words)
    finish(program, process, queue(program, process, options, end), end)


def finish(program, process, queued, end):
    """Returns when the queued call has been made.

    :raises Refused: as :func:`arm` does.
    """
    page, has_gil = queued
    before = system_call(process)
    if wait(process, page, SOON):
        return
    if not has_gil and before is not None and before == system_call(process):
        here(program, process, end)
        if wait(process, page, SOON):
            return
    raise Refused("queued", where_it_is(process, has_gil))


def queue(program, process, options, end):
    """Step 1. The address of the answer, and whether the main thread holds the GIL."""
    data = b"\0" * ANSWER + lines.for_memory(options) + b"\0"
    size = (len(data) + 4095) // 4096 * 4096
    blank = data.index(lines.BLANK.encode())
    text = tracer.run(
        program,
        process,
        [
            "set $page = ((unsigned long(*)(void*,long,int,int,int,long))mmap)"
            "((void*)0, %dL, 3, 34, -1, 0L)" % size,
            "restore %(data)s binary $page",
            "set $n = $page",
            "set $i = %d" % (len(lines.BLANK) - 1),
            "while $i >= 0",
            "set {char}($page + %d + $i) = 48 + $n %%%% 10" % blank,
            "set $n = $n / 10",
            "set $i = $i - 1",
            "end",
            "set $gil = ((int(*)(void))PyGILState_Check)()",
            "set $failed = ((int(*)(void*,void*))Py_AddPendingCall)"
            "((void*)PyRun_SimpleString, (void*)($page + %d))" % ANSWER,
            'printf "rdg-queued %%lu %%d %%d\\n", $page, $gil, $failed',
        ],
        {"data": data},
        max(1, min(tracer.LIMIT, end - time.time())),
    )
    for line in text.splitlines():
        if line.startswith("rdg-queued "):
            page, gil, failed = line.split()[1:]
            if failed != "0":
                raise Refused("cannot-inject", "Python's queue of calls is full")
            return int(page), gil != "0"
    raise Refused("cannot-inject", "gdb said nothing")


def here(program, process, end):
    """Step 2, if the main thread still does without the GIL."""
    tracer.run(
        program,
        process,
        [
            "set $gil = ((int(*)(void))PyGILState_Check)()",
            "if $gil == 0",
            "set $state = ((int(*)(void))PyGILState_Ensure)()",
            "set $failed = ((int(*)(void))Py_MakePendingCalls)()",
            "call ((void(*)(int))PyGILState_Release)($state)",
            "end",
        ],
        None,
        max(1, min(tracer.LIMIT, end - time.time())),
    )


def wait(process, page, limit):
    """Whether the lines have run.

    :raises Refused: they have, and failed.
    """
    end = time.time() + limit
    while True:
        if not process.alive():
            raise Refused("gone")
        try:
            with open("/proc/%d/mem" % process.here, "rb", 0) as file:
                file.seek(page)
                said = file.read(ANSWER)
        except OSError as error:
            raise Refused("cannot-inject", "its answer can't be read: %s" % error)
        if lines.judge(said):
            return True
        if time.time() >= end:
            return False
        time.sleep(0.03)


def system_call(process):
    """Which system call the main thread stands in, and where; None for none, or where it isn't said."""
    try:
        text = read("/proc/%d/syscall" % process.here).decode("ascii", "replace").split()
    except OSError:
        return None
    return None if text[:1] in ([], ["running"], ["-1"]) else text


def where_it_is(process, has_gil=False):
    """Why the lines have not run, for people."""
    words = "its main thread is busy in native code"
    if has_gil:
        return words + " that keeps Python's lock (the GIL)"
    return words + " (a system call)" if system_call(process) else words
