"""The session record: one JSON file for each process that is a program or a rank.

The format stands in ``../RECORD.md``. Writing never fails the program: the first failure is told in
one line, later ones are silent. No import beyond what Python has loaded anyway: this runs in every
start.
"""

import _thread
import os
import stat
import sys
import time

from . import _config, _job, _outside, _say


#: The name that the kernel gives to the process ids of those that are in no container.
_INITIAL_NAMESPACE = "pid:[4026531836]"


def _quote(text):
    # type: (str) -> str
    # Nearly every text needs no more than this; the rest loads json's C part, or all of json.
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return '"%s"' % text
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json import dumps as encode_basestring_ascii
    return encode_basestring_ascii(text)


def dump(value):
    # type: (object) -> str
    """JSON of texts, numbers, booleans, None, lists and dictionaries."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (_quote(k), dump(v)) for k, v in value.items())
    return "[%s]" % ", ".join(dump(item) for item in value)  # type: ignore


def file_name(text):
    # type: (str) -> str
    """A text as one part of a path."""
    safe = "".join(c if (c.isascii() and c.isalnum()) or c in "._-[]" else "_" for c in text)
    return "_" + safe[1:] if safe.startswith(".") else safe or "_"


def name_of(values):
    # type: (dict) -> str
    """The record's file: containers on one node begin to count at 1, each of them."""
    namespace = values["pidNamespace"]
    if namespace is None or namespace == _INITIAL_NAMESPACE:
        own = ""
    else:
        own = "-" + file_name(namespace[5:-1])
    return "%s%s-%d.json" % (file_name(values["host"]), own, values["pid"])


def start_time(pid="self"):
    # type: (object) -> object
    """Field 22 of ``/proc/PID/stat``: clock ticks from boot to the process's start; None without /proc."""
    try:
        with open("/proc/%s/stat" % pid, "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


class Record:
    """The record of this process; :meth:`write` puts what has changed on disk."""

    def __init__(self, config, words):
        # type: (dict, list) -> None
        rank = _job.rank() or dict.fromkeys(("launcher", "rank", "localRank", "worldSize", "restartsLeft"))
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = "?"
        try:
            namespace = os.readlink("/proc/self/ns/pid")  # type: object
        except OSError:
            namespace = None
        from . import __version__

        self.values = {"format": 1, "rdg": __version__}  # type: dict
        self.values.update(_job.identity(config["machine"]))
        self.values.update(rank)  # type: ignore
        self.values.update(
            {
                "pid": os.getpid(),
                "startTime": start_time(),
                "ppid": os.getppid(),
                "pidNamespace": namespace,
                "boot": _outside.boot(),
                "uid": _outside.uid(),
                "ownNetwork": _outside.has_own_network(config["machine"]),
                "command": words,
                "cwd": cwd,
                "python": "%d.%d.%d" % sys.version_info[:3],
                "executable": sys.executable,
                "modes": list(config["modes"]),
                "signal": config["signal"],
                "stackSignal": config["stackSignal"],
                "stack": None,
                "state": "armed",
                "waiting": False,
                "address": None,
                "auth": config["auth"],
                "token": None,
                "remotePath": cwd,
                "exception": None,
                "crashed": None,
                "created": time.time(),
                "changed": time.time(),
            }
        )
        values = self.values
        # Whole: the program may change its folder.
        self.state = os.path.join(cwd, _config.state_dir(config))
        folder = os.path.join(
            self.state,
            "sessions",
            file_name(values["cluster"]),
            file_name(values["job"]["id"]),
        )
        self.path = os.path.join(folder, name_of(values))
        self.written = False
        self._closed = False
        # pydevd's thread writes as well. A signal handler may run while its own thread holds it.
        self._lock = _thread.RLock()

    def write(self, **changes):
        # type: (object) -> None
        """Takes over the changes and replaces the file. Never raises."""
        with self._lock:
            self.values.update(changes)
            self.values["changed"] = time.time()
            if self._closed:
                return
            try:
                _make_private(self.state, os.path.dirname(self.path))
                if not self.written and self.values["startTime"] is not None:
                    _sweep(self.path, self.values)
                _replace(self.path, dump(self.values) + "\n")
                self.written = True
            except OSError as error:
                self._closed = True
                _say.note(
                    "Cannot write the session record, so `rdg attach` won't list this process: %s (%s)"
                    % (error.strerror, os.path.dirname(self.path))
                )

    def remove(self):
        # type: () -> None
        """Takes the file away for good; not in a forked child, whose parent it belongs to."""
        with self._lock:
            self._closed = True  # pydevd's thread may still report a detach
            if self.written and self.values["pid"] == os.getpid():
                try:
                    os.unlink(self.path)
                except OSError:
                    pass
                self.written = False


def _replace(path, text):
    # type: (str, str) -> None
    """Replaces a file in one step, readable for its owner only.

    :raises OSError: it can't be written; nothing is left behind.
    """
    temporary = "%s.%d.%d.tmp" % (path, os.getpid(), time.monotonic_ns())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    fd = os.open(temporary, flags, 0o600)
    try:
        try:
            data = text.encode("ascii", "backslashreplace")
            while data:
                data = data[os.write(fd, data) :]
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _sweep(path, values):
    # type: (str, dict) -> None
    """Takes away what was left by processes that were killed, of this job on this host: a job that was put
    back into the queue, or the command before this one. Those of another
    namespace, or of another machine that has this one's name, can't be judged."""
    if values["boot"] is None or values["pidNamespace"] is None:
        return
    # Side by side in each record.
    here = dump({name: values[name] for name in ("pidNamespace", "boot")})[1:-1].encode()
    folder, _, name = path.rpartition("/")
    head = name[: -len("%d.json" % values["pid"])]
    for other in os.listdir(folder):
        number = other[len(head) : -len(".json")]
        if other == head + number + ".json" and number.isdigit() and _is_gone(number):
            try:
                with open(os.path.join(folder, other), "rb") as file:
                    if here in file.read():
                        os.unlink(os.path.join(folder, other))
            except OSError:
                pass  # another new one was quicker


def _is_gone(number):
    # type: (str) -> bool
    """Whether this namespace has no such process. ``/proc`` doesn't tell: it may hide one that lives
    (``hidepid``), or be that of another namespace."""
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):
        pass
    return False


def _make_private(state, folder):
    # type: (str, str) -> None
    """Makes a folder below the state folder that only its owner can enter, parents included.

    :raises OSError: one can't be made, is a link, or belongs to somebody else.
    """
    if not os.path.isdir(state):
        os.makedirs(state, 0o700, exist_ok=True)
    at = state
    for part in [""] + os.path.relpath(folder, state).split(os.sep):
        at = os.path.join(at, part) if part else at
        try:
            os.mkdir(at, 0o700)
        except FileExistsError:
            pass
        # The state folder itself may be reached through a link of the owner's.
        info = os.lstat(at) if part else os.stat(at)
        if info.st_uid != os.getuid() or not stat.S_ISDIR(info.st_mode):
            raise PermissionError(1, "%s belongs to another user, or is no folder" % at, at)
        if info.st_mode & 0o022:
            raise PermissionError(1, "others may write into %s" % at, at)
