"""Opens the port of a debugged process: ``debugpy.listen`` with the door in front.

Runs in the debugged process. Differs from ``debugpy.listen`` in three things: the adapter's port
is the door's, pydevd reaches the adapter through a pair of connected sockets instead of a second
TCP port, and no secret stands in an argument list or the environment. The adapter's process is
``_adapter_process.py``; it is told everything through its standard input.

Tried with debugpy 1.6.6, 1.8.0, 1.8.11, 1.8.20, 1.8.21 and 1.8.22 on Python 3.8 to 3.13. Used of
its insides: ``server.api`` (``_starts_debugging``, ``_settrace``, ``_config``, ``listen.called``)
and ``pydevd.start_client``.

Touches: starts a process; a thread that listens to it.
"""

import importlib.util
import json
import os
import socket
import sys
import threading

START_SECONDS = 60.0
"""How long the adapter may take to start: a cold network file system is slow."""

_UNWANTED = (
    "PYTHONPATH",  # Holds the folder that arms; where debugpy is, is told explicitly.
    "PYTHONDEVMODE",
    "PYTHONINSPECT",
    "PYTHONSTARTUP",
    "PYTHONTRACEMALLOC",
    "PYTHONWARNINGS",
)

_PROCESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_adapter_process.py")

_state = {"address": None, "reserved": None}


class AdapterError(RuntimeError):
    """The adapter didn't start; the text says why."""


def listen(bind, port, token, *, auth=True, subprocess=False, report=None):
    """Makes this process debuggable on a TCP port; returns (host, port) as bound.

    bind: address to listen on, such as "0.0.0.0", "127.0.0.1", "::"; port: 0 lets the system choose.
    token: the session's token, at least 32 characters; not used with auth=False.
    auth: False means debugpy's own way: whoever reaches the port gets in.
    subprocess: whether debugpy follows child processes.
    report: called from a thread, with small dicts: see ``_door.Door``; the last one, when the adapter
        has gone, is {"event": "ended"}. Without it, refusals are written to standard error.

    Returns once pydevd is connected, so that ``debugpy.wait_for_client()`` can follow. Raises
    OSError when the port can't be had (``errno.EADDRINUSE`` …), AdapterError when the adapter can't
    be started, ImportError without debugpy, RuntimeError when this process listens already.
    A failed call leaves nothing behind and may be repeated with another port.
    """
    if _state["address"] is not None:
        raise RuntimeError("this process listens already")
    if auth and (not isinstance(token, str) or len(token) < 32):
        raise ValueError("the token is too short")
    home = _debugpy_home()
    control, control_there = socket.socketpair()
    pydevd_here, pydevd_there = socket.socketpair()
    for sock in (control, control_there, pydevd_here, pydevd_there):
        sock.settimeout(None)  # The program may have called socket.setdefaulttimeout.
    lines = control.makefile("r", encoding="utf-8")
    connected = False
    try:
        try:
            _spawn(control_there, pydevd_there)
        finally:
            control_there.close()
        control.settimeout(START_SECONDS)
        config = {
            "debugpy": home,
            "bind": bind,
            "port": port,
            "token": token if auth else None,
            "subprocess": bool(subprocess),
            "pydevd": pydevd_there.fileno(),
        }
        _tell(control, config)
        # The adapter starts while this process imports pydevd.
        from debugpy.server import api

        if getattr(api.listen, "called", False):
            raise RuntimeError("debugpy.listen() has been called in this process already")
        started = _read_started(lines)
        pydevd_there.close()
        _connect(api, pydevd_here, started["server"], subprocess)
        connected = True
    finally:
        pydevd_there.close()
        if not connected:
            # The adapter sees both ends go, and ends.
            lines.close()
            control.close()
            pydevd_here.close()
    control.settimeout(None)
    api.listen.called = True
    _state["address"] = (started["host"], started["port"])
    if subprocess:
        _state["reserved"] = _reserve(started["server"])
    else:
        os.register_at_fork(after_in_child=lambda: _let_go(control, pydevd_here))
    _watch(control, lines, report or _write_refusal)
    return _state["address"]


def forget():
    """In a forked child that is to be debugged by itself: its parent's port isn't its own."""
    _state["address"] = None


