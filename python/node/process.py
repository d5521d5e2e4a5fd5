"""A process on this node: finding it, telling whether it is the one that is meant, signalling it.

Shared by the helpers of this folder, which are carried as text and joined by ../helpers.ts: standard
library only, Python 3.6 or later. Reads /proc; sends a signal only where it is told to.
"""

import json
import os
import re
import signal


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
    """One process that is meant by a request.

    ``pid`` is what it calls itself, ``here`` what this node does. ``row`` is ``[host, pid, startTime,
    pid namespace, signal]``, each but the PID or None.
    """

    def __init__(self, request, row):
        self.request = request
        self.host, self.pid, self.start, self.namespace, self.signal = row
        self.here = self.pid
        self.handle = None
        self.environment = None
        self.known = self.start is not None

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
            raise self.not_shown()

    def status(self):
        try:
            text = read("/proc/%d/status" % self.here).decode("ascii", "replace")
        except OSError:
            raise self.not_shown()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def not_shown(self):
        """Why ``/proc`` shows nothing of it: mounted with ``hidepid``, it hides some that live."""
        try:
            os.kill(self.here, 0)
        except ProcessLookupError:
            return Refused("gone")
        except PermissionError:
            return Refused("not-mine")
        return Refused("hidden")

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
                own = self.spelled(value, environment)
                if own in [job] + self.request["jobAliases"]:
                    return
                raise Refused("other-job", own)
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
        except Refused as refused:
            return refused.outcome == "hidden"
        return int(stat[19]) == self.start and stat[0] not in (b"Z", b"X")

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


def is_here(pid, request, names):
    """Whether a process of that number, which somebody typed, may be the one that is meant."""
    if not os.path.exists("/proc/%d" % pid):
        return False
    return request["job"] is None or not elsewhere(environment_of(pid), request, names)


def elsewhere(environment, request, names):
    """Whether a process says that it is another node's: two nodes may be containers, or test nodes, that
    see each other's processes."""
    nodes = [(environment or {}).get(variable) for variable in request["nodeVariables"]]
    short = {name.split(".")[0] for name in names}
    said = {node.split(".")[0] for node in nodes if node}
    return bool(said) and not said & short


def exe_of(pid):
    """The program of a process, as its own files are named; None where it can't be read."""
    try:
        return os.readlink("/proc/%d/exe" % pid)
    except OSError:
        return None


def is_python(pid):
    program = exe_of(pid)
    if program is None:
        # It may not be looked into; its command line is there for all.
        try:
            program = os.fsdecode(read("/proc/%d/cmdline" % pid).split(b"\0")[0])
        except OSError:
            return False
    if "python" in os.path.basename(program):
        return True
    try:
        return b"libpython" in read("/proc/%d/maps" % pid)
    except OSError:
        return False


def find_program(name, process):
    """A program on my PATH, on the other process's, or beside its interpreter; None without one."""
    folders = os.environ.get("PATH", "").split(":")
    folders += (process.environment or {}).get("PATH", "").split(":")
    folders.append(os.path.dirname(exe_of(process.here) or ""))
    for folder in folders:
        path = os.path.join(folder, name)
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def name_of(process):
    """The command line, shortened: it tells a worker from its parent."""
    try:
        words = read("/proc/%d/cmdline" % process.here).split(b"\0")
    except OSError:
        return ""
    return " ".join(os.fsdecode(word) for word in words if word)[:300]
