"""What rdg knows of debugpy's insides: its import, the session, waiting for a client, stopping.

Tracing stands in ``_debugpy_tracing.py``, the program's output in ``_debugpy_output.py``, the way that
debugpy's adapter is started in ``_adapter.py`` and ``_adapter_process.py``. Tried with debugpy 1.6.6, 1.8.0,
1.8.11, 1.8.16, 1.8.20, 1.8.21 and 1.8.22. Nothing of debugpy's is imported before a debugger is wanted.
"""

import contextlib
import os
import sys
import threading

from . import _debugpy_output, _debugpy_tracing


@contextlib.contextmanager
def importing(folder, path):
    # type: (str, list) -> object
    """While this lasts debugpy can be imported, from ``folder`` where that isn't empty.

    ``path`` is ``sys.path`` as it was before the program's own folder came first: a ``queue.py``
    beside the script must not stand in for the one that debugpy imports.
    """
    # The cache's copy first: the environment's own may be too old. Nothing else lies in that folder.
    added = ([folder] if folder else []) + path
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


_after_end = None  # type: object  # what :func:`after_end` has to do


def settle(on_attach, on_leave, on_detach, on_end):
    # type: (object, object, object, object) -> None
    """After ``listen``: hides rdg's own frames, bounds the output sent, and reports attach and detach,
    and the end of the adapter.

    ``on_leave`` comes before the client counts as gone, ``on_detach`` when all is as it was without it.
    All but the last callback run in pydevd's reader thread. ``on_disconnect``, ``on_configuration_done`` and
    ``do_wait_suspend`` are methods of PyDB in every version tried.
    """
    global _after_end
    py_db = _py_db()
    hide_frames(py_db)
    _debugpy_output.bound(py_db)
    configured = py_db.on_configuration_done
    disconnected = py_db.on_disconnect
    suspended = py_db.do_wait_suspend

    def on_configuration_done():
        # type: () -> None
        # Tracing first: the program must not run past a breakpoint once the client hears "configured".
        _debugpy_tracing.on(py_db)
        # Counted first, too: the main thread goes on at once, and is asked by the next wake whose stop this is.
        on_attach()  # type: ignore
        configured()

    def on_disconnect():
        # type: () -> None
        was_attached = py_db.is_attached()
        if was_attached:
            on_leave()  # type: ignore
        disconnected()
        _debugpy_output.end(py_db)
        if was_attached:
            _debugpy_tracing.off(py_db)
            on_detach()  # type: ignore

    def do_wait_suspend(*args, **kwargs):
        # type: (*object, **object) -> None
        # A client that leaves takes the connection away first, and lets the threads go then. One that was just
        # about to stop came too late for that, and would stand still for ever.
        if py_db.is_attached():
            suspended(*args, **kwargs)
        else:
            from _pydevd_bundle.pydevd_thread_lifecycle import resume_threads

            resume_threads("*")

    def after_end():
        # type: () -> None
        # The record last: the file system may hang.
        for step, words in ((_debugpy_tracing.end, [py_db]), (_debugpy_output.end, [py_db]), (on_end, [])):
            with contextlib.suppress(Exception):
                step(*words)  # type: ignore

    py_db.on_configuration_done = on_configuration_done
    py_db.on_disconnect = on_disconnect
    py_db.do_wait_suspend = do_wait_suspend
    _after_end = after_end
    _debugpy_tracing.off(py_db)


def after_end():
    # type: () -> None
    """The adapter's process has gone, maybe without a word: the program has its speed and its streams
    back all the same."""
    if _after_end is not None:
        _after_end()  # type: ignore


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
    errors into the program, or its threads never stopped again (3.13).
    """
    py_db = _py_db()
    return py_db is None or py_db.pydb_disposed  # type: ignore


class _UntilOver(threading.Event):
    """Set as well when ``is_over`` says so, or when the adapter dies meanwhile: nobody could attach any more."""

    def __init__(self, is_over):
        # type: (object) -> None
        threading.Event.__init__(self)
        self._is_over = is_over

    def is_set(self):
        # type: () -> bool
        return threading.Event.is_set(self) or ended() or self._is_over()  # type: ignore


def wait(seconds, is_over):
    # type: (float, object) -> bool
    """Blocks until a client is attached and configured; False when the time is over (0: no limit), or where
    ``is_over()`` is true before."""
    import pydevd

    cancel = _UntilOver(is_over)
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
    if not attached():
        return False
    _debugpy_tracing.this_thread(_py_db())
    return True


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
    hear = _debugpy_tracing.deafen_this_thread()
    info.is_tracing += 1
    try:
        py_db.set_suspend(thread, CMD_SET_BREAK)  # type: ignore
        py_db.do_wait_suspend(thread, frame, "line", None)  # type: ignore
    except BaseException:
        # A handler of the program's own ends it, for one; other threads must not stand still for ever.
        resume_threads("*")
        raise
    finally:
        info.is_tracing -= 1
        hear()


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
    resume = _debugpy_tracing.pause_monitoring()
    try:
        py_db.do_stop_on_unhandled_exception(thread, innermost, frames, (kind, value, trace))
    finally:
        resume()
        info.is_tracing -= 1


def forget_in_child():
    # type: () -> None
    """In a forked child: no tracing, no breakpoints. The threads that would serve a stop are gone,
    so a worker that reached one would hang for ever."""
    global _after_end
    _after_end = None  # that is about the parent's record
    if "pydevd" not in sys.modules:
        return
    py_db = _py_db()
    if py_db is None:
        return
    _debugpy_tracing.forget_in_child(py_db)
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
