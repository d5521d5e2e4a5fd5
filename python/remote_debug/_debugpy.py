"""Everything that rdg knows of debugpy's insides.

Tried with debugpy 1.6.6, 1.8.0, 1.8.11, 1.8.16, 1.8.20, 1.8.21 and 1.8.22. Nothing here is imported before a debugger is
wanted, except :func:`find`, which imports nothing itself.
"""

import contextlib
import os
import sys
import threading


@contextlib.contextmanager
def importing(folder, path):
    # type: (str, list) -> object
    """While this lasts debugpy can be imported, from ``folder`` where that isn't empty.

    ``path`` is ``sys.path`` as it was before the program's own folder came first: a ``queue.py``
    beside the script must not stand in for the one that debugpy imports.
    """
    added = path + ([folder] if folder else [])
    before = list(sys.path)
    environment = dict(os.environ)
    # Python 3.11 and later warn about frozen modules at every start otherwise.
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    sys.path[:0] = added
    try:
        yield
    finally:
        if sys.path[: len(added)] == added:
            del sys.path[: len(added)]
        else:
            sys.path[:] = before
        restore_environment(environment)


def restore_environment(before):
    # type: (dict) -> None
    """Takes away what debugpy left in the environment: it would reach the program's children."""
    for name in list(os.environ):
        if name.startswith(("PYDEVD_", "DEBUGPY_")) and before.get(name) != os.environ[name]:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def settle(on_attach, on_detach):
    # type: (object, object) -> None
    """After ``listen``: hides rdg's own frames, bounds the output sent, and reports attach and detach.

    Both callbacks run in pydevd's reader thread. ``on_disconnect`` and ``on_configuration_done`` are
    methods of PyDB in every version tried.
    """
    from . import _debugpy_output

    py_db = _py_db()
    hide_frames(py_db)
    _debugpy_output.bound(py_db)
    configured = py_db.on_configuration_done
    disconnected = py_db.on_disconnect

    def on_configuration_done():
        # type: () -> None
        # Tracing first: the program must not run past a breakpoint once the client hears "configured".
        _loud(py_db)
        configured()
        on_attach()  # type: ignore

    def on_disconnect():
        # type: () -> None
        was_attached = py_db.is_attached()
        disconnected()
        _debugpy_output.end(py_db)
        if was_attached:
            quiet()
            on_detach()  # type: ignore

    py_db.on_configuration_done = on_configuration_done
    py_db.on_disconnect = on_disconnect

def hide_frames(py_db):
    # type: (object) -> None
    """Marks rdg's folder as debugger's own, next to debugpy's, so that no stack shows it."""
    import debugpy

    own = os.path.dirname(os.path.abspath(__file__))
    theirs = os.path.dirname(os.path.abspath(debugpy.__file__))
    from _pydevd_bundle.pydevd_api import PyDevdAPI

    PyDevdAPI().set_dont_trace_start_end_patterns(py_db, (theirs, own), ("debugpy_launcher.py",))


def attached():
    # type: () -> bool
    """Whether a client is attached and has sent its breakpoints."""
    import debugpy

    return "pydevd" in sys.modules and debugpy.is_client_connected() and not ended()


def ended():
    # type: () -> bool
    """Whether the session is over for good: the adapter's process has died, or was killed.

    A second session in the same process isn't to be had: what is left of the first one raised its
    errors into the program (3.13).
    """
    py_db = _py_db()
    return py_db is None or py_db.pydb_disposed  # type: ignore


class _UntilEnded(threading.Event):
    """Set as well when the adapter dies meanwhile: nobody could attach any more."""

    def is_set(self):
        # type: () -> bool
        return threading.Event.is_set(self) or ended()


