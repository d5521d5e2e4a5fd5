"""Wakes chosen processes on this node, and says what came of it.

Carried as text and run as ``python -I -S -c <this> <request>…`` on a compute node: one file, standard
library only, Python 3.6 or later. Reads /proc and the session records; sends at most two signals to
a process, and only after it has checked that the process is mine, is the one that was meant, belongs
to the job and has a handler for the signal: to any other the signal would be the end.

The arguments, joined, are one JSON object::

    {"job": "36" or null, "jobVariables": [...], "jobAliases": [...],
     "element": {"pattern", "variables", "none"} or null, "nodeVariables": [...], "node": "n1" or null,
     "state": "/path" or null,
     "processes": [[host or null, pid, startTime or null, pid namespace or null, signal or null], ...],
     "waitS": 60, "stuckAfterS": 3}

On stdout come lines that begin with ``rdg-wake`` and go on with a JSON object: ``node`` (once),
``process`` (``outcome`` and ``detail``), then for each woken one ``stuck`` (``stacks``), ``ready``
(``record``), ``ended`` or ``late``; ``done`` at the end. The reader is ../wake.ts.
"""

import errno
import json
import os
import re
import signal
import sys
import time


def say(kind, **values):
    values["type"] = kind
    line = "rdg-wake " + json.dumps(values) + "\n"
    data = line.encode("ascii")
    while data:
        data = data[os.write(1, data) :]


def read(path, size=-1):
    with open(path, "rb") as file:
        return file.read(size)


class Refused(Exception):
    """Why a process isn't signalled: an outcome for programs, and a word for people."""

    def __init__(self, outcome, detail=""):
        Exception.__init__(self, outcome)
        self.outcome = outcome
        self.detail = detail


