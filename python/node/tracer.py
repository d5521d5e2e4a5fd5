"""Looks into a process, and calls its functions, by gdb; and says first why that can't be.

Standard library only, Python 3.6 or later. Runs gdb, which stops the process for about a second and
lets it go on. Nothing that gdb calls there takes a lock of Python's that its thread may hold, and a call
that doesn't come back is undone before gdb leaves.
"""

import os
import shutil
import signal
import subprocess
import tempfile

from process import Refused, find_program, is_python, read

#: Seconds for one run of gdb: a large program has many libraries to look at.
LIMIT = 30
#: Number of the right to look into any process, in the masks of /proc/PID/status.
SYS_PTRACE = 19

#: What is told gdb before it stops the process. Without the symbols of all libraries: reading those of a
#: large program takes minutes.
BEFORE = [
    "set confirm off",
    "set pagination off",
    "set debuginfod enabled off",
    "set auto-load off",
    "set auto-solib-add off",
    # A call that a signal ends, rdg's own interrupt for one, is undone.
    "set unwindonsignal on",
]
#: And then: the libraries that hold what is called, and none of the program's signals may end a call.
AFTER = ["sharedlibrary /libc[.-]", "sharedlibrary /ld-musl", "sharedlibrary /libpython"]
SIGNALS = "handle SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGHUP SIGTERM SIGPIPE SIGVTALRM SIGPROF SIGIO \
SIGCONT SIGWINCH SIGURG nostop noprint pass"


def check(process):
    """
    :raises Refused: the process can't be looked into, with the reason.
    """
    status = process.status()
    state = process.stat()[0]
    tracer = int(status.get("TracerPid", "0"))
    if tracer:
        name = "another program"
        try:
            name = read("/proc/%d/comm" % tracer).decode("utf-8", "replace").strip()
        except OSError:
            pass
        raise Refused("no-ptrace", "process %d (%s) traces it already" % (tracer, name))
    if state == b"T":
        raise Refused("stopped", process.why_silent() or "the process is stopped")
    if state == b"D":
        raise Refused("stopped", "the process waits for a disk or network file system")
    try:
        # The kernel asks the same question as for gdb.
        os.close(os.open("/proc/%d/mem" % process.here, os.O_RDWR))
    except OSError:
        raise Refused("no-ptrace", why_no_ptrace(process.here, status))
    if not is_python(process.here):
        raise Refused("cannot-inject", "it is no Python")


def why_no_ptrace(pid, status, root="/proc"):
    """What of the kernel's forbids me to look into a process of mine."""
    return scope_words(root) or why_not_readable(pid, status, root)


def why_not_readable(pid, status, root="/proc"):
    """What of the kernel's forbids me to read the files of /proc about a process of mine."""
    try:
        # The kernel gives what only its owner may read to root then; the folder itself stays.
        if os.stat("%s/%d/environ" % (root, pid)).st_uid != int(status["Uid"].split()[0]):
            return "it has been marked as not to be looked into (a set-user-ID program, or its own wish)"
        if os.readlink("%s/%d/ns/user" % (root, pid)) != os.readlink("%s/self/ns/user" % root):
            return "it runs in a container with users of its own"
    except (OSError, KeyError, ValueError):
        pass
    return "the kernel does not allow to look into it (a container's rules, or a security module)"


def scope_words(root="/proc"):
    """What ``kernel.yama.ptrace_scope`` forbids me, or ""."""
    try:
        scope = int(read("%s/sys/kernel/yama/ptrace_scope" % root))
        mask = read("%s/self/status" % root).decode("ascii", "replace").partition("CapEff:")[2]
        trusted = bool(int(mask.split()[0], 16) >> SYS_PTRACE & 1)
    except (OSError, ValueError, IndexError):
        return ""
    reasons = {
        1: "only a process's own parents may look into it",
        2: "only an administrator may look into a process",
        3: "nobody may look into a process",
    }
    if scope not in reasons or (trusted and scope < 3):
        return ""
    return "kernel.yama.ptrace_scope is %d here: %s" % (scope, reasons[scope])


def find_gdb(process):
    """
    :raises Refused: there is none.
    """
    program = find_program("gdb", process)
    if program is None:
        raise Refused("no-gdb", "gdb is not on PATH on %s" % os.uname()[1])
    return program


def run(program, process, lines, files=None, limit=LIMIT):
    """Has gdb run lines with the process stopped, its first thread chosen. Returns what they print.

    ``%(name)s`` in a line is the path of the file of that name in ``files``. A line that fails ends
    them.

    :raises Refused: it failed; the process goes on.
    """
    folder = tempfile.mkdtemp(prefix="rdg-")
    try:
        paths = {"pid": process.here}
        for name, data in (files or {}).items():
            paths[name] = os.path.join(folder, name)
            with open(paths[name], "wb") as file:
                file.write(data)
        script = os.path.join(folder, "script")
        with open(script, "w") as file:
            file.write("\n".join(line % paths for line in lines) + "\n")
        words = [program, "-nx", "-nw", "-batch"]
        for line in BEFORE:
            words += ["-iex", line]
        words += ["-p", str(process.here), "-ex", SIGNALS]
        for line in AFTER:
            words += ["-ex", line]
        return _finish(words + ["-x", script], limit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finish(words, limit):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_"))}
    environment["LC_ALL"] = "C"
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    late = False
    try:
        if in_main_thread():
            for number in before:
                signal.signal(number, _interrupted)
        try:
            out, error = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            late = True
            out, error = _leave(child)
    except BaseException:
        _leave(child)
        raise
    finally:
        if in_main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
    text = out.decode("utf-8", "replace")
    if late:
        raise Refused("cannot-inject", "gdb gave no answer within %d s; the process goes on" % limit)
    if child.returncode != 0:
        raise Refused(*why_failed(error.decode("utf-8", "replace")))
    return text


def in_main_thread():
    import threading

    return threading.current_thread() is threading.main_thread()


def _interrupted(number, _):
    raise KeyboardInterrupt


def _leave(child):
    """Has gdb undo its call and let the process go: only gdb itself can."""
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            child.send_signal(number)
        except OSError:
            pass
        try:
            return child.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    return b"", b""


def why_failed(error):
    """An outcome and words for what gdb wrote to stderr."""
    lines = [line.strip() for line in error.splitlines()]
    for line in lines:
        if "ptrace: " in line or "Could not attach" in line:
            return "no-ptrace", "gdb: %s" % line[:200]
    for line in lines:
        if line.startswith("No symbol ") or "The program being debugged was signaled" in line:
            return "cannot-inject", "gdb: %s" % line[:200]
    last = next((line for line in reversed(lines) if line), "no reason given")
    return "cannot-inject", "gdb: %s" % last[:200]
