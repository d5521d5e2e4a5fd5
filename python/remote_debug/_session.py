"""The debug session of this process: opens the port, prints where, waits, stops.

Created when it is first needed. Everything heavy (debugpy, threads, sockets) is imported here, at the
first wake, crash or call, and nowhere else.
"""

import _thread
import os
import sys

from . import _command, _config, _find, _outside, _record, _say

_session = None  # type: object


def current():
    # type: () -> Session
    """The session of this process; made with the defaults where nothing armed it."""
    if _session is None:
        adopt(Session(_config.read(), list(sys.path)))
    return _session  # type: ignore


def adopt(session):
    # type: (object) -> None
    """Makes a session this process's own, and has its record go at the end."""
    global _session
    import atexit

    if _session is None:
        atexit.register(_at_exit)
        os.register_at_fork(after_in_child=_after_fork)
    _session = session


def _after_fork():
    # type: () -> None
    """Makes a forked child a helper: armed, with a session of its own, nothing opened or written."""
    global _session
    for name in ("remote_debug._stacks", "remote_debug._crash", "remote_debug._debugpy_output"):
        module = sys.modules.get(name)
        if module is not None:
            module.after_fork()  # type: ignore
    if _session is not None:
        if _session.listening:  # type: ignore
            from . import _debugpy

            _debugpy.forget_in_child()
        _session = Session(_session.config, _session.path, _session.debugpy)  # type: ignore


def _at_exit():
    # type: () -> None
    if _session is not None:
        _session.close()  # type: ignore