def wait(seconds):
    # type: (float) -> bool
    """Blocks until a client is attached and configured; False when the time is over (0: no limit)."""
    import pydevd

    cancel = _UntilEnded()
    timer = None
    if seconds:
        timer = threading.Timer(seconds, cancel.set)
        timer.daemon = True
        timer.start()
    try:
        pydevd._wait_for_attach(cancel=cancel)
    finally:
        if timer is not None:
            timer.cancel()
    return attached()


def stop_here():
    # type: () -> None
    """Stops in the nearest frame below that is the program's own, as ``breakpoint()`` would."""
    import debugpy

    debugpy.breakpoint()


def stop_now():
    # type: () -> None
    """Stops at once, in the midst of the line that a signal interrupted; returns when resumed.

    ``breakpoint()`` stops at the next line only, which after a sleep of hours is hours away. Where the
    signal met debugpy's own code, the next line it is. ``_moment`` has seen to the rest.
    """
    from _pydevd_bundle.pydevd_additional_thread_info import set_additional_thread_info
    from _pydevd_bundle.pydevd_comm_constants import CMD_SET_BREAK
    from _pydevd_bundle.pydevd_thread_lifecycle import resume_threads

    py_db = _py_db()
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frame = sys._getframe()  # type: object
    while frame is not None and frame.f_code.co_filename.startswith(own):  # type: ignore
        frame = frame.f_back  # type: ignore
    if frame is None or py_db.get_file_type(frame) == py_db.PYDEV_FILE:  # type: ignore
        stop_here()
        return
    thread = threading.current_thread()
    info = set_additional_thread_info(thread)
    # What debugpy itself calls from here on must not be taken for steps of the program: it would
    # stop within its own locks.
    hear = _deafen_this_thread()
    info.is_tracing += 1
    try:
        py_db.set_suspend(thread, CMD_SET_BREAK)  # type: ignore
        if attached():
            py_db.do_wait_suspend(thread, frame, "line", None)  # type: ignore
        else:
            # The client has gone meanwhile. One that goes later lets this thread go: a disconnect
            # takes the connection away first, and resumes then.
            resume_threads("*")
    except BaseException:
        # A handler of the program's own ends it, for one; other threads must not stand still for ever.
        resume_threads("*")
        raise
    finally:
        info.is_tracing -= 1
        hear()


def _deafen_this_thread():
    # type: () -> object
    """Keeps sys.monitoring's events of this thread from debugpy; returns what undoes it."""
    if not _uses_monitoring():
        return _nothing
    from _pydevd_sys_monitoring import pydevd_sys_monitoring

    def hear():
        # type: () -> None
        pydevd_sys_monitoring.start_monitoring(all_threads=False)
        with contextlib.suppress(ValueError):  # the client goes just now, and :func:`quiet` runs
            pydevd_sys_monitoring.update_monitor_events()
        # Places whose events were passed over meanwhile report no more until this.
        pydevd_sys_monitoring.restart_events()

    # Starting first: a thread that has reported nothing yet can't be stopped, and would begin later.
    pydevd_sys_monitoring.start_monitoring(all_threads=False)
    pydevd_sys_monitoring.stop_monitoring(all_threads=False)
    return hear


def threads_left():
    # type: () -> object
    """None while the main thread runs; once it is over, whether others keep the program alive. Where
    none does (in functions of atexit), pydevd ends the session as soon as it begins."""
    if threading.main_thread().is_alive():
        return None
    return any(
        not thread.daemon and thread.is_alive() and not getattr(thread, "is_pydev_daemon_thread", False)
        for thread in threading.enumerate()
    )


def pause_others():
    # type: () -> None
    """Stops all threads at their next line, as the editor's "pause" does."""
    from _pydevd_bundle.pydevd_api import PyDevdAPI

    PyDevdAPI().request_suspend_thread(_py_db())


def is_stopped():
    # type: () -> bool
    """Whether the current thread already stands still for a client."""
    info = getattr(threading.current_thread(), "additional_info", None)
    return getattr(info, "pydev_state", None) == 2  # STATE_SUSPEND


