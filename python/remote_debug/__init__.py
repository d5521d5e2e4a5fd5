"""Debug a Python program inside a cluster job from the editor on your desk.

Under ``rdg debug`` nothing has to be called. From a program's own code::

    import remote_debug as rdg

    rdg.start_debugger()            # listen, print where, wait for the editor
    rdg.start_debugger(wait=False)  # listen, print where, go on
    rdg.pause()                     # stop here, as a breakpoint would

Importing this package has no effect by itself: no thread, no port, no debugpy.
"""

__all__ = ["DebuggerUnavailable", "start_debugger", "pause", "__version__"]

__version__ = "0.1.0"


class DebuggerUnavailable(RuntimeError):
    """The debugger can't be started; the message says why and what to do."""


def start_debugger(wait=True):
    # type: (bool) -> dict
    """Listen for an editor, print where to connect, and by default wait for it.

    Calling it again, or under ``rdg debug``, uses the session that is there already. It may be
    called from any thread; before Python 3.12, on machines that are not x86-64, breakpoints then
    work in that thread and in threads started later only.

    :param wait: whether to wait until an editor has attached; the time limit is that of
        ``RDG_WAIT_TIMEOUT`` (seconds), none by default.
    :returns: ``{"hostname": str, "port": int, "remote_path": str}``: the node, the TCP port, and
        the absolute path of the working folder to map in the editor.
    :raises DebuggerUnavailable: no debugpy is installed, or the port can't be opened.
    """
    from . import _session

    return _session.current().start(wait=wait)


def pause():
    # type: () -> None
    """Stop in the caller's frame; starts the debugger and waits for an editor where need be.

    Returns when the person goes on, at once when the time limit passes without a client.

    :raises DebuggerUnavailable: no debugpy is installed, or the port can't be opened.
    """
    from . import _session

    _session.current().pause()
