"""Notices an exception that nobody caught, in any thread, whatever hooks the program installs.

``sys`` and ``threading`` get a class whose ``excepthook`` is a property: the program reads and sets
what it believes to be the hook; the interpreter looks into the module's dictionary and finds a
:class:`_Hook` around it. (The audit event for the assignment would do as well, but an audit hook
costs on every event.)
"""

import sys

_on_crash = None  # type: object
_default_thread_hook = None  # type: object
_shown = None  # type: object


def install(on_crash):
    # type: (object) -> None
    """Puts the hooks in place; ``on_crash(type, value, traceback)`` may take as long as it likes."""
    global _on_crash, _default_thread_hook
    import threading

    _on_crash = on_crash
    _default_thread_hook = threading.excepthook
    _watch(sys, _on_main)
    _watch(threading, _on_thread)


class _Hook:
    """What the interpreter calls: ``call`` with the program's own hook and what is known.

    Each assignment makes a new one, so that ``mock.patch``, which takes it from the dictionary and
    puts it back, puts back the program's hook of that time.
    """

    def __init__(self, theirs, call):
        # type: (object, object) -> None
        self.theirs = theirs
        self.call = call

    def __call__(self, *known):
        # type: (*object) -> None
        self.call(self.theirs, *known)  # type: ignore


def _watch(module, call):
    # type: (object, object) -> None
    """Puts a hook into a module, and around whatever the program assigns later."""
    names = vars(module)
    missing = object()

    def get(_):
        # type: (object) -> object
        hook = names.get("excepthook", missing)
        theirs = hook.theirs if isinstance(hook, _Hook) else hook
        if theirs is missing:
            raise AttributeError("module %r has no attribute 'excepthook'" % module.__name__)
        return theirs

    def set_(_, hook):
        # type: (object, object) -> None
        names["excepthook"] = hook if isinstance(hook, _Hook) else _Hook(hook, call)

    def delete(_):
        # type: (object) -> None
        get(_)
        # The interpreter does without a hook: so it is kept, with nothing of the program's in it.
        set_(_, missing)

    def reduce(_):
        # type: (object) -> tuple
        # cloudpickle knows modules by their exact type, and pickles every function that uses `sys`.
        return __import__, (module.__name__,)

    set_(module, names["excepthook"])
    # The name stays "module".
    members = {"excepthook": property(get, set_, delete), "__reduce__": reduce}
    module.__class__ = type("module", (type(sys),), members)


def _on_main(theirs, kind, value, trace):
    # type: (object, type, BaseException, object) -> None
    if not callable(theirs):
        theirs = sys.__excepthook__
    if hasattr(sys, "ps1"):
        # At a prompt every mistake that is typed comes here.
        theirs(kind, value, trace)  # type: ignore
        return
    if issubclass(kind, (SystemExit, KeyboardInterrupt)) or _on_crash is None:
        theirs(kind, value, trace)  # type: ignore
        return
    if theirs is sys.__excepthook__:
        theirs(kind, value, trace)  # type: ignore
        _open(kind, value, trace)
        return
    # The program's own hook comes last: it may well end the process (MPI.Abort, os._exit).
    sys.__excepthook__(kind, value, trace)  # type: ignore
    _open(kind, value, trace)
    theirs(kind, value, trace)  # type: ignore


def _on_thread(theirs, args):
    # type: (object, object) -> None
    if not callable(theirs):
        theirs = _default_thread_hook
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
