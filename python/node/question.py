"""Asks one armed process for its stacks, by the stack signal.

Standard library only, Python 3.6 or later. Sends that signal, after the checks; empties the file in
memory that rdg opened in the process.
"""

import fcntl
import os
import signal
import time

import outside
from process import Process, Refused, config_of, has_signal, read

#: Bytes of one dump that are kept: 100 threads of 100 frames are rarely a tenth of it.
MAX_DUMP = 2 * 1024 * 1024
#: The file in memory is emptied when it has become longer than this: it counts as the job's memory.
MAX_FILE = 1024 * 1024
#: Seconds without growth after which a dump counts as complete, where nothing else tells.
QUIET = 0.06


class Question:
    """One process that is asked."""

    def __init__(self, request, row, index, fd):
        self.request = request
        self.process = Process(request, row)
        self.index = index
        self.fd = fd
        self.parent = None
        self.program = index is not None
        self.file = None
        self.asked = False
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
        except Refused as refused:
            self.refused = refused

    def prepare(self):
        """Everything that must hold before the signal is sent.

        :raises Refused: it doesn't.
        """
        process = self.process
        if self.refused is not None:
            raise self.refused
        process.check()
        number = process.signal or config_of(process.environment).get("stackSignal")
        process.signal = number or signal.SIGRTMIN + 7
        path = process.stack_file(self.fd)
        if not has_signal(process.status()["SigCgt"], process.signal) or path is None:
            raise Refused("unarmed", outside.why_unarmed(process, path))
        if process.stat()[0] in (b"T", b"t"):
            raise Refused("stopped", process.why_silent())
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
        self.asked = True
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
                text = read("%s/%s/status" % (folder, name)).decode("ascii", "replace")
            except OSError:
                continue
            mask = text.partition("SigBlk:")[2].split("\n")[0].strip()
            if mask and has_signal(mask, self.process.signal):
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
        return has_signal(mask, self.process.signal)

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
