"""Reads the Python stacks of processes that rdg has not prepared: by py-spy, and by gdb where the person
allows that it stops the process for a second.

Standard library only, Python 3.6 or later. py-spy reads memory; gdb calls ``_Py_DumpTracebackThreads``,
which takes no lock and so works while the GIL is held, and leaves nothing behind.
"""

import os
import subprocess
import threading

import tracer
from process import Refused, config_of, find_program, is_python

#: Processes that are looked into at a time.
PARALLEL = 8


class Seen:
    """What came of one process: ``via`` and ``text``, or ``outcome`` and ``detail``."""

    def __init__(self, via=None, text="", outcome="", detail=""):
        self.via = via
        self.text = text
        self.outcome = outcome
        self.detail = detail


def why_unarmed(process, path):
    """Why the stack signal can't be used."""
    config = config_of(process.environment)
    modes = config.get("modes", ())
    if config and not {"lite", "wait"} & set(modes):
        return "it is armed for a crash only (%s)" % ", ".join(modes)
    if process.known or (config and path is not None):
        if path is None:
            return "the program closed the file that its stacks are written to"
        return "the program took the handler of signal %d away" % process.signal
    return 'it was not started by "rdg debug"'


def look(pairs, options):
    """Looks into several processes; yields ``(question, Seen)`` a batch at a time.

    :param pairs: questions, and why each can't be asked by the signal.
    :param options: ``limit`` in seconds; ``gdb``: whether it may be used.
    """
    for at in range(0, len(pairs), PARALLEL):
        batch = []
        for question, reason in pairs[at : at + PARALLEL]:
            seen = []
            arguments = (question.process, reason, options, seen)
            thread = threading.Thread(target=_one, args=arguments)
            thread.daemon = True
            thread.start()
            batch.append((question, thread, seen))
        for question, thread, seen in batch:
            thread.join()
            yield question, seen[0] if seen else Seen(outcome="failed", detail="it can't be asked")


def _one(process, reason, options, seen):
    try:
        seen.append(_look(process, reason, options))
    except Refused as refused:
        seen.append(Seen(outcome=refused.outcome, detail=refused.detail))
    except Exception as error:
        seen.append(Seen(outcome="failed", detail="%s: %s" % (type(error).__name__, error)))


def _look(process, reason, options):
    """One process."""
    if not is_python(process.here):
        from process import exe_of

        name = os.path.basename(exe_of(process.here) or "?")
        return Seen(outcome="unarmed", detail="%s, and it is no Python (%s)" % (reason, name))
    state = process.stat()[0]
    if state in (b"T", b"t"):
        # Only a process that runs, or waits, is stopped and continued without a trace.
        return Seen(outcome="stopped", detail=process.why_silent())
    program = find_program("py-spy", process)
    if program is not None:
        seen = by_py_spy(program, process, reason, options["limit"])
        if seen.via is not None or not options["gdb"]:
            return seen
        reason = seen.detail
    elif not options["gdb"]:
        where = "is not on PATH on %s" % os.uname()[1]
        words = "%s, and py-spy, which could look from outside, %s" % (reason, where)
        return Seen(outcome="unarmed", detail=words + "; --inject has gdb do it")
    try:
        return by_gdb(process, options["limit"])
    except Refused as refused:
        if refused.outcome == "gone":
            raise
        return Seen(outcome=refused.outcome, detail="%s, and %s" % (reason, refused.detail))


def by_py_spy(program, process, reason, limit):
    words = [program, "dump", "--json", "--pid", str(process.here)]
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        return Seen(outcome="unarmed", detail="%s, and py-spy failed: %s" % (reason, error))
    try:
        out, error = child.communicate(timeout=max(limit, 0.1))
    except subprocess.TimeoutExpired:
        # It may have the process stopped: asked to end, it lets it go on.
        child.terminate()
        try:
            child.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
        return Seen(outcome="late", detail=reason + ", and py-spy gave no answer in time")
    text = out.decode("utf-8", "replace").strip()
    if child.returncode == 0 and text.startswith("["):
        return Seen(via="py-spy", text=text)
    complaint = error.decode("utf-8", "replace")
    lines = complaint.strip().split("\n")
    said = next((line for line in lines if line.strip()), "no reason given")
    said = said[7:] if said.startswith("Error: ") else said
    scope = tracer.scope_words() if "ermission" in complaint else ""
    detail = "%s, and py-spy failed: %s%s" % (
        reason,
        said.strip()[:200],
        " (%s)" % scope if scope else "",
    )
    return Seen(outcome="unarmed", detail=detail)


def by_gdb(process, limit):
    """
    :raises Refused: it can't be.
    """
    tracer.check(process)
    program = tracer.find_gdb(process)
    text = tracer.run(
        program,
        process,
        [
            # The other threads stand still meanwhile, so nothing changes under the writing.
            "set scheduler-locking on",
            "set $page = ((unsigned long(*)(void*,long,int,int,int,long))mmap)"
            "((void*)0, 4096L, 3, 34, -1, 0L)",
            "set $fd = ((int(*)(void*,unsigned))memfd_create)((void*)$page, 0)",
            "call ((void*(*)(int,void*,void*))_Py_DumpTracebackThreads)($fd, (void*)0, (void*)0)",
            'eval "shell echo rdg-begin; cat /proc/%(pid)d/fd/%%d; echo rdg-end", $fd',
            "call ((int(*)(int))close)($fd)",
            "call ((int(*)(void*,long))munmap)((void*)$page, 4096L)",
        ],
        limit=max(limit, tracer.LIMIT),
    )
    dump = text.partition("rdg-begin\n")[2].partition("rdg-end\n")[0]
    if not dump.strip():
        raise Refused("cannot-inject", "gdb read no stacks")
    return Seen(via="gdb", text=dump)