class Session:
    """One process's session.

    ``path`` is ``sys.path`` from before the program's own folder came first, ``debugpy`` what
    :func:`_find.find` found then: the program may change the path and the environment.
    """

    def __init__(self, config, path, debugpy=None):
        # type: (dict, list, object) -> None
        self.config = config
        self.path = [entry for entry in path if entry]
        self.debugpy = debugpy
        self.listening = False
        self.busy = False  # opening the port, waiting for a client or stopped, by a wake or a crash
        self.waiting = False
        self._waiting_thread = 0
        self.closed = False  # the program is ending
        self._clients = 0  # how many have attached so far …
        self._shown = 0  # … which of them was shown the last stop …
        self._left = 0  # … how many have left …
        self._left_before = 0  # … and how many of them before the wait
        self._again = False  # a wake came that the stop under way doesn't answer
        self.stack = None  # type: object  # what the record says about the stack file
        self._record = None  # type: object
        # Several threads may crash at once. The wake's handler may run while its own thread holds it.
        self._opening = _thread.RLock()
        self._showing = _thread.RLock()

    @property
    def record(self):
        # type: () -> object
        """The record, made when it is first asked for: most helpers never need one."""
        if self._record is None:
            self._record = _record.Record(self.config, _command.original())
            self._record.values["stack"] = self.stack  # type: ignore
        return self._record

    def close(self):
        # type: () -> None
        """Takes the record away; nothing wakes the program from here on."""
        self.closed = True
        if self._record is not None:
            self._record.remove()  # type: ignore

    # What the modes call.

    def start(self, wait):
        # type: (bool) -> dict
        """Listens, prints where, and waits for a client if wanted. See ``start_debugger``."""
        self._load()
        new = self.listen("listening")
        if not self._attached():
            left_before = self._left
            if wait:
                self.show_paused()
                self.wait(self.limit(0), left_before)
            elif new:
                self.show("Script goes on; attach whenever you like.")
        values = self.record.values
        return {
            "hostname": values["address"]["host"],
            "port": values["address"]["port"],
            "remote_path": values["remotePath"],
        }

    def pause(self):
        # type: () -> None
        """Stops in the caller's frame, waiting for a client first if there is none."""
        self.start(wait=True)
        if self._attached():
            from . import _debugpy

            _debugpy.stop_here()

    def on_wake(self):
        # type: () -> None
        """Opens the debugger in the midst of the program, in the main thread."""
        if self.closed:
            return
        self.busy = True
        try:
            self._again = True
            while self._again:
                self._again = False
                self._stop_for_client()
        finally:
            self.busy = False

    def is_waiting_here(self):
        # type: () -> bool
        """Whether it is the current thread that waits for a client."""
        return self.waiting and self._waiting_thread == _thread.get_ident()

    def is_stopped_here(self):
        # type: () -> bool
        """Whether the current thread stands still for a client already."""
        if not self._attached():
            return False
        from . import _debugpy

        return _debugpy.is_stopped()

    def on_another_wake(self):
        # type: () -> None
        """A wake in the midst of one: neither opening nor stopping may be entered twice. Nothing is called
        here that needs a lock or a thread."""
        if self.waiting:
            self.show_paused()
            if self._has_left():
                self._again = True  # the wait is about to end, and the program would go on
        elif not self._attached() or self._clients != self._shown:
            # The client of the stop has gone, and the program hasn't got on yet.
            self._again = True

    def _stop_for_client(self):
        # type: () -> None
        """Opens the port, waits for a client where there is none, and stops."""
        try:
            self._load()
            from . import _debugpy

            left = _debugpy.threads_left()
            if self.listening and _debugpy.ended():
                self._on_end()
                _say.note("The debugger's own process has ended: this program can't be stopped again")
                return
            if left is False:
                _say.note("The program is ending: too late to stop it")
                return
            if not self._attached():
                left_before = self._left
                self.listen("listening")
                limit = self.limit(1800)
                self.show_paused(limit)
                self._again = False
                if not self.wait(limit, left_before):
                    _say.note("%s: the program goes on; wake it again with `rdg attach`" % self.why_alone())
                    return
        except Exception as error:
            _say.note("Cannot open the debugger: %s" % error)
            return
        try:
            self._shown = self._clients
            # Those that came since are answered by this stop; where its client has gone, they may not be.
            again, self._again = self._again, False
            if again and not self._attached():
                self._again = True
            if left:
                _debugpy.pause_others()
            elif not _debugpy.is_stopped():
                _debugpy.stop_now()
        except Exception as error:
            _say.note("Cannot stop the program: %s" % error)

    def on_crash(self, kind, value, trace):
        # type: (type, BaseException, object) -> None
        """Shows an exception that nobody caught; returns when the person is done, or time is over."""
        words = "%s: %s" % (kind.__name__, str(value).split("\n")[0][:200])
        self.busy = True
        try:
            import time

            # Before debugpy is loaded: the rank that failed first comes first. Of several threads as well.
            crashed = self.record.values["crashed"] or time.time()
            self._load()
            from . import _block, _debugpy

            if self._attached():
                self.record.write(exception=words, crashed=crashed)
            else:
                self.listen("crashed", exception=words, crashed=crashed)
            limit = self.limit(1800)
            until = time.monotonic() + limit
            while True:
                if not self._attached():
                    left_before = self._left
                    left = max(until - time.monotonic(), 0.001) if limit else 0
                    contained = _outside.is_contained(self.config["machine"])
                    _say.write(_block.crashed(self.record.values, words, left, contained))
                    if not self.wait(left, left_before):
                        if self._has_left():
                            continue
                        _say.note("Nobody attached in time: the program ends")
                        return
                # One after the other: "continue" lets all threads go, also one that is about to stop.
                with self._showing:
                    _debugpy.stop_at_exception(kind, value, trace)
                if self._attached():
                    break
            self.record.write(state="attached", exception=None, crashed=None)
        except KeyboardInterrupt:
            _say.note("Interrupted: the program ends")
        except Exception as error:
            _say.note("Cannot open the debugger for this crash: %s" % error)
        finally:
            self.busy = False

    # How they do it.

    def _load(self):
        # type: () -> None
        """Imports what is needed from here on, by the path of the start: beside the program may lie a
        ``queue.py`` or ``socket.py`` of its own, or it may have emptied the path."""
        with self._opening:  # opening changes the path as well
            sys.path[:0] = self.path
            try:
                from . import _block, _debugpy, _port  # noqa: F401
            finally:
                if sys.path[: len(self.path)] == self.path:
                    del sys.path[: len(self.path)]

    def limit(self, default):
        # type: (float) -> float
        """Seconds to wait for a client, 0 for ever."""
        wanted = self.config["waitTimeout"]
        if wanted is None:
            try:
                wanted = float(os.environ["RDG_WAIT_TIMEOUT"])
            except (KeyError, ValueError):
                wanted = default
            if not 0 <= wanted < 1e9:  # "nan" as well
                wanted = default
        return wanted

    def listen(self, state, **more):
        # type: (str, **object) -> bool
        """Opens the port where it isn't open yet. True when it was opened now.

        :raises DebuggerUnavailable: no debugpy, or no port.
        """
        with self._opening:
            return self._listen(state, more)

    def _listen(self, state, more):
        # type: (str, dict) -> bool
        if self.listening:
            if more:
                self.record.write(state=state, **more)
            return False
        from . import DebuggerUnavailable

        folder = self.debugpy if self.debugpy is not None else _find.find(self.config)
        if folder is None:
            raise DebuggerUnavailable("%s. Try: %s" % _find.advice(self.config))
        from . import _debugpy, _port

        busy, self.busy = self.busy, True
        try:
            host, port, token = _port.listen(self.config, folder, self.path)  # type: ignore
        except Exception as error:
            raise DebuggerUnavailable(
                "cannot listen on %s:%d: %s"
                % (self.config["bind"], self.config["port"], _reason(error))
            )
        finally:
            self.busy = busy
        self.listening = True
        _debugpy.settle(self._on_attach, self._on_leave, self._on_detach, self._on_end)
        self.record.write(
            state=state, address={"host": self._reachable(host), "port": port}, token=token, **more
        )
        return True

    def wait(self, limit, left_before):
        # type: (float, int) -> bool
        """Waits for a client; False when the time is over, or one has come and left already: within
        milliseconds, or while this thread did something else.

        :param left_before: how many had left before this one could come.
        """
        from . import _debugpy

        self._left_before = left_before
        self._waiting_thread = _thread.get_ident()
        self.waiting = True
        # Listening alone doesn't tell: after a detach the program listens, too, and runs on.
        self.record.write(waiting=True)
        try:
            return _debugpy.wait(limit, self._has_left)
        finally:
            self.waiting = False
            if self.record.values["waiting"]:
                self.record.write(waiting=False)

    def _has_left(self):
        # type: () -> bool
        """Whether a client that was waited for has come and left."""
        return self._left != self._left_before

    def why_alone(self):
        # type: () -> str
        """Why the last :meth:`wait` was in vain."""
        return "The debugger has left" if self._has_left() else "Nobody attached"

    def show(self, last_line):
        # type: (str) -> None
        """Says where to connect, and what the program does meanwhile."""
        from . import _block

        _say.write(_block.listening(self.record.values, last_line))

    def show_paused(self, limit=0.0):
        # type: (float) -> None
        """Says where to connect, and that the program waits for that, at most so many seconds (0: no limit)."""
        from . import _block

        _say.write(_block.paused(self.record.values, limit))

    def _reachable(self, bound):
        # type: (str) -> str
        """The name under which the bound address is reached from the login node."""
        if bound in ("0.0.0.0", "::", ""):
            return self.record.values["host"]
        return bound

    def _attached(self):
        # type: () -> bool
        if not self.listening:
            return False  # and debugpy is being imported, maybe, by the code that a wake has met
        from . import _debugpy

        return _debugpy.attached()

    def _on_attach(self):
        # type: () -> None
        self._clients += 1
        self.record.write(state="attached", waiting=False)

    def _on_leave(self):
        # type: () -> None
        # So whoever sees that nobody is attached, and counts then, counts this one.
        self._left += 1

    def _on_detach(self):
        # type: () -> None
        crashed = self.record.values["exception"] is not None
        self.record.write(state="crashed" if crashed else "listening")

    def _on_end(self):
        # type: () -> None
        self.record.write(state="armed", address=None, token=None)


def _reason(error):
    # type: (Exception) -> str
    """An error in words, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
