"""debugpy's adapter, with the door in front of it. Run as a script by ``_adapter.py``.

Told what to do by one JSON line on standard input, a connected socket, which stays its way to
tell the debugged process of refused clients. Ends as debugpy's own adapter does: when every
debugged process and every client has gone.

Used of debugpy's insides (versions: see ``_adapter.py``): ``adapter.clients.Client``,
``adapter.servers.Connection``, their ``listener`` globals, ``adapter.sessions``
(``report_sockets``), ``common.log``.

Touches: TCP ports; descriptors 0 to 2 of its own process; signals; with DEBUGPY_ADAPTER_ENDPOINTS
that file.
"""

import sys

if __name__ == "__main__" and sys.path and sys.path[0] == __file__.rpartition("/")[0]:
    # As a script: nothing of this folder may be taken for a module of the standard library.
    del sys.path[0]

import atexit
import errno
import importlib
import json
import os
import signal
import socket
import threading
import types


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


def _send_line(sock, value):
    sock.sendall(json.dumps(value).encode("utf-8") + b"\n")


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
        listening = _load("_listening")
        listener = listening.open_socket(self._config["bind"], self._config["port"])
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
            listening.accept_each(listener, self._take_anyone)
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
        self._control.setblocking(False)
        self._door = _load("_door").Door(
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
        argument lists; so none is used. The kernel is asked who connects instead.
        """
        servers = self._servers
        users = _load("_door_users").Users()
        listening = _load("_listening")
        accept = servers.Connection

        def connection(sock):
            if users.of([sock]).get(sock) != os.getuid():
                sock.close()
                return None
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return accept(sock)

        if not _tells_users(users):
            raise RuntimeError("the system doesn't tell who connects; children can't be followed")
        # Shared with the debugged process, which reserves the number: see _reserve.
        listener = listening.open_socket("127.0.0.1", 0, shared=True)
        servers.listener = _Listener(listener)
        listening.accept_each(listener, connection)


def _tells_users(users):
    # Once, with a connection to itself: some sandboxes tell nothing.
    with _load("_listening").open_socket("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()[:2]):
            sock, _ = listener.accept()
            with sock:
                return users.of([sock]).get(sock) == os.getuid()


def _load(name):
    # As parts of a package of their own: rdg's is neither on the path nor wanted here.
    if "_rdg" not in sys.modules:
        package = types.ModuleType("_rdg")
        package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
        sys.modules["_rdg"] = package
    return importlib.import_module("_rdg." + name)


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
