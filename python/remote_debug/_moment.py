"""Whether the program can be stopped where a wake has met it; if not, the wake comes again in a moment.

A signal's handler runs between any two bytecodes. What it calls, and what debugpy's threads call while
the program stands still, must not need a lock that the interrupted code holds, nor a module that it has
half imported. Loaded at the start, as nothing can be imported in such a moment.
"""

import _thread
import os
import sys
import time

_start_thread = _thread.start_new_thread  # debugpy puts its own in place
_allocate_lock = _thread.allocate_lock

#: Seconds after which a wake goes on in the midst of an import of the program's own: a program may
#: run as the side effect of one. What else is in the way ends by itself.
PATIENCE = 2.0
#: Seconds after which it goes on whatever is in the way.
LONGEST = 60.0

_bootstrap = "<frozen importlib._bootstrap>"
_library = os.path.dirname(os.__file__) + os.sep
_added = (_library + "site-packages", _library + "dist-packages")

_folder = os.path.dirname(__file__) + os.sep
#: Of rdg's own files those that call the program: its handlers and hooks may take long.
_callers = (_folder + "_crash.py", _folder + "_signals.py")

_since = 0.0  # when the wake that is put off came first
_coming = 0  # the process in which it is on its way again


def is_library(path):
    # type: (str) -> bool
    """Whether a file of code is the standard library's."""
    return path.startswith((_library, "<frozen ")) and not path.startswith(_added)


def has_threads():
    # type: () -> bool
    """Whether the program's threads are Python's own. Where gevent or eventlet has put its greenlets in
    place, nothing that waits may be called in a handler, and debugpy's threads would be greenlets."""
    return _thread.allocate_lock is _allocate_lock


def is_good(frame, number):
    # type: (object, int) -> bool
    """Whether the program can be stopped in this frame; otherwise signal ``number`` is sent once more."""
    global _since, _coming
    if _coming == os.getpid():
        return False  # one of many: the other is on its way
    now = time.monotonic()
    _since = _since or now
    pause = _obstacle(frame, now - _since)
    if pause and now - _since < LONGEST:
        try:
            _coming = os.getpid()
            _start_thread(_send, (os.getpid(), number, pause))
            return False
        except RuntimeError:
            _coming = 0  # no thread can be had
    _since = 0.0
    return True


def _obstacle(frame, waited):
    # type: (object, float) -> float
    """Seconds after which to look again, 0 where nothing is in the way."""
    if _holds_lock() or _in_own_code(frame) or _in_debugger(frame):
        return 0.02
    innermost = frame.f_code.co_filename  # type: ignore
    if innermost.startswith("<frozen importlib.") or _half_imported():
        # A program that imports all the time is outside for some microseconds only, which one look in
        # some hundred meets.
        return 0.1 if waited < PATIENCE else 0.005
    return 0.1 if waited < PATIENCE and _is_importing(frame) else 0


def _holds_lock():
    # type: () -> bool
    """Whether this thread may hold a lock with which threads are started and listed, or tracing is switched."""
    tracing = sys.modules.get(__package__ + "._debugpy_tracing")
    if tracing is not None and tracing.lock._is_owned():  # type: ignore
        return True
    threading = sys.modules.get("threading")
    for name in ("_active_limbo_lock", "_shutdown_locks_lock"):
        lock = getattr(threading, name, None)
        if hasattr(lock, "_is_owned"):
            if lock._is_owned():
                return True
        elif lock is not None:
            # Nobody can tell whose it is; another thread's is free again in no time.
            if not lock.acquire(timeout=0.1):
                return True
            lock.release()
    return False


def _in_own_code(frame):
    # type: (object) -> bool
    """Whether rdg's own code is under way, in a call of the program's or as the main thread's tracing is
    switched: it holds locks that debugpy's threads need. It ends by itself; where it waits for a client, no
    wake comes here."""
    while frame is not None:
        name = frame.f_code.co_filename  # type: ignore
        if name.rpartition(os.sep)[0] + os.sep == _folder and name not in _callers:
            return True
        frame = frame.f_back  # type: ignore
    return False


def _in_debugger(frame):
    # type: (object) -> bool
    """Whether debugpy's code is under way: it may hold locks of its own."""
    debugpy = sys.modules.get("debugpy")
    if "pydevd" not in sys.modules or not getattr(debugpy, "__file__", None):
        return False
    folder = os.path.dirname(os.path.abspath(debugpy.__file__)) + os.sep  # type: ignore
    while frame is not None:
        if frame.f_code.co_filename.startswith(folder):  # type: ignore
            return True
        frame = frame.f_back  # type: ignore
    return False


def _is_importing(frame):
    # type: (object) -> bool
    while frame is not None:
        if frame.f_code.co_filename == _bootstrap:  # type: ignore
            return True
        frame = frame.f_back  # type: ignore
    return False


def _half_imported():
    # type: () -> bool
    """Whether the standard library is being imported: debugpy needs a good deal of it."""
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if getattr(spec, "_initializing", False):
            origin = getattr(spec, "origin", None)
            if isinstance(origin, str) and origin.startswith(_library):
                if not origin.startswith(_added) and spec.name != "sitecustomize":  # type: ignore
                    return True
    return False


def _send(pid, number, pause):
    # type: (int, int, float) -> None
    global _coming
    time.sleep(pause)
    _coming = 0
    os.kill(pid, number)
