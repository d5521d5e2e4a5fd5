"""Opens the port of a debugged process: starts debugpy's adapter, with the door in front of it.

Two halves in one file, as both read debugpy's insides. ``listen`` runs in the debugged process and
does what ``debugpy.listen`` does, but for three things: the adapter's port is the door's, pydevd
reaches the adapter through a pair of connected sockets instead of a second TCP port, and no secret
stands in an argument list or the environment. ``serve`` is the adapter's process: this file run as
a script, which is told everything through its standard input.

Tried with debugpy 1.6.6, 1.8.0, 1.8.11, 1.8.20, 1.8.21 and 1.8.22 on Python 3.8 to 3.13. Used of
its insides: ``server.api`` (``_starts_debugging``, ``_settrace``, ``_config``, ``listen.called``),
``pydevd.start_client``, ``adapter.clients.Client``, ``adapter.servers.Connection``, their
``listener`` globals, ``adapter.sessions`` (``report_sockets``), ``common.log``.

Touches: starts a process; a TCP port; while it starts, file descriptors 0 to 2 of that process.
"""

import sys

if __name__ == "__main__" and sys.path and sys.path[0] == __file__.rpartition("/")[0]:
    # As a script: nothing of this folder may be taken for a module of the standard library.
    del sys.path[0]

import atexit
import errno
import importlib.util
import json
import os
import signal
import socket
import threading
import time

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

_state = {"address": None, "reserved": None}


class AdapterError(RuntimeError):
    """The adapter didn't start; the text says why."""