def _spawn(control, pydevd):
    # Ends at once: the adapter forks, so that this process has no child it doesn't know of.
    import subprocess

    interpreter = _interpreter()
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in _UNWANTED and not key.startswith("RDG_")
    }
    try:
        process = subprocess.Popen(
            # -S: no site-packages, hence no sitecustomize, no .pth file, and a quicker start.
            [interpreter, "-S", _PROCESS],
            stdin=control,
            stdout=subprocess.DEVNULL,
            close_fds=True,
            pass_fds=(pydevd.fileno(),),
            env=environment,
            start_new_session=True,
        )
        status = process.wait()
    except OSError as error:
        raise AdapterError("cannot start %r: %s" % (interpreter, error)) from error
    if status != 0:
        raise AdapterError("%r ended with status %d at its start" % (interpreter, status))


def _interpreter():
    api = sys.modules.get("debugpy.server.api")
    configured = getattr(api, "_config", {}).get("python") if api else None
    for path in (configured, sys.executable, getattr(sys, "_base_executable", None)):
        if path and os.access(path, os.X_OK):
            return path
    raise AdapterError("no Python interpreter to run debugpy's adapter with: sys.executable is unset")


def _debugpy_home():
    loaded = sys.modules.get("debugpy")
    if loaded is not None:
        folder = os.path.dirname(os.path.abspath(loaded.__file__))
    else:
        spec = importlib.util.find_spec("debugpy")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("No module named 'debugpy'", name="debugpy")
        folder = os.path.abspath(list(spec.submodule_search_locations)[0])
    return os.path.dirname(folder)


def _tell(control, config):
    try:
        control.sendall(json.dumps(config).encode("utf-8") + b"\n")
    except OSError:
        pass  # It has ended; what is read next says so.


def _read_started(lines):
    try:
        line = lines.readline()
    except ConnectionError:
        line = ""
    except socket.timeout:
        raise AdapterError("debugpy's adapter said nothing for %d seconds" % START_SECONDS) from None
    if not line:
        raise AdapterError("debugpy's adapter ended while it started")
    started = json.loads(line)
    if "errno" in started:
        raise OSError(started["errno"], started["error"])
    if "error" in started:
        raise AdapterError("debugpy's adapter failed: " + started["error"])
    return started


def _connect(api, sock, server, follow_children):
    import pydevd

    original = pydevd.start_client

    def start_client(host, port):
        # Children that pydevd forks come here, too, with the adapter's TCP port.
        client = original(host, port)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            pass
        return client

    # A function without arguments: the decorator logs them. It makes what settrace is told from
    # debugpy's configuration.
    def connect(address, settrace_kwargs):
        host, port = address
        api._settrace(
            host=host,
            port=port,
            wait_for_ready_to_run=False,
            block_until_connected=True,
            **settrace_kwargs
        )

    before = api._config["subProcess"]
    api._config["subProcess"] = bool(follow_children)
    pydevd.start_client = lambda host, port: sock
    try:
        api._starts_debugging(connect)((server[0], server[1]))
    except BaseException:
        api._config["subProcess"] = before
        raise
    finally:
        pydevd.start_client = start_client if follow_children else original


def _reserve(address):
    """Keeps the number of the children's port this user's, should the adapter die.

    Children connect to that port whoever listens there; so nobody else may. Bound, not listening,
    it takes no connection away from the adapter.
    """
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(tuple(address))
    except OSError:
        reserved.close()
        return None
    return reserved


def _let_go(*sockets):
    # In a forked child, which isn't debugged: it mustn't keep the session open after its parent,
    # nor shut the shared connection down when pydevd's clean-up runs in it.
    for sock in sockets:
        try:
            os.close(sock.detach())
        except OSError:
            pass


def _watch(control, lines, report):
    def tell(event):
        try:
            report(event)
        except Exception:
            pass

    def run():
        # The adapter's end closes with it.
        try:
            for line in lines:
                tell(json.loads(line))
        except (OSError, ValueError):
            pass
        finally:
            lines.close()
            control.close()
            tell({"event": "ended"})

    thread = threading.Thread(target=run, name="rdg door", daemon=True)
    thread.pydev_do_not_trace = True
    thread.is_pydev_daemon_thread = True
    thread.start()


def _write_refusal(event):
    if event.get("event") == "refused":
        os.write(2, (refusal(event) + "\n").encode("utf-8", "replace"))


def refusal(event):
    """A door's "refused" event as the line that a person reads."""
    tries = "" if event["tries"] == 1 else " (%d tries)" % event["tries"]
    return "[rdg] Refused a debugger from %s: %s%s" % (event["peer"], event["why"], tries)
