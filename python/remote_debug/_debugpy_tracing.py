"""Has the program traced while a client is attached, and at full speed, as it was before, while none is.

Python 3.12 and later have ``sys.monitoring`` for that. Before, each thread has one trace function: debugpy
takes the place of the program's own (coverage has one), and here it is given back. 3.8 and 3.9 stay a
fifth slower: debugpy leaves their count of traced threads raised. Versions: see ``_debugpy.py``.
"""

import _thread
import contextlib
import sys
import threading
import time

from . import _moment
from ._main_thread import MainThread

_set_trace = sys.settrace  # debugpy puts its own in place, which warns

#: How the names of debugpy's modules begin, and of those here.
_MODULES = ("pydevd", "_pydevd", "_pydev_bundle", "debugpy", __package__)

#: Of :func:`on` and :func:`off`, which several threads call: debugpy's reader, the adapter's watcher, those here.
lock = threading.RLock()
_over = False  # whether the adapter has gone


def uses_monitoring():
    # type: () -> bool
    try:
        from _pydevd_bundle.pydevd_constants import PYDEVD_USE_SYS_MONITORING
    except ImportError:
        return False
    return bool(PYDEVD_USE_SYS_MONITORING)


def off(py_db):
    # type: (object) -> None
    """Full speed while nobody is attached: on 3.11 tracing alone would cost 8 times in calls."""
    with lock:
        _off(py_db)


def _off(py_db):
    # type: (object) -> None
    if uses_monitoring():
        _monitoring().stop_monitoring(all_threads=True)
        return
    import pydevd_tracing

    py_db.enable_tracing = _nothing  # type: ignore
    _own.give_back_hook(py_db)
    main_thread.trace(False)
    _own.give_back_frames()
    idents = _other_threads()

    def leave(frame, event, arg):
        # type: (object, str, object) -> None
        # Called once in each thread, at its next call. A client may have come meanwhile. It takes no lock:
        # the program's code goes on only afterwards.
        try:
            _stop_here()
            if main_thread.wanted:
                py_db.enable_tracing()  # type: ignore
        except Exception:
            pass  # near the limit of recursion, for one: it must not come out in the program

    # Reaches other threads only on x86-64, where debugpy's wheels bring the library for it.
    if idents:
        pydevd_tracing.set_trace_to_threads(leave, thread_idents=idents, create_dummy_thread=False)
    pydevd_tracing.restore_sys_set_trace_func()
    _once_more()


def end(py_db):
    # type: (object) -> None
    """Tracing off for good: a client that is just attaching has no adapter any more."""
    global _over
    _over = True
    off(py_db)


def _once_more():
    # type: () -> None
    """Does it again in a moment. A thread in the midst of a function of debugpy's has its frame traced again
    when that returns; and what the main thread was to do a handler of a signal may have cut off."""

    def do():
        # type: () -> None
        time.sleep(0.2)
        with lock:
            if not main_thread.wanted:
                main_thread.again()
                _own.give_back_frames()
            elif main_thread.is_lost():
                main_thread.again()

    thread = threading.Thread(target=do, name="rdg tracing", daemon=True)
    thread.pydev_do_not_trace = thread.is_pydev_daemon_thread = True  # type: ignore
    with contextlib.suppress(RuntimeError):  # no more threads can be had
        thread.start()


def on(py_db):
    # type: (object) -> None
    """Tracing on again, in all threads, for the client that is attaching."""
    with lock:
        if not _over:
            _on(py_db)


