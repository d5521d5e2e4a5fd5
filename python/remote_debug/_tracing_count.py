"""How many threads are traced, as CPython 3.8 and 3.9 count: while it isn't 0, each instruction takes a
longer way. debugpy raises the number whenever it traces a thread from outside, and never lowers it, so
that a program would be slower by a fifth for the rest of its life (seen).

The number has no name that could be asked for. It is found by what it does: it goes up by one when a
thread sets a trace function, and down when it takes it away. Where none does just that, nothing is done.
"""

import _thread
import sys

_ROUNDS = 4
#: Within what the number is, and how many C integers of it are looked at.
_PLACES = {(3, 8): ("_PyRuntime", 200), (3, 9): ("PyInterpreterState_Get", 40)}

_memory = None  # type: object  # C integers, of which one …
_index = -1  # … is the number
_before = 0  # what it was without debugpy
_leaving = set()  # type: set  # threads that debugpy traces still


def find():
    # type: () -> None
    """Before debugpy traces anything: where the number is, and what it is."""
    global _before
    if sys.version_info[:2] not in _PLACES:
        return
    if _memory is None:
        done = _thread.allocate_lock()
        done.acquire()
        # In a thread of its own: this one may have a trace function.
        _thread.start_new_thread(_look, (done,))
        done.acquire()
    if _memory is not None and not _leaving:
        _before = _memory[_index]  # type: ignore


def _look(done):
    # type: (object) -> None
    global _memory, _index
    try:
        import ctypes

        name, size = _PLACES[sys.version_info[:2]]
        if name == "_PyRuntime":
            address = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, name))
        else:
            function = getattr(ctypes.pythonapi, name)
            function.restype = ctypes.c_void_p
            address = function()
        memory = (ctypes.c_int * size).from_address(address)
        found = set(range(size))
        for _ in range(_ROUNDS):
            values = [list(memory)]
            for function in (_nothing, None):
                sys.settrace(function)
                values.append(list(memory))
            low, high, again = values
            found = {i for i in found if low[i] == again[i] == high[i] - 1}
        if len(found) == 1:
            _index = found.pop()
            _memory = memory
    except Exception:
        pass
    finally:
        done.release()  # type: ignore


def _nothing(frame, event, arg):
    # type: (object, str, object) -> None
    pass


def leaving(idents):
    # type: (list) -> None
    """These threads, and the main one, take debugpy's trace function away at their next call."""
    import threading

    _leaving.clear()
    _leaving.update(idents, [threading.main_thread().ident])


def left(ident):
    # type: (int) -> None
    """That thread has done it; after the last one the number is what it was."""
    _leaving.discard(ident)
    if _memory is None:
        return
    _leaving.intersection_update(sys._current_frames())
    if not _leaving and _memory[_index] > _before:  # type: ignore
        _memory[_index] = _before  # type: ignore
