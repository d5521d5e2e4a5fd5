"""The door: lets in only clients that show the session's token.

Runs in the process of debugpy's adapter, in a thread of its own, on the standard library alone.
It accepts TCP connections and reads DAP messages until an ``attach`` brings the right
``rdgToken``; ``initialize`` it answers itself, everything else it refuses. An authenticated
connection is handed to the adapter itself: there is no second socket and no thread between them,
so nothing is slower than without the door (see ``_door_handed.py``).

What comes in before the token is right comes from anyone: sizes, times, numbers of connections
and of messages are bounded, and no input raises out of here.

Touches: the sockets it is given, and /proc/self/net/tcp* when it has to choose whom to drop.
"""

import collections
import errno
import hmac
import os
import selectors
import socket
import threading
import time

from ._door_handed import HandedSocket
from ._door_messages import BadInput, frame, split_message
from ._door_users import is_loopback, loopback_users, socket_key

MAX_MESSAGES = 32
"""Messages on one connection before the token was right."""

MAX_WRONG = 3
"""Wrong tokens on one connection; then it is closed. The next connection is free to try."""

MAX_VISITORS = 128
"""Connections that have not shown the token; one more, and the least promising is dropped."""

MAX_PENDING = 4 * 1024 * 1024
"""Bytes held for all of them together."""

MAX_ACCEPTS = 2000
"""Connections taken in a second; the others wait in the kernel's queue."""

FIRST_MESSAGE_SECONDS = 10.0
"""Until the first whole message has come: an editor sends it at once."""

ATTACH_SECONDS = 30.0
"""Until the token has come."""

MAX_DELAY_SECONDS = 8.0
"""The longest that the answer to a wrong token is held back."""

FORGET_SECONDS = 600.0
"""How long an address's wrong tokens are remembered."""

REPORT_SECONDS = 10.0
"""At most one report about an address in this time; the next one says how many tries there were."""

NO_TOKEN = (
    "This debug session is guarded, and the attach request has no token. Put the session's token "
    'into the debug configuration as "rdgToken" (the program printed it beside the address; '
    '"rdg sessions --token" shows it, too), or go through "rdg connect", which hands it in by '
    "itself."
)
WRONG_TOKEN = (
    'This debug session is guarded, and "rdgToken" is not its token. Every session has its own: '
    'take the one that the program printed beside this address, or that "rdg sessions --token" '
    'shows, or go through "rdg connect", which hands it in by itself.'
)
ATTACH_FIRST = (
    'This debug session is guarded: "attach" with the session\'s token ("rdgToken") has to come first.'
)
INITIALIZE_FIRST = 'The first request of a session is "initialize".'
INITIALIZED_TWICE = 'This session was initialized already; "attach" comes next.'


class Visitor:
    """A connection that has not shown the token yet."""

    def __init__(self, sock, address, now):
        self.sock = sock
        self.host = address[0][7:] if address[0].startswith("::ffff:") else address[0]
        self.peer = "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, address[1])
        self.since = now
        self.deadline = now + FIRST_MESSAGE_SECONDS
        self.buffer = bytearray()
        self.seq = 0
        """Number of the last message sent to it."""
        self.messages = 0
        self.wrong = 0
        self.initialize = None
        """Its ``initialize`` request, once answered."""
        self.held = None
        """(when, bytes): an answer that is held back; nothing is read meanwhile."""
        self.uid = None
        """The other end's user, where it is on this machine and was looked up."""


