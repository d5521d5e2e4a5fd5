"""Wakes chosen processes on this node, and says what came of it.

Carried as text, with the files that it imports, and run on a compute node (../helpers.ts): standard
library only, Python 3.6 or later. Reads /proc and the session records; sends at most two signals to
a process, and only after it has checked that the process is mine, is the one that was meant, belongs
to the job and has a handler for the signal: to any other the signal would be the end.

The arguments, joined, are one JSON object::

    {"job": "36" or null, "jobVariables": [...], "jobAliases": [...],
     "element": {"pattern", "variables", "none"} or null, "nodeVariables": [...], "node": "n1" or null,
     "state": "/path" or null,
     "processes": [[host or null, pid, startTime or null, pid namespace or null, signal or null], ...],
     "waitS": 60, "stuckAfterS": 3, "inject": {"folder": "/path", "config": {...}} or null}

``inject`` has a process that rdg never prepared be prepared first (inject.py).

It says (pieces.py) ``node`` once, and about a process, with its ``pid`` and the ``namespace`` that was
asked for, ``process`` (``outcome`` and ``detail``), then for each woken one ``stuck`` (``stacks``),
``ready`` (``record``), ``ended`` or ``late``; ``done`` at the end. The reader is ../wake.ts.
"""

import errno
import json
import os
import signal
import sys
import time

from pieces import say
from process import Refused, ancestors, config_of, environment_of, has_signal, is_here, node_names
from records import Recorded, login_host


class Sleeper(Recorded):
    """One process that is to be woken."""

    def __init__(self, request, row):
        Recorded.__init__(self, request, row)
        self.signalled = False
        self.told = False
        self.guard = None

    def tell(self, kind, node, **values):
        """Says something of this process; containers on one node begin to count at 1, each of them."""
        say(kind, node=node, pid=self.pid, namespace=self.namespace, **values)

    def is_ready(self, record, waited, request):
        """Whether an editor can attach, and the program stands still for it.

        One that listened before may be busy in native code: it can be attached to all the same.
        """
        if not record or record["state"] == "armed" or not record["address"]:
            return False
        runs = self.signalled and record["state"] == "listening" and record.get("waiting") is False
        return not runs or self.told or waited >= request["waitS"]

    def check_handler(self, record):
        """
        :raises Refused: the signal would end the process, or do nothing.
        """
        number = self.signal or (record or {}).get("signal")
        config = config_of(self.environment)
        self.signal = number or config.get("signal") or signal.SIGRTMIN + 6
        status = self.status()
        if has_signal(status["SigCgt"], self.signal):
            if record is None and not config and not self.known:
                raise Refused("unprepared", "its handler for signal %d is not rdg's" % self.signal)
            return
        if self.known or record is not None:
            if record is not None and "lite" not in record["modes"] and "wait" not in record["modes"]:
                raise Refused("not-lite", ", ".join(record["modes"]))
            if has_signal(status["SigIgn"], self.signal):
                raise Refused("lost", "the program ignores signal %d now" % self.signal)
            raise Refused("lost", "the program took the handler of signal %d away" % self.signal)
        if config:
            if not {"lite", "wait"} & set(config.get("modes", ())):
                raise Refused("not-lite", ", ".join(config.get("modes", ())))
            if "remote_debug" not in (self.environment or {}).get("PYTHONPATH", ""):
                raise Refused("lost", "PYTHONPATH was cleared or replaced on the way to it")
            unseen = self.unseen_folder()
            if unseen:
                raise Refused("lost", "its container doesn't show it %s" % unseen)
            raise Refused("lost", "it is no Python, or ignores PYTHONPATH (-I, -E, -S)")
        for pid in ancestors(self.here):
            if config_of(environment_of(pid)):
                raise Refused("lost", "the environment was cleared between process %d and it" % pid)
        raise Refused("unprepared")

    def unseen_folder(self):
        """rdg's folder on PYTHONPATH where the process has a root folder in which it is missing, or None."""
        root = "/proc/%d/root" % self.here
        for entry in self.environment["PYTHONPATH"].split(":"):
            if entry.endswith("/remote_debug/_site") and os.path.isdir(root + "/proc"):
                return None if os.path.isdir(root + entry) else entry
        return None

    def lock(self):
        """Makes this the only helper that wakes the process. False when another one is at it.

        A second signal would meet the handler while it opens the debugger. An abstract socket goes
        with its owner, however that ends.
        """
        import socket

        self.guard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self.guard.bind("\0rdg-wake-%d-%d-%d" % (os.getuid(), self.here, self.start))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
        return True

    def stacks(self, record):
        """Python's stacks of all threads, or None: asked for by the stack signal.

        Only where the file that they are written to is still rdg's own: a program that closed all
        its descriptors may have a file of its own in that place.
        """
        number = (record or {}).get("stackSignal") or config_of(self.environment).get("stackSignal")
        number = number or signal.SIGRTMIN + 7
        stack = (record or {}).get("stack") or {}
        path = self.stack_file(stack.get("fd"))
        if path is None or not has_signal(self.status()["SigCgt"], number):
            return None
        before = os.stat(path).st_size
        self.send(number)
        size = before
        end = time.time() + 2
        while time.time() < end:
            time.sleep(0.03)
            now = os.stat(path).st_size
            if now == size and now > before:
                break
            size = now
        with open(path, "rb") as file:
            file.seek(before)
            return file.read(256 * 1024).decode("utf-8", "replace") or None