class Process:
    """One process that is to be woken. ``pid`` is what it calls itself, ``here`` what this node does."""

    def __init__(self, request, row):
        self.request = request
        self.host, self.pid, self.start, self.namespace, self.signal = row
        self.here = self.pid
        self.handle = None
        self.environment = None
        self.signalled = False
        self.told = False
        self.known = self.start is not None
        self.path = None
        self.guard = None

    def find(self):
        """Settles which process on this node is meant.

        :raises Refused: there is none.
        """
        if self.namespace and self.namespace != namespace_of("self"):
            self.here = find_in_namespace(self.pid, self.namespace)
            if self.here is None:
                raise Refused("gone")
        if hasattr(os, "pidfd_open"):
            # From here on the handle means this very process, even if its number is given away.
            try:
                self.handle = os.pidfd_open(self.here)
            except ProcessLookupError:
                raise Refused("gone")
            except OSError:
                pass

    def stat(self):
        """Fields of /proc/PID/stat from the state on (field 3 comes first)."""
        try:
            return read("/proc/%d/stat" % self.here).rpartition(b")")[2].split()
        except OSError:
            raise Refused("gone")

    def status(self):
        try:
            text = read("/proc/%d/status" % self.here).decode("ascii", "replace")
        except OSError:
            raise Refused("gone")
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def check(self):
        """Everything that must hold before a signal may be sent.

        :raises Refused: it doesn't.
        """
        status = self.status()
        stat = self.stat()
        if int(status["Uid"].split()[0]) != os.getuid():
            raise Refused("not-mine")
        if stat[0] in (b"Z", b"X"):
            raise Refused("gone")
        start = int(stat[19])
        if self.start is not None and self.start != start:
            raise Refused("reused")
        self.start = start
        self.environment = environment_of(self.here)
        self.check_job()

    def check_job(self):
        job = self.request["job"]
        if job is None:
            return
        # A process whose environment was cleared belongs to the job of the process that started it.
        for pid in [self.here] + ancestors(self.here):
            environment = environment_of(pid) or {}
            for name in self.request["jobVariables"]:
                value = environment.get(name)
                if not value:
                    continue
                if self.spelled(value, environment) in [job] + self.request["jobAliases"]:
                    return
                raise Refused("other-job", value)
        try:
            if re.search("job_%s\\b" % re.escape(job), read("/proc/%d/cgroup" % self.here).decode()):
                return
        except (OSError, UnicodeDecodeError):
            pass
        # A record with this start time tells as much; a number typed by hand doesn't.
        if not self.known:
            raise Refused("no-job")

    def spelled(self, job, environment):
        """The id of an array's element where the job's variable holds only the array's."""
        element = self.request["element"]
        for name in element["variables"] if element else ():
            index = environment.get(name)
            if index and index not in element["none"]:
                return element["pattern"].replace("{job}", job).replace("{index}", index)
        return job

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
            raise Refused("lost", "it is no Python, or ignores PYTHONPATH (-I, -E, -S)")
        for pid in ancestors(self.here):
            if config_of(environment_of(pid)):
                raise Refused("lost", "the environment was cleared between process %d and it" % pid)
        raise Refused("unprepared")

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

    def send(self, number):
        try:
            if self.handle is not None and hasattr(signal, "pidfd_send_signal"):
                signal.pidfd_send_signal(self.handle, number)
            else:
                os.kill(self.here, number)
        except ProcessLookupError:
            raise Refused("gone")
        except PermissionError:
            raise Refused("not-mine")

    def alive(self):
        try:
            stat = self.stat()
        except Refused:
            return False
        return int(stat[19]) == self.start and stat[0] not in (b"Z", b"X")

    def is_ready(self, record, waited, request):
        """Whether an editor can attach, and the program stands still for it.

        One that listened before may be busy in native code: it can be attached to all the same.
        """
        if not record or record["state"] == "armed" or not record["address"]:
            return False
        runs = self.signalled and record["state"] == "listening" and record.get("waiting") is False
        return not runs or self.told or waited >= request["waitS"]

    def record(self):
        """The session record of this process as this node sees it, or None."""
        if self.path is not None:
            return self.read_record(self.path)
        for folder in self.state_folders():
            root = os.path.join(folder, "sessions")
            try:
                clusters = os.listdir(root)
            except OSError:
                continue
            for cluster in clusters:
                job = safe_name(self.request["job"] or "local")
                path = os.path.join(root, cluster, job)
                try:
                    names = os.listdir(path)
                except OSError:
                    continue
                for name in names:
                    if name.endswith("-%d.json" % self.pid):
                        found = self.read_record(os.path.join(path, name))
                        if found:
                            self.path = os.path.join(path, name)
                            return found
        return None

    def read_record(self, path):
        try:
            record = json.loads(read(path).decode("utf-8"))
            mine = record["format"] == 1 and record["uid"] == os.getuid()
            same = record["startTime"] in (None, self.start) and record["pid"] == self.pid
            return record if mine and same and self.is_here(record) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_here(self, record):
        """The same number may be in use on another node of the job."""
        return record["startTime"] is not None or record["host"] in node_names(self.request)

    def state_folders(self):
        """Where the record may lie: as the caller sees it, and as the program's environment says."""
        environment = self.environment or {}
        config = config_of(environment)
        home = environment.get("HOME")
        candidates = [
            config.get("stateDir"),
            environment.get("RDG_STATE_DIR"),
            os.path.join(environment["XDG_STATE_HOME"], "rdg")
            if environment.get("XDG_STATE_HOME")
            else None,
            os.path.join(home, ".local/state/rdg") if home else None,
            self.request["state"],
        ]
        return list(dict.fromkeys(folder for folder in candidates if folder))

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

    def stack_file(self, fd):
        folder = "/proc/%d/fd" % self.here
        try:
            numbers = [str(fd)] if fd is not None else os.listdir(folder)
        except OSError:
            return None
        for number in numbers:
            path = os.path.join(folder, number)
            try:
                name = os.readlink(path)
            except OSError:
                continue
            memory = name.split(" ")[0] == "/memfd:rdg-stack"
            if memory or ("rdg-stack" in name and name.endswith(" (deleted)")):
                return path
        return None

    def why_silent(self):
        """What besides native code may keep the handler from running."""
        try:
            state = self.stat()[0]
            if state in (b"T", b"t"):
                return "the process is stopped (kill -CONT %d lets it go on)" % self.pid
            if state == b"D":
                return "the process waits for a disk or network file system"
            if has_signal(self.status()["SigBlk"], self.signal):
                return "its main thread blocks signal %d" % self.signal
        except Refused:
            pass
        return ""


def has_signal(mask, number):
    return bool(int(mask, 16) >> (int(number) - 1) & 1)


def safe_name(text):
    safe = re.sub(r"[^A-Za-z0-9._\-\[\]]", "_", text)
    return "_" + safe[1:] if safe.startswith(".") else safe or "_"


