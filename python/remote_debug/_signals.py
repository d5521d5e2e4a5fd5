"""Installs the wake handler and keeps it when the program installs one of its own.

``_signal.signal`` and ``_signal.getsignal`` are what ``signal.signal`` calls, looked up at each call;
replacing them lets the program see just what it would see without rdg, while both sides are called.
No module is imported that Python hasn't loaded.
"""

import _signal  # type: ignore
import sys

from . import _say, _stacks

_real_signal = _signal.signal
_real_getsignal = _signal.getsignal

_on_wake = None  # type: object
_wake_number = 0
_stack_number = 0
#: What the program itself installed for the two signals.
_theirs = {}  # type: dict


def install(wake, stack, on_wake):
    # type: (int, int, object) -> None
    """Puts the handler in place; ``on_wake(frame)`` runs in the main thread between two bytecodes.

    :raises ValueError: not in the main thread.
    """
    global _on_wake, _wake_number, _stack_number
    _on_wake = on_wake
    _wake_number = wake
    _stack_number = stack
    _theirs[wake] = _real_signal(wake, _handle)
    _theirs[stack] = _real_getsignal(stack)
    _signal.signal = _signal_signal
    _signal.getsignal = _signal_getsignal


def renew():
    # type: () -> None
    """Puts the handler back in front, where something went round :func:`_signal_signal`."""
    if _real_getsignal(_wake_number) is not _handle:
        _theirs[_wake_number] = _real_signal(_wake_number, _handle)


def installed():
    # type: () -> bool
    """Whether the wake handler is in place."""
    return _wake_number != 0


def _handle(number, frame):
    # type: (int, object) -> None
    limit = sys.getrecursionlimit()
    # The program may be near its limit; the error would be raised in its midst.
    sys.setrecursionlimit(limit + 1000)
    try:
        _on_wake(frame)  # type: ignore
    except Exception as error:
        _say.note("Cannot open the debugger: %s" % error)
    finally:
        if sys.getrecursionlimit() == limit + 1000:
            sys.setrecursionlimit(limit)
    theirs = _theirs.get(number)
    if callable(theirs):
        theirs(number, frame)


def is_handling(frame):
    # type: (object) -> bool
    """Whether the signal met its own handler: many at once meet each other's first instruction, and the
    last one of them is the first to get on. What the program's handler does afterwards doesn't count."""
    if frame is not None and frame.f_code is _handle.__code__:  # type: ignore
        return True
    wake = getattr(_on_wake, "__code__", None)
    while frame is not None:
        if frame.f_code is wake:  # type: ignore
            return True
        frame = frame.f_back  # type: ignore
    return False


def _signal_signal(number, handler):
    # type: (object, object) -> object
    """Stands in for ``_signal.signal``; only rdg's two signals are treated apart."""
    if number == _wake_number or number == _stack_number:
        key = int(number)  # type: ignore
        before = _theirs.get(key)
        # The real call checks thread, number and type; then rdg's handler goes back in.
        if key == _wake_number:
            _real_signal(key, handler)
            _real_signal(key, _handle)
        else:
            with _stacks.aside() as chain:
                _real_signal(key, handler)
                chain(callable(handler))
        _theirs[key] = handler
        return before
    return _real_signal(number, handler)


def _signal_getsignal(number):
    # type: (object) -> object
    """Stands in for ``_signal.getsignal``."""
    if number == _wake_number or number == _stack_number:
        return _theirs.get(int(number))  # type: ignore
    return _real_getsignal(number)