def stop_on_entry():
    # type: () -> None
    """Makes the main thread stop at the first line of the person's own code that it reaches."""
    # What pydevd itself does for "stopOnEntry" of a launched program.
    from _pydevd_bundle.pydevd_api import PyDevdAPI

    PyDevdAPI().stop_on_entry()
    _py_db().enable_tracing()  # type: ignore


def stop_at_exception(kind, value, trace):
    # type: (type, BaseException, object) -> None
    """Shows the frames of an exception that nobody caught, with their locals; returns when resumed."""
    import debugpy

    py_db = _py_db()
    if hasattr(debugpy, "trigger_exception_handler"):
        # as_uncaught would depend on the client having ticked "Uncaught Exceptions".
        debugpy.trigger_exception_handler((kind, value, trace), as_uncaught=False)
        return
    from _pydevd_bundle.pydevd_additional_thread_info import set_additional_thread_info

    thread = threading.current_thread()
    info = set_additional_thread_info(thread)
    frames = {}
    last = trace
    while last is not None:
        frames[id(last.tb_frame)] = last.tb_frame  # type: ignore
        innermost = last.tb_frame  # type: ignore
        last = last.tb_next  # type: ignore
    info.is_tracing += 1
    quiet = _pause_monitoring()
    try:
        py_db.do_stop_on_unhandled_exception(thread, innermost, frames, (kind, value, trace))
    finally:
        quiet()
        info.is_tracing -= 1


def _pause_monitoring():
    # type: () -> object
    """On 3.12 and later versions before 1.8.22 stop in the wrong frame while events still come in.
    Returns what switches them on again."""
    if not _uses_monitoring():
        return _nothing
    from _pydevd_sys_monitoring import pydevd_sys_monitoring

    pydevd_sys_monitoring.stop_monitoring(all_threads=True)
    return lambda: pydevd_sys_monitoring.start_monitoring(all_threads=True)


def forget_in_child():
    # type: () -> None
    """In a forked child: no tracing, no breakpoints. The threads that would serve a stop are gone,
    so a worker that reached one would hang for ever."""
    if "pydevd" not in sys.modules:
        return
    py_db = _py_db()
    if py_db is None:
        return
    _stop_tracing_here()
    _trace_new_threads(py_db, False)
    py_db.enable_tracing = _nothing
    _main_thread.forget()
    from _pydevd_bundle import pydevd_constants

    pydevd_constants.set_global_debugger(None)
    import debugpy.server.api

    debugpy.server.api.listen.called = False
    from . import _adapter

    _adapter.forget()


def _py_db():
    # type: () -> object
    from _pydevd_bundle.pydevd_constants import get_global_debugger

    return get_global_debugger()


def _uses_monitoring():
    # type: () -> bool
    try:
        from _pydevd_bundle.pydevd_constants import PYDEVD_USE_SYS_MONITORING
    except ImportError:
        return False
    return bool(PYDEVD_USE_SYS_MONITORING)


def _nothing(*args, **kwargs):
    # type: (*object, **object) -> None
    pass


def _stop_tracing_here():
    # type: () -> None
    if _uses_monitoring():
        from _pydevd_sys_monitoring import pydevd_sys_monitoring

        pydevd_sys_monitoring.stop_monitoring(all_threads=True)
        return
    import pydevd_tracing

    pydevd_tracing.SetTrace(None)
    frame = sys._getframe()  # type: object
    while frame is not None:
        frame.f_trace = None  # type: ignore
        frame = frame.f_back  # type: ignore


