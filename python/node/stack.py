"""Asks processes on this node for their Python stacks, and returns them.

Carried as text and run as ``python -I -S -c <this> <wake.py> <request>…``: wake.py, its first argument,
brings what finds and checks a process. Standard library only, Python 3.6 or later. Sends at most one
signal to a process: the stack signal, after a check that faulthandler answers it and that the
file it writes to is still rdg's own. Nothing is stopped. Where there is no handler, py-spy is run if it
is on PATH.

The request is wake.py's, with ``signal`` the stack signal, and three more keys::

    {…, "processes": [[host, pid, startTime, pid namespace, stack signal, index, descriptor], ...],
     "limitS": 5, "children": true}

``index`` is handed back. ``children`` adds armed processes without a record below those (DataLoader
workers, for instance), and below nothing when ``"orphans"`` is true.

On stdout come lines ``rdg-stack STREAM MORE TEXT``: a JSON object in pieces, because nothing promises
that a scheduler keeps long lines of several nodes apart. STREAM names the node and process that wrote it,
MORE is 1 where more of the same object follows. The reader is ../stack.ts.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import types

wake = types.ModuleType("wake")

#: Bytes of a line's text.
PIECE = 900
#: Bytes of one dump that are kept: 100 threads of 100 frames are rarely a tenth of it.
MAX_DUMP = 2 * 1024 * 1024
#: The file in memory is emptied when it has become longer than this: it counts as the job's memory.
MAX_FILE = 1024 * 1024
#: Seconds without growth after which a dump counts as complete, where nothing else tells.
QUIET = 0.06
#: Instances of py-spy at a time.
PARALLEL = 8


def say(kind, **values):
    values["type"] = kind
    text = json.dumps(values, separators=(",", ":"))
    stream = "%s:%d" % (os.uname()[1], os.getpid())
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    for number, piece in enumerate(pieces):
        more = 1 if number + 1 < len(pieces) else 0
        data = ("rdg-stack %s %d %s\n" % (stream, more, piece)).encode("ascii")
        while data:
            data = data[os.write(1, data) :]


class Question:
    """One process that is asked."""

    def __init__(self, request, row, index, fd):
        self.process = wake.Process(request, row)
        self.index = index
        self.fd = fd
        self.parent = None
        self.file = None
        self.before = 0
        self.size = 0
        self.changed = 0.0
        self.blocking = set()
        self.seen = False
        self.refused = None

    def find(self):
        """Settles which process is meant; where there is none, `prepare` will say so."""
        try:
            self.process.find()
        except wake.Refused as refused:
            self.refused = refused

    def prepare(self):
        """Everything that must hold before the signal is sent.

        :raises wake.Refused: it doesn't.
        """
        process = self.process
        if self.refused is not None:
            raise self.refused
        process.check()
        number = process.signal or wake.config_of(process.environment).get("stackSignal")
        process.signal = number or signal.SIGRTMIN + 7
        path = process.stack_file(self.fd)
        if not wake.has_signal(process.status()["SigCgt"], process.signal) or path is None:
            raise wake.Refused("unarmed", why_unarmed(process, path))
        if process.stat()[0] in (b"T", b"t"):
            raise wake.Refused("stopped", process.why_silent())
        try:
            self.file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            self.file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def ask(self):
        """Sends the signal, unless somebody else's dump is on its way: False then."""
        try:
            # Each opening of the file is a holder of its own, and the lock ends with this process.
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        size = os.fstat(self.file).st_size
        if size > MAX_FILE:
            try:
                # faulthandler appends, so it goes on at the new end.
                os.ftruncate(self.file, 0)
                size = 0
            except OSError:
                pass
        self.before = self.size = size
        self.blocking = self.blockers()
        self.process.send(self.process.signal)
        self.changed = time.time()
        return True

    def blockers(self):
        """Threads that keep the signal out: among them the one that is writing, while it writes."""
        found = set()
        folder = "/proc/%d/task" % self.process.here
        try:
            names = os.listdir(folder)
        except OSError:
            return found
        for name in names:
            try:
                text = wake.read("%s/%s/status" % (folder, name)).decode("ascii", "replace")
            except OSError:
                continue
            mask = text.partition("SigBlk:")[2].split("\n")[0].strip()
            if mask and wake.has_signal(mask, self.process.signal):
                found.add(name)
        return found

    def complete(self):
        """Whether the whole dump is there."""
        size = os.fstat(self.file).st_size
        now = time.time()
        if size != self.size:
            self.size = size
            self.changed = now
        if size <= self.before:
            return False
        if self.blockers() - self.blocking:
            # Some thread is in the handler.
            self.seen = True
            return False
        if self.pending():
            return False
        return (self.seen or now - self.changed >= QUIET) and self.text().endswith("\n")

    def pending(self):
        mask = self.process.status().get("ShdPnd", "0").strip()
        return wake.has_signal(mask, self.process.signal)

    def text(self):
        length = min(os.fstat(self.file).st_size - self.before, MAX_DUMP)
        return os.pread(self.file, length, self.before).decode("utf-8", "replace")

    def why_late(self):
        """An outcome and a word, for a process that has not answered in time."""
        process = self.process
        if not process.alive():
            return "ended", ""
        reason = process.why_silent()
        if self.pending():
            threads = len(os.listdir("/proc/%d/task" % process.here))
            if len(self.blockers()) >= threads:
                return "late", "all its threads block signal %d" % process.signal
        return "late", reason

    def close(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


def answer(question, node, text, complete):
    process = question.process
    say(
        "stack",
        node=node,
        index=question.index,
        parent=question.parent,
        pid=process.pid,
        start=process.start,
        name=name_of(process),
        text=text,
        complete=complete,
    )


def refuse(question, node, outcome, detail=""):
    say(
        "none",
        node=node,
        index=question.index,
        parent=question.parent,
        pid=question.process.pid,
        start=question.process.start,
        outcome=outcome,
        detail=detail,
    )


def name_of(process):
    """The command line, shortened: it tells a worker from its parent."""
    try:
        words = wake.read("/proc/%d/cmdline" % process.here).split(b"\0")
    except OSError:
        return ""
    return " ".join(os.fsdecode(word) for word in words if word)[:300]


def collect(questions, node, limit):
    """Asks all at once, and gathers the answers as they come."""
    end = time.time() + limit
    waiting = []
    asked = []
    unarmed = []
    for question in questions:
        try:
            question.prepare()
            waiting.append(question)
        except wake.Refused as refused:
            if refused.outcome == "unarmed" and question.index is not None:
                unarmed.append((question, refused.detail))
            else:
                refuse(question, node, refused.outcome, refused.detail)
        except OSError as error:
            refuse(question, node, "failed", str(error))
    pause = 0.005
    while waiting or asked:
        late = time.time() >= end
        for question in waiting + asked:
            done = True
            try:
                if question in waiting:
                    if question.ask():
                        waiting.remove(question)
                        asked.append(question)
                        done = False
                    elif late:
                        refuse(question, node, "late", "somebody else is asking it all the time")
                    elif not question.process.alive():
                        refuse(question, node, "ended")
                    else:
                        done = False
                elif question.complete():
                    answer(question, node, question.text(), True)
                elif late or not question.process.alive():
                    text = question.text()
                    if text:
                        answer(question, node, text, False)
                    else:
                        refuse(question, node, *question.why_late())
                else:
                    done = False
            except wake.Refused as refused:
                gone = refused.outcome == "gone"
                refuse(question, node, "ended" if gone else refused.outcome, refused.detail)
                done = True
            except OSError as error:
                refuse(question, node, "failed", str(error))
                done = True
            if done:
                question.close()
                for queue in (waiting, asked):
                    if question in queue:
                        queue.remove(question)
        if waiting or asked:
            time.sleep(pause)
            pause = min(pause * 1.2, 0.05)
    for at in range(0, len(unarmed), PARALLEL):
        look_from_outside(unarmed[at : at + PARALLEL], node, limit)


# Processes that were never armed.


def why_unarmed(process, path):
    """Why the stack signal can't be used."""
    config = wake.config_of(process.environment)
    modes = config.get("modes", ())
    if config and not {"lite", "wait"} & set(modes):
        return "it is armed for a crash only (%s)" % ", ".join(modes)
    if process.known or (config and path is not None):
        if path is None:
            return "the program closed the file that its stacks are written to"
        return "the program took the handler of signal %d away" % process.signal
    return 'it was not started by "rdg debug"'


def look_from_outside(some, node, limit):
    """Asks py-spy, which reads the process's memory; says plainly why where it can't."""
    started = []
    for question, reason in some:
        process = question.process
        program = find_pyspy(process)
        if program is None:
            if is_python(process):
                reason += ", and py-spy, which could look from outside, is not on PATH on " + node
            else:
                reason += ", and it is no Python (%s)" % os.path.basename(exe_of(process) or "?")
            refuse(question, node, "unarmed", reason)
            continue
        words = [program, "dump", "--json", "--pid", str(process.here)]
        try:
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            refuse(question, node, "unarmed", "%s, and py-spy failed: %s" % (reason, error))
            continue
        started.append((question, reason, child))
    end = time.time() + limit
    for question, reason, child in started:
        try:
            out, error = child.communicate(timeout=max(end - time.time(), 0.1))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            refuse(question, node, "late", reason + ", and py-spy gave no answer in time")
            continue
        text = out.decode("utf-8", "replace").strip()
        if child.returncode == 0 and text.startswith("["):
            answer(question, node, "py-spy " + text, True)
            continue
        lines = error.decode("utf-8", "replace").strip().split("\n")
        said = next((line for line in lines if line.strip()), "no reason given")
        said = said[7:] if said.startswith("Error: ") else said
        scope = why_no_ptrace() if "ermission" in error.decode("utf-8", "replace") else ""
        detail = "%s, and py-spy failed: %s%s" % (reason, said.strip()[:200], scope)
        refuse(question, node, "unarmed", detail)


def find_pyspy(process):
    """py-spy on my PATH, on the program's, or beside its interpreter."""
    folders = os.environ.get("PATH", "").split(":")
    folders += (process.environment or {}).get("PATH", "").split(":")
    folders.append(os.path.dirname(exe_of(process) or ""))
    for folder in folders:
        path = os.path.join(folder, "py-spy")
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def exe_of(process):
    try:
        return os.readlink("/proc/%d/exe" % process.here)
    except OSError:
        return None


def is_python(process):
    if "python" in os.path.basename(exe_of(process) or ""):
        return True
    try:
        return b"libpython" in wake.read("/proc/%d/maps" % process.here)
    except OSError:
        return False


def why_no_ptrace():
    """What of the kernel's forbids one process to look into another."""
    try:
        scope = int(wake.read("/proc/sys/kernel/yama/ptrace_scope"))
    except (OSError, ValueError):
        return ""
    reasons = {
        1: "only a process's own parents may look into it",
        2: "only an administrator may look into a process",
        3: "nobody may look into a process",
    }
    if scope not in reasons:
        return ""
    return " (kernel.yama.ptrace_scope is %d here: %s)" % (scope, reasons[scope])


# Armed processes that have no record.


def children(request, names, known):
    """Questions to helpers that rdg armed: workers of a DataLoader, of a process pool and the like."""
    found = []
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if pid in known or pid == os.getpid():
            continue
        try:
            if os.stat("/proc/%d" % pid).st_uid != os.getuid():
                continue
        except OSError:
            continue
        environment = wake.environment_of(pid)
        config = wake.config_of(environment)
        if not config or (request["job"] is None and config.get("job") is not None):
            continue
        # Two nodes may be containers that see each other's processes.
        nodes = [environment.get(variable) for variable in request["nodeVariables"]]
        if any(nodes) and not set(nodes) & set(names):
            continue
        row = [None, pid, None, None, config.get("stackSignal")]
        question = Question(request, row, None, None)
        if question.process.stack_file(None) is None:
            continue
        question.parent = parent_among(pid, known)
        if question.parent is not None or request["orphans"]:
            question.find()
            found.append(question)
    return found


def parent_among(pid, known):
    """The index of the nearest process above that was asked for by name, or None."""
    return next((known[parent] for parent in wake.ancestors(pid) if parent in known), None)


def raise_limit():
    """Two descriptors are held for each process: more than the usual limit on a large node."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, OSError, ValueError):
        pass


def main():
    raise_limit()
    sys.argv.pop(0)
    exec(sys.argv.pop(0), wake.__dict__)
    request = json.loads("".join(sys.argv))
    names = wake.node_names(request)
    node = names[0]
    say("node", node=node)
    questions = []
    known = {}
    for row in request["processes"]:
        if row[0] is not None and row[0] not in names:
            continue
        question = Question(request, row[:5], row[5], row[6])
        if row[0] is None and not os.path.exists("/proc/%d" % row[1]):
            refuse(question, node, "not-here")
            continue
        questions.append(question)
        question.find()
        known[question.process.here] = row[5]
    if request["children"]:
        questions += children(request, names, known)
    collect(questions, node, request["limitS"])
    say("done", node=node)


main()
