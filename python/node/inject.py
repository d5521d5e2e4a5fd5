"""Has a running process that rdg never prepared arm itself, as ``rdg debug --lite`` would have.

Standard library only, Python 3.6 or later. What is brought in is a few lines that import remote_debug
from rdg's folder and call :func:`remote_debug._inject.arm`: a signal handler and a session record, no
port. Two ways: ``sys.remote_exec`` (Python 3.14, for which only its documentation was at hand), and
gdb.

By gdb, in the order of what they ask of the process:

1. ``Py_AddPendingCall``, which needs no lock of Python's: the main thread runs the lines between two
   instructions of its own. Enough for a program that runs Python.
2. Where the main thread stands in a system call without the GIL (a sleep, a lock, a read) it may not come
   back for hours: then the queued call is run right there, by ``Py_MakePendingCalls`` with the GIL
   held.

In native code that doesn't sleep, or keeps the GIL, neither can be done: the call stays queued.
"""

import json
import os
import subprocess
import tempfile
import time

import tracer
from process import Refused, exe_of, read

#: Bytes before the lines: there the process says what came of them.
ANSWER = 2048
#: Seconds to wait for the lines to run, before and after the second step.
SOON = 1.5

#: The lines. Must end well whatever happens: an error would come up in the midst of the program. They
#: have to parse on every Python. ``at`` is where the answer goes, or 0 for a file.
LINES = '''\
try:
    exec(%r, {"__name__": "rdg_inject", "at": int("%s")})
except BaseException:
    pass
'''
CODE = '''\
import sys
def say(text):
    data = text.encode("utf-8", "replace")[:2000] + b"\\0"
    if at:
        file = open("/proc/self/mem", "r+b", 0)
        file.seek(at)
    else:
        file = open(answer, "wb", 0)
    file.write(data)
    file.close()
folder = %(folder)r
answer = %(answer)r
try:
    if sys.version_info < (3, 8):
        raise RuntimeError("it is Python %%d.%%d, rdg needs 3.8 or newer" %% sys.version_info[:2])
    sys.path.insert(0, folder)
    try:
        from remote_debug import _inject
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    say(_inject.arm(%(config)r))
except KeyboardInterrupt:
    import _thread
    _thread.interrupt_main()
except BaseException as error:
    say("error " + (str(error) or type(error).__name__))
'''
#: Stands for the address in the lines; gdb writes the digits over it.
BLANK = "0" * 20


def lines_for(options, answer=""):
    """The lines as bytes, with a blank in the place of the address."""
    code = CODE % {
        "folder": options["folder"],
        "answer": answer,
        "config": json.dumps(options["config"]),
    }
    return (LINES % (code, BLANK)).encode("ascii", "backslashreplace")


def arm(process, options):
    """Arms the process; returns when it is.

    :raises Refused: it can't be done; ``queued`` where it will be done later.
    """
    tracer.check(process)
    end = time.time() + options.get("limitS", 60)
    queued = by_remote_exec(process, options)
    if queued is True:
        return
    try:
        program = tracer.find_gdb(process)
    except Refused:
        if queued is None:
            raise
        raise Refused("queued", where_it_is(process))
    page, has_gil = queue(program, process, options, end)
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
    data = b"\0" * ANSWER + lines_for(options) + b"\0"
    size = (len(data) + 4095) // 4096 * 4096
    blank = data.index(BLANK.encode())
    text = tracer.run(
        program,
        process,
        [
            "set $page = ((unsigned long(*)(void*,long,int,int,int,long))mmap)"
            "((void*)0, %dL, 3, 34, -1, 0L)" % size,
            "restore %(data)s binary $page",
            "set $n = $page",
            "set $i = %d" % (len(BLANK) - 1),
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
                said = file.read(ANSWER).split(b"\0")[0].decode("utf-8", "replace")
        except OSError as error:
            raise Refused("cannot-inject", "its answer can't be read: %s" % error)
        if said:
            return judge(said)
        if time.time() >= end:
            return False
        time.sleep(0.03)


def judge(said):
    if said.startswith("error "):
        raise Refused("cannot-inject", said[6:])
    return True


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


# Python 3.14's own way. Documented in https://docs.python.org/3.14/library/sys.html#sys.remote_exec and
# https://docs.python.org/3.14/howto/remote_debugging.html; no 3.14 was at hand to run it.


def by_remote_exec(process, options):
    """True when it has armed the process, False when its lines wait to be run, None when it can't be
    used."""
    interpreter = "/proc/%d/exe" % process.here
    if not may_remote_exec(process.environment, version_of(process)):
        return None
    folder = tempfile.mkdtemp(prefix="rdg-")
    script = os.path.join(folder, "script.py")
    answer = os.path.join(folder, "answer")
    with open(script, "wb") as file:
        file.write(lines_for(options, answer))
    # The target's own program, so the versions are the same.
    code = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
    environment = dict(os.environ)
    libraries = (process.environment or {}).get("LD_LIBRARY_PATH")
    if libraries:
        environment["LD_LIBRARY_PATH"] = libraries
    try:
        done = subprocess.run(
            [interpreter, "-I", "-S", "-c", code, str(process.here), script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode != 0:
        return None
    end = time.time() + SOON
    while time.time() < end:
        if os.path.exists(answer):
            with open(answer, "rb") as file:
                said = file.read().split(b"\0")[0].decode("utf-8", "replace")
            if said:
                return judge(said)
        time.sleep(0.03)
    # The script has to stay: it may be read at any time later.
    return False


def version_of(process):
    """``(3, 14)`` by the names of the process's program and library, or None."""
    import re

    texts = [os.path.basename(exe_of(process.here) or "")]
    try:
        texts.append(read("/proc/%d/maps" % process.here).decode("utf-8", "replace"))
    except OSError:
        pass
    for text in texts:
        match = re.search(r"python(\d)\.(\d+)", text)
        if match:
            return int(match.group(1)), int(match.group(2))
    return None


def may_remote_exec(environment, version):
    """Whether a process takes scripts that way, as far as can be told from outside."""
    if version is None or version < (3, 14):
        return False
    return not (environment or {}).get("PYTHON_DISABLE_REMOTE_DEBUG")
