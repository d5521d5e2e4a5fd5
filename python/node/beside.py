"""Runs a few lines of Python 3.14 or newer beside a process, by an interpreter of the process's own version.

Two of its functions, for which the versions must be the same, reach into another process:
``sys.remote_exec``, which has it run a script, and ``_remote_debugging``, which reads its stacks.
Standard library only, Python 3.6 or later. Starts the helper's own interpreter, or the process's.
"""

import os
import re
import subprocess
import sys

from process import exe_of, read


class Unable(Exception):
    """It can't be done that way; the reason is for people, and empty where there is nothing to say."""


def run(process, code, words=(), limit=30):
    """What ``code`` prints when it is given the process's number and ``words``.

    :raises Unable: with the last line of what it says.
    """
    version = version_of(process)
    if version is None or version < (3, 14):
        raise Unable("")
    said = ""
    for program, environment in interpreters(process, version):
        command = [program, "-I", "-S", "-c", code, str(process.here)] + list(words)
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            said = str(error)
            continue
        try:
            out, error = child.communicate(timeout=max(limit, 0.1))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            said = "no answer in time"
            continue
        if child.returncode == 0:
            return out.decode("utf-8", "replace")
        lines = error.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1][:200] if lines else "no reason given"
    raise Unable(said)


def interpreters(process, version):
    """Programs that may be of the version, and the environment for each."""
    environment = dict(os.environ)
    if sys.version_info[:2] == version and sys.executable:
        yield sys.executable, environment
    # Never a program that merely has Python in it: who knows what it does when it is started.
    if not re.match(r"python[\d.]*t?( \(deleted\))?$", os.path.basename(exe_of(process.here) or "")):
        return
    libraries = (process.environment or {}).get("LD_LIBRARY_PATH")
    if libraries:
        environment = dict(environment, LD_LIBRARY_PATH=libraries)
    # By this name it is found in a container as well, and when the file was replaced meanwhile.
    yield "/proc/%d/exe" % process.here, environment


def version_of(process):
    """``(3, 14)`` by the names of the process's program and libraries, or None."""
    name = os.path.basename(exe_of(process.here) or "")
    try:
        maps = read("/proc/%d/maps" % process.here).decode("utf-8", "replace")
    except OSError:
        maps = ""
    for pattern, text in (
        (r"^python(\d)\.(\d+)", name),
        (r"/libpython(\d)\.(\d+)", maps),
        (r"/lib/python(\d)\.(\d+)/lib-dynload/", maps),
    ):
        match = re.search(pattern, text)
        if match:
            return int(match.group(1)), int(match.group(2))
    return None