def quiet():
    # type: () -> None
    """Full speed while nobody is attached: on 3.11 tracing alone would cost 8 times in calls."""
    py_db = _py_db()
    if _uses_monitoring():
        from _pydevd_sys_monitoring import pydevd_sys_monitoring

        pydevd_sys_monitoring.stop_monitoring(all_threads=True)
        return
    import pydevd_tracing

    def leave(frame, event, arg):
        # type: (object, str, object) -> None
        # Called once in each thread, at its next call. A client may have come meanwhile.
        pydevd_tracing.SetTrace(None)
        if _main_thread.wanted:
            py_db.enable_tracing()  # type: ignore

    py_db.enable_tracing = _nothing  # type: ignore
    _trace_new_threads(py_db, False)
    _main_thread.trace(False)
    for frame in sys._current_frames().values():
        while frame is not None:
            frame.f_trace = None
            frame = frame.f_back  # type: ignore
    # Reaches other threads only on x86-64, where debugpy's wheels bring the library for it.
    pydevd_tracing.set_trace_to_threads(leave, create_dummy_thread=False)


def _trace_new_threads(py_db, wanted):
    # type: (object, bool) -> None
    """Whether threads that start from now on are traced; a hook of the program's own stays.

    Left in place it would call pydevd's slowest function at each call: 57 times slower on 3.11.
    """
    ours = py_db.trace_dispatch  # type: ignore
    hook = getattr(threading, "_trace_hook", None)
    if wanted and hook is None:
        threading.settrace(ours)
    elif not wanted and hook is ours:
        threading.settrace(None)  # type: ignore


def trace_this_thread():
    # type: () -> None
    """Before 3.12 a thread other than the main one can be sure of tracing only by its own doing."""
    if not _uses_monitoring():
        _py_db().enable_tracing()  # type: ignore


def _loud(py_db):
    # type: (object) -> None
    """Tracing on again, in all threads, for the client that is attaching."""
    if _uses_monitoring():
        from _pydevd_sys_monitoring import pydevd_sys_monitoring

        pydevd_sys_monitoring.start_monitoring(all_threads=True)
        pydevd_sys_monitoring.update_monitor_events()
        pydevd_sys_monitoring.restart_events()
        return
    if py_db.__dict__.pop("enable_tracing", None) is None:  # type: ignore
        return

    _trace_new_threads(py_db, True)

    # The main thread by itself as well: only x86-64 wheels of debugpy can reach into other threads.
    _main_thread.trace(True)
    py_db.enable_tracing(py_db.trace_dispatch, apply_to_all_threads=True)  # type: ignore
    py_db.set_tracing_for_untraced_contexts()  # type: ignore


class _MainThread:
    """Has the main thread switch its tracing on or off at its next bytecode, without a signal.

    One call is under way at most, whatever happens meanwhile, and it does what is wanted by then: a
    thread that is busy in C for an hour takes it only afterwards, and CPython keeps 32 such calls. It
    is under way until it is all but over: CPython 3.11 runs no second one meanwhile, and enters no
    traced function while one is due, so that the program would stand still for ever (seen).
    """

    def __init__(self):
        # type: () -> None
        self.wanted = False
        self._lock = threading.Lock()
        self._under_way = False
        self._pointer = None  # type: object  # lives as long as the process: C holds it

    def trace(self, wanted):
        # type: (bool) -> None
        import ctypes

        with self._lock:
            self.wanted = wanted
            if self._under_way:
                return
            self._under_way = True
        if self._pointer is None:
            self._pointer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(self._call)
        if ctypes.pythonapi.Py_AddPendingCall(self._pointer, None) != 0:
            self._under_way = False

    def forget(self):
        # type: () -> None
        """In a forked child: whoever held the lock isn't there."""
        self._lock = threading.Lock()
        self.wanted = self._under_way = False

    def _call(self, _):
        # type: (object) -> int
        while True:
            wanted = self.wanted
            try:
                if wanted:
                    py_db = _py_db()
                    py_db.enable_tracing()  # type: ignore
                    py_db.set_tracing_for_untraced_contexts()  # type: ignore
                else:
                    _stop_tracing_here()
            except Exception:
                pass
            # Nothing is called from here on, were it only because of the trace function.
            with self._lock:
                if self.wanted is wanted:
                    self._under_way = False
                    return 0


_main_thread = _MainThread()