def wake(process, node):
    """Checks and signals one process. True when its answer has to be waited for."""
    try:
        process.find()
        process.check()
        record = process.record()
        if record and record["state"] in ("crashed", "attached"):
            process.tell("process", node, outcome="already")
            return True
        # After a detach it listens, but runs on: it is signalled as well, so that it waits again.
        if record and record["state"] == "listening" and record.get("waiting"):
            process.tell("process", node, outcome="already")
            return True
        try:
            if process.request.get("inject") is None:
                process.check_handler(record)
            else:
                prepare(process, record, node)
        except Refused:
            # start_debugger() without "rdg debug": nothing to signal, but it can be attached to.
            if not record or record["state"] == "armed":
                raise
            process.tell("process", node, outcome="already")
            return True
        if process.lock():
            process.send(process.signal)
        process.signalled = True
        process.tell("process", node, outcome="signalled")
        return True
    except Refused as refused:
        process.tell("process", node, outcome=refused.outcome, detail=refused.detail)
    except OSError as error:
        process.tell("process", node, outcome="failed", detail=str(error))
    return False


def prepare(process, record, node):
    """Has the process get a handler, where it has none.

    :raises Refused: it can't be done.
    """
    try:
        return process.check_handler(record)
    except Refused as refused:
        if refused.outcome not in ("unprepared", "not-lite", "lost"):
            raise
    import inject

    process.tell("injecting", node)
    inject.arm(process, process.request["inject"])
    process.known = True
    process.signal = None
    return process.check_handler(process.record())


def wait(processes, node, request):
    """Waits until each has said that it listens, and tells what keeps those that don't."""
    begin = time.time()
    pause = 0.01
    while processes:
        waited = time.time() - begin
        for process in list(processes):
            record = process.record()
            if process.is_ready(record, waited, request):
                process.tell("ready", node, record=record, login=login_host(record))
            elif not process.alive():
                process.tell("ended", node)
            elif waited >= request["waitS"]:
                process.tell("late", node)
            else:
                if waited >= request["stuckAfterS"] and not process.told:
                    process.told = True
                    tell_stuck(process, node, record)
                continue
            processes.remove(process)
            if process.guard:
                process.guard.close()
        if processes:
            time.sleep(pause)
            pause = min(pause * 1.3, 0.2)


def tell_stuck(process, node, record):
    try:
        stacks = process.stacks(record)
        reason = process.why_silent()
    except (OSError, Refused):
        return
    listens = bool(record) and record["state"] != "armed"
    # Its handler runs already when rdg's own code is on a stack: debugpy is being loaded. One that
    # listens has threads of rdg's in any case.
    opening = not listens and stacks is not None and "remote_debug" in stacks
    process.tell(
        "stuck",
        node,
        stacks=stacks,
        detail=reason,
        opening=opening,
        listens=listens,
    )


def main():
    request = json.loads("".join(sys.argv[1:]))
    names = node_names(request)
    node = names[0]
    say("node", node=node)
    # The scheduler may know a node by its full name, the node itself by the short one.
    short = [name.split(".")[0] for name in names]
    rows = [row for row in request["processes"] if row[0] is None or row[0].split(".")[0] in short]
    waiting = []
    for row in rows:
        process = Sleeper(request, row)
        if row[0] is None and not is_here(row[1], request, names):
            process.tell("process", node, outcome="not-here")
        elif wake(process, node):
            waiting.append(process)
    if request["waitS"] <= 0:
        # What listens already needs no wait.
        waiting = [process for process in waiting if not process.signalled]
    wait(waiting, node, request)
    say("done", node=node)