def listen(bind, port, token, *, auth=True, subprocess=False, report=None):
    """Makes this process debuggable on a TCP port; returns (host, port) as bound.

    bind: address to listen on, such as "0.0.0.0", "127.0.0.1", "::"; port: 0 lets the system choose.
    token: the session's token, at least 32 characters; not used with auth=False.
    auth: False means debugpy's own way: whoever reaches the port gets in.
    subprocess: whether debugpy follows child processes.
    report: called from a thread, with small dicts: see ``_door.Door``. Without it, refusals are
        written to standard error.

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
        _send_line(control, config)
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
            [interpreter, "-S", os.path.abspath(__file__)],
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


def _read_started(lines):
    try:
        line = lines.readline()
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
    def run():
        # The adapter's end closes with it.
        try:
            for line in lines:
                try:
                    report(json.loads(line))
                except Exception:
                    pass
        except (OSError, ValueError):
            pass
        finally:
            lines.close()
            control.close()

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


def _send_line(sock, value):
    sock.sendall(json.dumps(value).encode("utf-8") + b"\n")


# The adapter's process.


class _Listener:
    """What debugpy is told of a listening socket; without one, of a port that there isn't.

    1.8.11 can't unpack the four parts of an IPv6 address.
    """

    def __init__(self, sock=None):
        self._sock = sock

    def getsockname(self):
        return self._sock.getsockname()[:2] if self._sock else ("127.0.0.1", 0)

    def close(self):
        if self._sock:
            self._sock.close()


def serve():
    """Is the adapter: reads what to do from standard input, ends as debugpy's own does."""
    if os.fork() != 0:
        os._exit(0)
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.umask(0o077)
    for name in ("SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        # Meant for the program: "scancel --full --signal=USR1" reaches every process of a job.
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    for number in (signal.SIGRTMIN + 6, signal.SIGRTMIN + 7):
        signal.signal(number, signal.SIG_IGN)
    config = json.loads(_read_line(control))
    try:
        adapter = _Adapter(config, control)
        started = adapter.start()
    except OSError as error:
        started = {"error": error.strerror or str(error), "errno": error.errno or errno.EINVAL}
    except BaseException as error:
        started = {"error": "%s: %s" % (type(error).__name__, error)}
    # From here on nothing of the program's is held open: not even its standard error, or a
    # "program | cat" would not end while a client is connected.
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    _send_line(control, started)
    if "error" in started:
        os._exit(1)
    adapter.run()


def _never_raising(function):
    # Tells the oldest session's client of the ports; where that has just gone, the call raises
    # (seen up to 1.8.22), and with it the new client's constructor.
    def call():
        try:
            function()
        except Exception:
            pass

    return call


def _publish(path, address):
    # What debugpy does for who sets DEBUGPY_ADAPTER_ENDPOINTS; only without the door, as the
    # reader wouldn't have the token.
    with open(path, "w") as file:
        json.dump({"client": {"host": address[0], "port": address[1]}}, file)
    atexit.register(os.remove, path)


def _read_line(sock):
    data = b""
    while not data.endswith(b"\n"):
        chunk = sock.recv(65536)
        if not chunk:
            os._exit(1)
        data += chunk
    return data.decode("utf-8")


class _Adapter:
    def __init__(self, config, control):
        self._config = config
        self._control = control
        self._door = None
        self._first = None
        self._handed = []
        self._taking = threading.Lock()
        sys.path.append(config["debugpy"])
        from debugpy.adapter import clients, servers, sessions
        from debugpy.common import log

        self._clients, self._servers, self._sessions = clients, servers, sessions
        if hasattr(sessions, "report_sockets"):
            sessions.report_sockets = _never_raising(sessions.report_sockets)
        log.to_file(prefix="debugpy.adapter")
        log.describe_environment("debugpy.adapter startup environment:")

    def start(self):
        """Opens the ports; returns what the debugged process has to know."""
        clients, servers = self._clients, self._servers
        listener = _listening_socket(self._config["bind"], self._config["port"])
        host, port = listener.getsockname()[:2]
        clients.listener = _Listener(listener)
        if self._config["subprocess"]:
            self._serve_children()
        else:
            servers.listener = _Listener()
        # pydevd has not connected yet, and this waits until it has.
        pydevd = socket.socket(fileno=self._config["pydevd"])
        self._first = threading.Thread(target=servers.Connection, args=(pydevd,), daemon=True)
        self._first.start()
        if self._config["token"] is not None:
            self._open_door(listener)
        else:
            threading.Thread(
                target=_accept_each, args=(listener, self._take_anyone), daemon=True
            ).start()
            if os.environ.get("DEBUGPY_ADAPTER_ENDPOINTS"):
                _publish(os.environ["DEBUGPY_ADAPTER_ENDPOINTS"], (host, port))
        return {"host": host, "port": port, "server": list(servers.listener.getsockname()[:2])}

    def run(self):
        """Returns when every debugged process and every client has gone."""
        clients, servers = self._clients, self._servers
        self._first.join()
        if servers.connections():
            servers.wait_until_disconnected()
        if self._door is not None:
            self._door.close()
        clients.stop_serving()
        servers.stop_serving()
        self._sessions.wait_until_ended()

    def _open_door(self, listener):
        door = _load_door()
        self._control.setblocking(False)
        self._door = door.Door(
            listener,
            self._config["token"],
            _capabilities(self._clients.Client),
            self._take_client,
            self._report,
        )
        self._door.start()

    def _take_client(self, handed):
        # Until 1.8.21 a client that attaches while pydevd's connection is being registered makes
        # the adapter take that for a second one of the same process, and close it.
        self._first.join()
        with self._taking:
            # One that lost its line and comes back at once shouldn't meet itself.
            self._handed = [other for other in self._handed if not other.ended.is_set()]
            for other in self._handed:
                if other.leaving():
                    other.ended.wait(5)
            self._handed.append(handed)
        try:
            client = self._clients.Client(handed)
            handed.settle(client.channel)
        except BaseException:
            handed.close()
            raise

    def _report(self, event):
        try:
            # A few bytes; where the debugged process is stopped or gone, they are dropped.
            self._control.send(json.dumps(event).encode("utf-8") + b"\n")
        except OSError:
            pass

    def _take_anyone(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._first.join()
        self._clients.Client(sock)

    def _serve_children(self):
        """debugpy's second port, on loopback, for children: for this user's processes only.

        debugpy sends its own token to whoever connects there, and puts it into the children's
        argument lists; so none is used. Who connects is read from the kernel's table instead.
        """
        servers = self._servers
        door = _load_door()
        accept = servers.Connection

        def connection(sock):
            ends = sock.getpeername()[:2], sock.getsockname()[:2]
            key = door.socket_key(*ends[0]), door.socket_key(*ends[1])
            if door.loopback_users().get(key) != os.getuid():
                sock.close()
                return None
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return accept(sock)

        if not _tells_users(door):
            raise RuntimeError("/proc/net/tcp doesn't tell who connects; children can't be followed")
        # Shared with the debugged process, which reserves the number: see _reserve.
        listener = _listening_socket("127.0.0.1", 0, shared=True)
        servers.listener = _Listener(listener)
        threading.Thread(target=_accept_each, args=(listener, connection), daemon=True).start()


def _accept_each(listener, take):
    while True:
        try:
            sock, _ = listener.accept()
        except ConnectionError:
            continue
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                return
            time.sleep(0.1)
            continue
        try:
            take(sock)
        except Exception:
            sock.close()


def _tells_users(door):
    # Once, with a connection to itself: some sandboxes have an empty table.
    with _listening_socket("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()[:2]) as probe:
            ends = probe.getsockname()[:2], probe.getpeername()[:2]
            key = door.socket_key(*ends[0]), door.socket_key(*ends[1])
            return door.loopback_users().get(key) == os.getuid()


def _listening_socket(bind, port, shared=False):
    family, kind, protocol, _, address = socket.getaddrinfo(
        bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        elif port != 0:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # As debugpy has it: a client that is gone without a word is noticed after 15 seconds.
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
        ):
            listener.setsockopt(level, option, value)
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)
    except BaseException:
        listener.close()
        raise
    return listener


def _load_door():
    if "_rdg_door" in sys.modules:
        return sys.modules["_rdg_door"]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_door.py")
    spec = importlib.util.spec_from_file_location("_rdg_door", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["_rdg_door"] = module
    spec.loader.exec_module(module)
    return module


def _capabilities(client_class):
    """What this version of debugpy answers to ``initialize``: its handler, on a stand-in."""

    class StandIn:
        _initialize_request = None

        @staticmethod
        def Capabilities(*_args):
            return {}

        Expectations = Capabilities

    handler = client_class.initialize_request
    return getattr(handler, "__wrapped__", handler)(StandIn(), lambda *_args, **_kwargs: "")


if __name__ == "__main__":
    serve()