def _on(py_db):
    # type: (object) -> None
    if uses_monitoring():
        monitoring = _monitoring()
        monitoring.start_monitoring(all_threads=True)
        monitoring.update_monitor_events()
        monitoring.restart_events()
        return
    if main_thread.wanted:
        return
    import pydevd_tracing

    def enable_tracing(*args, **kwargs):
        # type: (*object, **object) -> None
        # debugpy calls this in each thread, where it may take a while. The client may have left meanwhile,
        # and what that took away would be there again.
        try:
            type(py_db).enable_tracing(py_db, *args, **kwargs)  # type: ignore
            if not main_thread.wanted:
                _stop_here()
        except RecursionError:
            pass  # as above; nothing more can be called here
        except Exception as error:  # no more threads can be had, for one
            if _is_from_program(error):
                raise  # by a handler of a signal

    remember()
    py_db.enable_tracing = enable_tracing  # type: ignore
    pydevd_tracing.replace_sys_set_trace_func()
    threading.settrace(py_db.trace_dispatch)  # type: ignore
    main_thread.trace(True)
    idents = _other_threads()
    if idents:
        # Only x86-64 wheels of debugpy can reach into other threads; the main one sees to itself.
        function = py_db.trace_dispatch if py_db.frame_eval_func is None else py_db.dummy_trace_dispatch  # type: ignore
        pydevd_tracing.set_trace_to_threads(function, thread_idents=idents)
    py_db.set_tracing_for_untraced_contexts()  # type: ignore
    _once_more()


def remember():
    # type: () -> None
    """What traces the program by its own wish, before debugpy takes the place."""
    _own.remember()


def this_thread(py_db):
    # type: (object) -> None
    """Before 3.12 a thread other than the main one can be sure of tracing only by its own doing."""
    if not uses_monitoring() and not _is_main_over():
        py_db.enable_tracing()  # type: ignore


def forget_in_child(py_db):
    # type: (object) -> None
    """In a forked child: no tracing by debugpy."""
    global lock, _over
    lock = threading.RLock()
    _over = False
    if uses_monitoring():
        _monitoring().stop_monitoring(all_threads=True)
    else:
        _own.give_back_hook(py_db)
        _stop_here()
    py_db.enable_tracing = _nothing  # type: ignore
    main_thread.forget()


def deafen_this_thread():
    # type: () -> object
    """Keeps sys.monitoring's events of this thread from debugpy; returns what undoes it."""
    if not uses_monitoring():
        return _nothing
    monitoring = _monitoring()

    def hear():
        # type: () -> None
        monitoring.start_monitoring(all_threads=False)
        with contextlib.suppress(ValueError):  # the client goes just now, and :func:`off` runs
            monitoring.update_monitor_events()
        # Places whose events were passed over meanwhile report no more until this.
        monitoring.restart_events()

    # Starting first: a thread that has reported nothing yet can't be stopped, and would begin later.
    monitoring.start_monitoring(all_threads=False)
    monitoring.stop_monitoring(all_threads=False)
    return hear


def pause_monitoring():
    # type: () -> object
    """On 3.12 and later versions before 1.8.22 stop in the wrong frame while events still come in.
    Returns what switches them on again."""
    if not uses_monitoring():
        return _nothing
    monitoring = _monitoring()
    monitoring.stop_monitoring(all_threads=True)
    return lambda: monitoring.start_monitoring(all_threads=True)


def _monitoring():
    # type: () -> object
    from _pydevd_sys_monitoring import pydevd_sys_monitoring

    return pydevd_sys_monitoring


def _nothing(*args, **kwargs):
    # type: (*object, **object) -> None
    pass


def _is_main_over():
    # type: () -> bool
    """Whether the current thread is the main one, and it is over but for handlers of signals. debugpy
    waits for itself where such a thread is traced while it serves a client."""
    thread = threading.current_thread()
    return thread is threading.main_thread() and not thread.is_alive()


def _stacks():
    # type: () -> dict
    """The frames of each thread, the innermost first."""
    stacks = {}
    for ident, frame in sys._current_frames().items():
        stacks[ident] = []
        while frame is not None:
            stacks[ident].append(frame)
            frame = frame.f_back  # type: ignore
    return stacks


def _other_threads():
    # type: () -> list
    """All but the main one and debugpy's own."""
    known = {thread.ident: thread for thread in threading.enumerate()}
    main = threading.main_thread().ident
    return [
        ident
        for ident in sys._current_frames()
        if ident != main and not getattr(known.get(ident), "pydev_do_not_trace", False)
    ]


