"""Has a process of Python 3.14 or newer arm itself by ``sys.remote_exec``: without gdb, and nothing stops.

Its main thread runs a script between two instructions, as it runs signal handlers; who is in native
code, or waits in a system call, runs it only afterwards, and only then the file is read. Seen with
CPython 3.14.3; https://docs.python.org/3.14/howto/remote_debugging.html has the rules.

Standard library only, Python 3.6 or later. Writes a folder for each script, into ``/tmp`` as a rule.
"""

import glob
import os
import shutil
import tempfile
import time

import beside
import lines
from process import Refused

CODE = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"


class Script:
    """A script that waits to be run by a process. Left at the end, it goes when it isn't needed."""

    def __init__(self, process, options):
        """Has Python note it down.

        :raises beside.Unable: it can't be done that way.
        """
        self.process = process
        self.done = False
        start = "rdg-%d-%d-" % (process.here, process.start)
        where = common_folder(process, options)
        try:
            self.folder = tempfile.mkdtemp(prefix=start, dir=where)
        except OSError as error:
            raise beside.Unable(str(error))
        self.answer = os.path.join(self.folder, "answer")
        path = os.path.join(self.folder, "script.py")
        try:
            with open(path, "wb") as file:
                file.write(lines.for_file(options, self.folder, self.answer))
            beside.run(process, CODE, [path])
        except (OSError, beside.Unable) as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise beside.Unable(str(error))
        # Python notes one script down: an earlier one that it never came to is forgotten.
        for folder in glob.glob(os.path.join(glob.escape(where), start + "*")):
            if folder != self.folder:
                shutil.rmtree(folder, ignore_errors=True)

    def wait(self, limit):
        """Whether it has run.

        :raises Refused: it has, and failed; or the process is gone.
        """
        end = time.time() + limit
        while True:
            if self._answered():
                return True
            if not self.process.alive():
                raise Refused("gone")
            if time.time() >= end:
                return False
            time.sleep(0.03)

    def _answered(self):
        try:
            with open(self.answer, "rb") as file:
                said = file.read()
        except OSError:
            return False
        # No longer needed, whatever it says.
        self.done = self.done or b"\0" in said
        return lines.judge(said)

    def leave(self, needed):
        """Leaves it to the process: to run it when it can (``needed``), or just to take it away."""
        if self.done or not self.process.alive():
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        try:
            for name in ("late",) if needed else ("done", "late"):
                with open(os.path.join(self.folder, name), "wb"):
                    pass
        except OSError:
            return  # it has just run
        if os.path.exists(self.answer):
            shutil.rmtree(self.folder, ignore_errors=True)


def common_folder(process, options):
    """A folder that has the same name for the process and for me: it may be in a container.

    :raises beside.Unable: there is none.
    """
    for folder in ("/tmp", options["folder"]):
        try:
            if os.path.samefile(folder, "/proc/%d/root%s" % (process.here, folder)):
                return folder
        except OSError:
            continue
    raise beside.Unable("it sees other folders than its node does")
