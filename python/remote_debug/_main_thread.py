"""Has the main thread do something soon, from another thread. Knows CPython's calls for that, 3.8 to 3.14."""

import itertools
import operator
import sys
import threading


def _running():
    # type: () -> list
    """The code that the main thread is in, the innermost first."""
    codes = []
    frame = sys._current_frames().get(threading.main_thread().ident)  # type: object
    while frame is not None:
        codes.append(frame.f_code)  # type: ignore
        frame = frame.f_back  # type: ignore
    return codes


def _takes_no_calls():
    # type: () -> bool
    """Once Python 3.8 has waited for the program's threads, it prints an error about each new call."""
    if sys.version_info >= (3, 9) or threading.main_thread().is_alive():
        return False
    waits = (threading.__file__, "_shutdown")
    return all((code.co_filename, code.co_name) != waits for code in _running())


class MainThread:
    """Has the main thread call ``switch`` (with True: tracing on) at its next bytecode, without a signal.
    What that raises comes up in the program.

    One call is under way at most, whatever happens meanwhile, and it does what is wanted by then: a
    thread that is busy in C for an hour takes it only afterwards, and CPython keeps 32 such calls. It
    is under way until it is all but over: CPython 3.11 runs no second one meanwhile, and enters no
    traced function while one is due, so that the program would stand still for ever (seen).
    """

    def __init__(self, switch):
        # type: (object) -> None
        self._switch = switch
        self.forget()

    def forget(self):
        # type: () -> None
        """In a forked child as well: whoever held the lock isn't there."""
        self.wanted = False
        self._lock = threading.Lock()
        self._under_way = False
        self._raised = None  # type: object
        # Not a callback of ctypes, which has no way for an exception: C asks an object for its truth, and
        # hears when that raises something. It is counted before anything of Python's is called.
        self._asked = 0
        self._due = itertools.repeat(0, sys.maxsize)
        call = map(self._call, self._due).__next__
        self._object = type("Call", (), {"__len__": call})()

    def trace(self, wanted):
        # type: (bool) -> None
        with self._lock:
            self.wanted = wanted
        self.again()

    def again(self):
        # type: () -> None
        """Does once more what is wanted."""
        import ctypes

        if _takes_no_calls():
            return
        with self._lock:
            if self._under_way and not self.is_lost():
                return
            self._under_way = True
            self._asked += 1
        python, called = ctypes.pythonapi, ctypes.py_object(self._object)
        python.Py_IncRef(called)  # C holds it
        if python.Py_AddPendingCall(python.PyObject_IsTrue, called) != 0:
            with self._lock:
                self._under_way = False
                self._asked -= 1

    def is_lost(self):
        # type: () -> bool
        """Whether a handler of a signal, or a trace function, has raised something at the very beginning of
        the call, so that it has ended without a word."""
        if not self._under_way:
            return False
        if sys.maxsize - operator.length_hint(self._due) < self._asked:
            return False  # it is still to come
        return MainThread._call.__code__ not in _running()

    def _call(self, zero):
        # type: (int) -> int
        # Between any two bytecodes in here handlers of the program's signals may run. What they raise is
        # raised at the end.
        while True:
            try:
                wanted = self.wanted
                self._switch(wanted)  # type: ignore
                # Nothing is called from here on, were it only because of the trace function.
                with self._lock:
                    if self.wanted is wanted:
                        self._under_way = False
                        break
            except BaseException as error:
                # Ctrl-C, SystemExit: the switch was left halfway, maybe.
                self._raised = error
                if not self._under_way:
                    break
        raised, self._raised = self._raised, None
        if raised is None:
            return zero
        try:
            raise raised
        finally:
            del raised  # it holds this frame