def environment_of(pid):
    try:
        items = read("/proc/%d/environ" % pid).split(b"\0")
    except OSError:
        return None
    pairs = (os.fsdecode(item).partition("=") for item in items if item)
    return {name: value for name, _, value in pairs}


def config_of(environment):
    """What ``rdg debug`` told the process, or nothing."""
    try:
        config = json.loads((environment or {}).get("RDG_CONFIG", ""))
        return config if isinstance(config, dict) else {}
    except ValueError:
        return {}


def ancestors(pid):
    """The processes above one, the nearest first, without init."""
    found = []
    while len(found) < 64:
        try:
            pid = int(read("/proc/%d/stat" % pid).rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        if pid <= 1:
            break
        found.append(pid)
    return found


def namespace_of(pid):
    try:
        return os.readlink("/proc/%s/ns/pid" % pid)
    except OSError:
        return None


def find_in_namespace(pid, namespace):
    """This node's number of a process that a container calls ``pid``, or None."""
    for name in os.listdir("/proc"):
        if not name.isdigit() or namespace_of(name) != namespace:
            continue
        try:
            match = re.search(rb"^NSpid:(.*)$", read("/proc/%s/status" % name), re.M)
        except OSError:
            continue
        if match and int(match.group(1).split()[-1]) == pid:
            return int(name)
    return None


def node_names(request):
    names = [request["node"]] + [os.environ.get(name) for name in request["nodeVariables"]]
    return [name for name in names if name] + [os.uname()[1], os.uname()[1].split(".")[0]]


def login_host(record):
    """The full name of the host to ssh to, where it resolves to one; null where none is known."""
    host = record.get("submitHost")
    if not host and record["job"]["id"] == "local":
        host = record["hostname"]
    if not host or "." in host:
        return host
    import socket
    import threading

    found = []

    def look_up():
        try:
            rows = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
        except OSError:
            return
        found.extend(row[3].rstrip(".") for row in rows if row[3].startswith(host + "."))

    # Compute nodes may have no resolver that answers.
    thread = threading.Thread(target=look_up)
    thread.daemon = True
    thread.start()
    thread.join(2)
    return found[0] if found else host


def wake(process, node):
    """Checks and signals one process. True when its answer has to be waited for."""
    try:
        process.find()
        process.check()
        record = process.record()
        if record and record["state"] in ("crashed", "attached"):
            say("process", node=node, pid=process.pid, outcome="already")
            return True
        # After a detach it listens, but runs on: it is signalled as well, so that it waits again.
        if record and record["state"] == "listening" and record.get("waiting"):
            say("process", node=node, pid=process.pid, outcome="already")
            return True
        try:
            process.check_handler(record)
        except Refused:
            # start_debugger() without "rdg debug": nothing to signal, but it can be attached to.
            if not record or record["state"] == "armed":
                raise
            say("process", node=node, pid=process.pid, outcome="already")
            return True
        if process.lock():
            process.send(process.signal)
        process.signalled = True
        say("process", node=node, pid=process.pid, outcome="signalled")
        return True
    except Refused as refused:
        say("process", node=node, pid=process.pid, outcome=refused.outcome, detail=refused.detail)
    except OSError as error:
        say("process", node=node, pid=process.pid, outcome="failed", detail=str(error))
    return False


def wait(processes, node, request):
    """Waits until each has said that it listens, and tells what keeps those that don't."""
    begin = time.time()
    pause = 0.01
    while processes:
        waited = time.time() - begin
        for process in list(processes):
            record = process.record()
            if process.is_ready(record, waited, request):
                say("ready", node=node, pid=process.pid, record=record, login=login_host(record))
            elif not process.alive():
                say("ended", node=node, pid=process.pid)
            elif waited >= request["waitS"]:
                say("late", node=node, pid=process.pid)
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
    say(
        "stuck",
        node=node,
        pid=process.pid,
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
        process = Process(request, row)
        if row[0] is None and not os.path.exists("/proc/%d" % row[1]):
            say("process", node=node, pid=row[1], outcome="not-here")
        elif wake(process, node):
            waiting.append(process)
    if request["waitS"] <= 0:
        # What listens already needs no wait.
        waiting = [process for process in waiting if not process.signalled]
    wait(waiting, node, request)
    say("done", node=node)


if __name__ == "__main__":
    main()