class Door:
    """Accepts connections on a listening socket until ``close``.

    listener: a listening TCP socket; the door closes it.
    token: the session's token, text.
    capabilities: the body of debugpy's answer to ``initialize``.
    hand_over: called with a ``HandedSocket`` in a thread of its own, for each client let in.
    report: called with a small dict for each event a person may want to know of:
        {"event": "refused", "peer": "10.0.0.7:41234", "why": "wrong token" | "no token",
        "tries": 1}, {"event": "admitted", "peer": …}, {"event": "left", "peer": …}. It is called
        from several threads and must not block.
    """

    def __init__(self, listener, token, capabilities, hand_over, report):
        if not isinstance(token, str) or len(token) < 32:
            raise ValueError("the token is too short")
        self._listener = listener
        self._token = token
        self._secret = token.encode("utf-8")
        self._capabilities = capabilities
        self._hand_over = hand_over
        self._report = report
        self._visitors = {}
        self._pending = 0
        self._wrong = collections.OrderedDict()
        self._reports = collections.OrderedDict()
        self._accepts = (0.0, 0)
        self._paused_until = None
        self._looked_up = 0.0
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="rdg door", daemon=True)

    def start(self):
        """Begins to accept, in a thread."""
        self._thread.start()

    def close(self):
        """Stops accepting and drops who has not shown the token; sessions go on."""
        self._closing = True
        try:
            self._wake_writer.send(b"x")
        except OSError:
            pass
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self):
        try:
            while not self._closing:
                self._step()
        finally:
            self._listener.close()
            for visitor in list(self._visitors.values()):
                self._drop(visitor)
            self._selector.close()

    def _step(self):
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._listener:
                self._accept()
            elif key.data is not None and key.data.sock.fileno() >= 0:
                self._guarded(self._read, key.data)
        now = time.monotonic()
        if self._paused_until is not None and now >= self._paused_until:
            self._paused_until = None
            self._selector.register(self._listener, selectors.EVENT_READ, None)
        for visitor in list(self._visitors.values()):
            if visitor.held is not None and now >= visitor.held[0]:
                self._guarded(self._release, visitor)
            elif now >= visitor.deadline and visitor.held is None:
                self._drop(visitor)

    def _patience(self):
        # Seconds until something has to be done without any input.
        times = [v.held[0] if v.held else v.deadline for v in self._visitors.values()]
        if self._paused_until is not None:
            times.append(self._paused_until)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _guarded(self, function, visitor):
        try:
            function(visitor)
        except Exception:  # Whatever a stranger sent, the door stays.
            self._drop(visitor)

    def _accept(self):
        second, count = self._accepts
        now = time.monotonic()
        if now - second >= 1.0:
            second, count = now, 0
        for _ in range(16):
            if count >= MAX_ACCEPTS:
                self._pause(second + 1.0)
                break
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                break
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    break
                if self._visitors:
                    self._drop(self._least_promising(now))
                self._pause(now + 0.1)
                break
            count += 1
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                visitor = Visitor(sock, address, now)
                if len(self._visitors) >= MAX_VISITORS:
                    self._drop(self._least_promising(now))
                self._selector.register(sock, selectors.EVENT_READ, visitor)
            except OSError:
                sock.close()
                continue
            self._visitors[sock] = visitor
        self._accepts = (second, count)

    def _pause(self, until):
        if self._paused_until is None:
            self._selector.unregister(self._listener)
        self._paused_until = until

    def _least_promising(self, now):
        """Whom to drop: never the owner while somebody else is there, as far as can be told.

        Other users of this machine first (their uid is known), then the address with the most
        connections, in it those that have said nothing yet, and of these the oldest.
        """
        if now - self._looked_up > 0.05:
            self._looked_up = now
            self._look_up_users()
        own = os.getuid()
        crowd = collections.Counter(v.host for v in self._visitors.values())

        def promise(visitor):
            mine = 1 if visitor.uid is None else 2 if visitor.uid == own else 0
            return (mine, -crowd[visitor.host], visitor.initialize is not None, visitor.since)

        return min(self._visitors.values(), key=promise)

    def _look_up_users(self):
        unknown = [v for v in self._visitors.values() if v.uid is None and is_loopback(v.host)]
        if not unknown:
            return
        users = loopback_users()
        for visitor in unknown:
            try:
                ends = visitor.sock.getpeername()[:2], visitor.sock.getsockname()[:2]
            except OSError:
                continue
            visitor.uid = users.get((socket_key(*ends[0]), socket_key(*ends[1])))

    def _drop(self, visitor):
        if self._visitors.pop(visitor.sock, None) is None:
            return
        self._pending -= len(visitor.buffer)
        self._unwatch(visitor)
        visitor.sock.close()

    def _unwatch(self, visitor):
        try:
            self._selector.unregister(visitor.sock)
        except (KeyError, ValueError):
            pass

    def _read(self, visitor):
        try:
            data = visitor.sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._drop(visitor)
            return
        visitor.buffer += data
        self._pending += len(data)
        if self._pending > MAX_PENDING:
            self._drop(max(self._visitors.values(), key=lambda v: len(v.buffer)))
        self._take_messages(visitor)

    def _take_messages(self, visitor):
        while visitor.sock in self._visitors and visitor.held is None and visitor.buffer:
            before = len(visitor.buffer)
            try:
                message = split_message(visitor.buffer)
            finally:
                self._pending -= before - len(visitor.buffer)
            if message is None:
                return
            visitor.messages += 1
            if visitor.messages > MAX_MESSAGES:
                raise BadInput("too many messages without a token")
            if visitor.messages == 1:
                visitor.deadline = visitor.since + ATTACH_SECONDS
            self._handle(visitor, message)

    def _handle(self, visitor, message):
        seq, command = message.get("seq"), message.get("command")
        if message.get("type") != "request" or not isinstance(command, str) or type(seq) is not int:
            raise BadInput("no request")
        arguments = message.get("arguments")
        if command == "disconnect":
            self._answer(visitor, message, body={})
            self._drop(visitor)
        elif command == "initialize":
            if visitor.initialize is not None:
                self._answer(visitor, message, failure=INITIALIZED_TWICE)
            elif not isinstance(arguments, (dict, type(None))):
                raise BadInput("the arguments are no object")
            else:
                visitor.initialize = message
                self._answer(visitor, message, body=self._capabilities)
        elif visitor.initialize is None:
            self._answer(visitor, message, failure=INITIALIZE_FIRST)
        elif command != "attach":
            self._answer(visitor, message, failure=ATTACH_FIRST)
        else:
            arguments = arguments if isinstance(arguments, dict) else {}
            given = arguments.get("rdgToken")
            if self._is_token(given):
                self._admit(visitor, message, arguments)
            else:
                self._refuse(visitor, message, given)

    def _is_token(self, given):
        text = given.strip() if isinstance(given, str) else ""
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._secret)

    def _refuse(self, visitor, message, given):
        missing = given is None or given == ""
        now = time.monotonic()
        tries, last = self._wrong.pop(visitor.host, (0, now))
        tries = tries + 1 if now - last < FORGET_SECONDS else 1
        self._wrong[visitor.host] = (tries, now)
        while len(self._wrong) > 1024:
            self._wrong.popitem(last=False)
        self._tell(visitor, "no token" if missing else "wrong token", now)
        visitor.wrong += 1
        answer = self._response(visitor, message, failure=NO_TOKEN if missing else WRONG_TOKEN)
        if tries == 1:
            self._send(visitor, answer)
            return
        # Only this answer waits. The right token, from the same address too, never does.
        delay = min(MAX_DELAY_SECONDS, 0.25 * 2 ** min(tries - 2, 10))
        visitor.held = (now + delay, answer)
        visitor.deadline = max(visitor.deadline, visitor.held[0] + 1.0)
        self._unwatch(visitor)

    def _release(self, visitor):
        _, answer = visitor.held
        visitor.held = None
        self._send(visitor, answer)
        if visitor.wrong >= MAX_WRONG:
            self._drop(visitor)
        elif visitor.sock in self._visitors:
            self._selector.register(visitor.sock, selectors.EVENT_READ, visitor)
            self._take_messages(visitor)

    def _tell(self, visitor, why, now):
        since, tries = self._reports.pop(visitor.host, (None, 0))
        tries += 1
        recent = sum(1 for at, _ in self._reports.values() if at is not None and now - at < 1.0)
        if recent < 10 and (since is None or now - since >= REPORT_SECONDS):
            self._report({"event": "refused", "peer": visitor.peer, "why": why, "tries": tries})
            since, tries = now, 0
        self._reports[visitor.host] = (since, tries)
        while len(self._reports) > 256:
            self._reports.popitem(last=False)

    def _admit(self, visitor, message, arguments):
        arguments = {key: value for key, value in arguments.items() if key != "rdgToken"}
        host, port = visitor.sock.getsockname()[:2]
        if not {"connect", "host", "port", "listen"} & set(arguments) and not is_loopback(host):
            # debugpy would tell the client to look for child processes on its own machine.
            host = host[7:] if host.startswith("::ffff:") else host
            arguments["connect"] = {"host": host, "port": port}
        if not arguments:
            # debugpy leaves an empty object out on its way to pydevd, which then refuses.
            arguments["type"] = "debugpy"
        replay = frame(visitor.initialize) + frame(dict(message, arguments=arguments))
        replay += bytes(visitor.buffer)
        self._visitors.pop(visitor.sock, None)
        self._pending -= len(visitor.buffer)
        self._wrong.pop(visitor.host, None)
        self._unwatch(visitor)
        visitor.sock.setblocking(True)
        handed = HandedSocket(
            visitor.sock, replay, self._token, (visitor.initialize["seq"], visitor.seq)
        )
        handed.on_close = lambda: self._report({"event": "left", "peer": visitor.peer})
        self._report({"event": "admitted", "peer": visitor.peer})
        threading.Thread(
            target=self._hand_over, args=(handed,), name="rdg door: client", daemon=True
        ).start()

    def _response(self, visitor, request, body=None, failure=None):
        visitor.seq += 1
        answer = {
            "seq": visitor.seq,
            "type": "response",
            "request_seq": request["seq"],
            "success": failure is None,
            "command": request["command"][:64],
        }
        if failure is None:
            answer["body"] = body
        else:
            answer["message"] = failure
            answer["body"] = {"error": {"id": 1, "format": failure, "showUser": True}}
        return frame(answer)

    def _answer(self, visitor, request, **content):
        self._send(visitor, self._response(visitor, request, **content))

    def _send(self, visitor, data):
        # The few small answers fit into the kernel's buffer; who doesn't even read them, goes.
        try:
            complete = visitor.sock.send(data) == len(data)
        except OSError:
            complete = False
        if not complete:
            self._drop(visitor)