def _stop_here():
    # type: () -> None
    """Gives the current thread back the trace function that it had."""
    import pydevd_tracing

    if _is_debugpys(sys.gettrace()):
        pydevd_tracing.SetTrace(None)
        theirs = _own.in_thread(_thread.get_ident())
        if theirs is not None:
            _set_trace(theirs)
    frame = sys._getframe()  # type: object
    while frame is not None:
        _own.give_back_frame(frame)
        frame = frame.f_back  # type: ignore


def _is_debugpys(function):
    # type: (object) -> bool
    """Whether a trace function is debugpy's, or one of those here."""
    function = getattr(function, "func", function)  # a partial
    for module in (
        getattr(function, "__module__", None),
        type(function).__module__,
        type(getattr(function, "__self__", None)).__module__,
    ):
        if module and module.startswith(_MODULES):
            return True
    return False


def _key(frame):
    # type: (object) -> tuple
    return id(frame), id(frame.f_code)  # type: ignore


class _Own:
    """What traces the program by its own wish."""

    def __init__(self):
        # type: () -> None
        self._threads = {}  # type: dict  # trace function by thread, where a thread has said it
        self._frames = {}  # type: dict  # and by frame
        self._hook = None  # type: object  # of threading.settrace

    def remember(self):
        # type: () -> None
        self.remember_thread()
        hook = getattr(threading, "_trace_hook", None)
        if not _is_debugpys(hook):
            self._hook = hook
        # By number: a frame, and what is in it, must not live longer for this.
        before, self._frames = self._frames, {}
        for frames in _stacks().values():
            for frame in frames:
                key, function = _key(frame), frame.f_trace
                if function is not None and not _is_debugpys(function):
                    self._frames[key] = function
                elif key in before:
                    self._frames[key] = before[key]

    def remember_thread(self):
        # type: () -> None
        function = sys.gettrace()
        if not _is_debugpys(function):
            self._threads[_thread.get_ident()] = function

    def in_thread(self, ident):
        # type: (int) -> object
        """The function of a thread. Python tells that only to the thread itself: of one that wasn't
        asked, it is what ``threading.settrace`` gives to each."""
        return self._threads.get(ident, self._hook)

    def give_back_frames(self):
        # type: () -> None
        for frames in _stacks().values():
            for frame in frames:
                self.give_back_frame(frame)

    def give_back_frame(self, frame):
        # type: (object) -> None
        function = frame.f_trace  # type: ignore
        if function is None or _is_debugpys(function):
            frame.f_trace = self._frames.get(_key(frame))  # type: ignore
            frame.f_trace_lines = True  # type: ignore

    def give_back_hook(self, py_db):
        # type: (object) -> None
        """Threads that start from now on: debugpy's slowest function at each call, if it stayed (57
        times slower on 3.11). One that the program has set meanwhile stays."""
        if getattr(threading, "_trace_hook", None) is py_db.trace_dispatch:  # type: ignore
            threading.settrace(self._hook)  # type: ignore


def _is_from_program(error):
    # type: (Exception) -> bool
    """Whether code of the program's raised an error: a handler of a signal, in the midst of what is done here."""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        module = str(frame.f_globals.get("__name__"))
        if not module.startswith(_MODULES) and not _moment.is_library(frame.f_code.co_filename):
            return True
        trace = trace.tb_next
    return False


def _switch_main_thread(wanted):
    # type: (bool) -> None
    try:
        if not wanted:
            _stop_here()
        elif not _is_main_over():
            from _pydevd_bundle.pydevd_constants import get_global_debugger

            _own.remember_thread()
            py_db = get_global_debugger()
            py_db.enable_tracing()  # type: ignore
            py_db.set_tracing_for_untraced_contexts()  # type: ignore
    except Exception as error:
        if _is_from_program(error):
            raise


_own = _Own()
main_thread = MainThread(_switch_main_thread)
