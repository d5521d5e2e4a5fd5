"""Reads the Python stacks of processes that rdg has not prepared: by py-spy, by Python's own reader of
another process's stacks from 3.14 on, and by gdb where the person allows that it stops the process for a
second.

Standard library only, Python 3.6 or later. The first two read memory; gdb calls
``_Py_DumpTracebackThreads``, which takes no lock and so works while the GIL is held, and leaves nothing
behind.
"""

import json
import os
import re
import subprocess
import threading

import beside
import tracer
from process import Refused, config_of, find_program, is_python, read

#: Processes that are looked into at a time.
PARALLEL = 8

#: Prints what ``_remote_debugging`` of CPython 3.14 reads, a module without a promise to stay: threads as
#: ``[kernel's id, [[file, line, function], …]]``. The process runs meanwhile, so a stack may be of two
#: moments, or not be there to read: one that is read twice alike is whole. An empty one may be that of a
#: thread that was held up between two frames, so it gets the time to go on.
READER = """
import json, sys, time
from _remote_debugging import RemoteUnwinder
unwinder = RemoteUnwinder(int(sys.argv[1]), all_threads=True)
end = time.time() + float(sys.argv[2])
before = None
for turn in range(20):
    try:
        threads = [
            [thread.thread_id, [[frame.filename, frame.lineno, frame.funcname] for frame in thread.frame_info]]
            for thread in unwinder.get_stack_trace()
        ]
    except Exception:
        if time.time() >= end or turn == 19 and before is None:
            raise
        time.sleep(0.01)
        continue
    if time.time() >= end:
        break
    if threads == before:
        if all(frames for _, frames in threads):
            break
        time.sleep(0.01)
    before = threads
print(json.dumps(threads))
"""


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
            try:
                os.readlink("/proc/%d/cwd" % process.here)  # allowed to whom its descriptors are
            except PermissionError:
                reason = tracer.why_not_readable(process.here, process.status())
                return "the file that its stacks are written to can't be reached: %s" % reason
            except OSError:
                raise Refused("gone")
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

        program = exe_of(process.here)
        name = " (%s)" % os.path.basename(program) if program else ""
        return Seen(outcome="unarmed", detail="%s, and it is no Python%s" % (reason, name))
    state = process.stat()[0]
    if state in (b"T", b"t"):
        # Only a process that runs, or waits, is stopped and continued without a trace.
        return Seen(outcome="stopped", detail=process.why_silent())
    program = find_program("py-spy", process)
    if program is not None:
        seen = by_py_spy(program, process, reason, options["limit"])
        if seen.via is not None:
            return seen
    else:
        where = "is not on PATH on %s" % os.uname()[1]
        words = "%s, and py-spy, which could look from outside, %s" % (reason, where)
        seen = Seen(outcome="unarmed", detail=words + "; --inject has gdb do it")
    try:
        return by_python(process, options["limit"])
    except beside.Unable as unable:
        if str(unable):
            seen.detail += "; Python's own reader failed: %s" % unable
    if not options["gdb"]:
        return seen
    if program is not None:
        reason = seen.detail
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


def by_python(process, limit):
    """
    :raises beside.Unable: it can't be.
    """
    text = beside.run(process, READER, [str(limit)], limit + 5)
    names = thread_names(process)
    first = names.get(process.here, (process.here, None))[0]
    named = dict(names.values())
    try:
        threads = [
            {
                "pid": first,
                "thread_id": number,
                "os_thread_id": number,
                "thread_name": named.get(number),
                # The name alone, as all others say it.
                "frames": [
                    {"filename": file, "line": line, "name": name.rpartition(".")[2]}
                    for file, line, name in frames
                ],
            }
            for number, frames in json.loads(text)
        ]
    except (TypeError, ValueError):
        threads = []
    if not threads:
        raise beside.Unable("it read no stacks")
    return Seen(via="python", text=json.dumps(threads))


def thread_names(process):
    """By the number of a thread on this node: its number for the process, which may have a namespace of its
    own, and what the kernel calls it. Python 3.14 gives it the first 15 bytes of its own name."""
    names = {}
    folder = "/proc/%d/task" % process.here
    try:
        for number in os.listdir(folder):
            text = read("%s/%s/status" % (folder, number)).decode("utf-8", "replace")
            inner = re.search(r"^NSpid:.*?(\d+)$", text, re.M)
            name = read("%s/%s/comm" % (folder, number)).decode("utf-8", "replace").rstrip("\n")
            names[int(number)] = (int(inner.group(1) if inner else number), name)
    except OSError:
        pass  # threads end meanwhile
    return names


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
