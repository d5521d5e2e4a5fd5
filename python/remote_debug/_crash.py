"""Notices an exception that nobody caught, in any thread, whatever hooks the program installs.

``sys`` and ``threading`` get a class whose ``excepthook`` is a property: the program reads and sets
what it believes to be the hook, the interpreter calls rdg's. (The audit event for the assignment
would do as well, but an audit hook costs on every event.)
"""

import sys

_on_crash = None  # type: object
#: The hooks that the program believes to be in place.
_theirs = {}  # type: dict
_default_thread_hook = None  # type: object
_shown = None  # type: object


def install(on_crash):
    # type: (object) -> None
    """Puts the hooks in place; ``on_crash(type, value, traceback)`` may take as long as it likes."""
    global _on_crash, _default_thread_hook
    import threading

    _on_crash = on_crash
    _theirs["sys"] = sys.excepthook
    _theirs["threading"] = _default_thread_hook = threading.excepthook
    sys.excepthook = _excepthook
    threading.excepthook = _thread_excepthook
    sys.__class__ = _watched("sys", _excepthook)
    threading.__class__ = _watched("threading", _thread_excepthook)


def _watched(name, ours):
    # type: (str, object) -> type
    """A class for a module that keeps what the program assigns to ``excepthook`` apart."""

    def get(module):
        # type: (object) -> object
        return _theirs[name]

    def set_(module, hook):
        # type: (object, object) -> None
        # mock.patch() puts back what it found in the module's dictionary: ours.
        if hook is not ours:
            _theirs[name] = hook

    def delete(module):
        # type: (object) -> None
        _theirs[name] = sys.__excepthook__ if name == "sys" else _default_thread_hook

    # A type of its own would change repr() and pickling of the module; the name stays "module".
    return type("module", (type(sys),), {"excepthook": property(get, set_, delete)})


def _excepthook(kind, value, trace):
    # type: (type, BaseException, object) -> None
    theirs = _theirs["sys"]
    if issubclass(kind, (SystemExit, KeyboardInterrupt)) or _on_crash is None:
        theirs(kind, value, trace)
        return
    if theirs is sys.__excepthook__:
        theirs(kind, value, trace)
        _open(kind, value, trace)
        return
    # The program's own hook comes last: it may well end the process (MPI.Abort, os._exit).
    sys.__excepthook__(kind, value, trace)  # type: ignore
    _open(kind, value, trace)
    theirs(kind, value, trace)


def _thread_excepthook(args):
    # type: (object) -> None
    theirs = _theirs["threading"]
    kind, value, trace = args.exc_type, args.exc_value, args.exc_traceback  # type: ignore
    if value is None or issubclass(kind, (SystemExit, KeyboardInterrupt)) or _on_crash is None:
        theirs(args)
        return
    _default_thread_hook(args)  # type: ignore
    _open(kind, value, trace)
    if theirs is not _default_thread_hook:
        theirs(args)


def _open(kind, value, trace):
    # type: (type, BaseException, object) -> None
    """Opens the debugger, once for an exception that passes several hooks."""
    global _shown
    if value is _shown:
        return
    _shown = value
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except Exception:
        pass
    try:
        _on_crash(kind, value, trace)  # type: ignore
    finally:
        _shown = None


def after_fork():
    # type: () -> None
    """A forked child that fails is its parent's business: it must not wait for an editor."""
    global _on_crash
    _on_crash = None
