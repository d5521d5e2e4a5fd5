"""The door: lets in only clients that show the session's token.

Runs in the process of debugpy's adapter, in a thread of its own, on the standard library alone.
It accepts TCP connections and reads DAP messages until an ``attach`` brings the right
``rdgToken``; ``initialize`` it answers itself, everything else it refuses (``_door_talk.py``). An
authenticated connection is handed to the adapter itself: there is no second socket and no thread
between them, so nothing is slower than without the door (see ``_door_handed.py``).

What comes in before the token is right comes from anyone: sizes, times, numbers of connections
and of messages are bounded, and no input raises out of here.

Touches: the sockets it is given; when there are too many, the kernel's books of whose they are.
"""

import errno
import selectors
import socket
import threading
import time

from . import _door_talk
from ._door_handed import HandedSocket
from ._door_tries import Tries
from ._door_visitors import Visitor, Visitors

MAX_ACCEPTS = 2000
"""Connections taken in a second; the others wait in the kernel's queue."""

TOGETHER = 16
"""Connections taken at once, before others are heard again."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


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
        self._capabilities = capabilities
        self._hand_over = hand_over
        self._report = report
        self._visitors = Visitors()
        self._tries = Tries()
        self._accepts = (0.0, 0)
        self._paused_until = None
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
            for visitor in self._visitors:
                self._drop(visitor)
            self._visitors.close()
            self._selector.close()
            self._wake_reader.close()
            self._wake_writer.close()

    def _step(self):
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._listener:
                self._accept()
            elif key.data is not None and key.data in self._visitors:
                self._guarded(self._read, key.data)
        now = time.monotonic()
        if self._paused_until is not None and now >= self._paused_until:
            self._paused_until = None
            self._selector.register(self._listener, selectors.EVENT_READ, None)
        for visitor in self._visitors:
            if visitor.held is not None and now >= visitor.held[0]:
                self._guarded(self._release, visitor)
            elif now >= visitor.deadline and visitor.held is None:
                self._guarded(self._expire, visitor)

    def _patience(self):
        # Seconds until something has to be done without any input.
        times = [v.held[0] if v.held else v.deadline for v in self._visitors]
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
        newcomers = []
        while len(newcomers) < TOGETHER:
            if count >= MAX_ACCEPTS:
                self._pause(second + 1.0)
                break
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                break
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._make_room(now)
                break
            count += 1
            visitor = self._take_in(sock, address, now)
            if visitor is not None:
                newcomers.append(visitor)
        self._accepts = (second, count)
        # What they have said already counts, when some have to go.
        for visitor in newcomers:
            self._guarded(self._read, visitor)
        for visitor in self._visitors.surplus():
            self._drop(visitor)

    def _take_in(self, sock, address, now):
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = _door_talk.Talk(self._token, self._capabilities)
            visitor = Visitor(sock, address, now, talk)
            self._selector.register(sock, selectors.EVENT_READ, visitor)
        except OSError:
            sock.close()
            return None
        self._visitors.add(visitor)
        return visitor

    def _make_room(self, now):
        for visitor in self._visitors.least_promising(1):
            self._drop(visitor)
        self._pause(now + 0.1)

    def _pause(self, until):
        if self._paused_until is None:
            self._selector.unregister(self._listener)
        self._paused_until = until

    def _drop(self, visitor):
        if self._visitors.remove(visitor):
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
        visitor.talk.buffer += data
        heaviest = self._visitors.heaviest()
        if heaviest is not None:
            self._drop(heaviest)
        self._take_messages(visitor)

    def _take_messages(self, visitor):
        while visitor in self._visitors and visitor.held is None:
            step = visitor.talk.next()
            if step is None:
                return
            if visitor.talk.messages == 1:
                visitor.spoke(time.monotonic())
            verdict, answer = step
            if verdict is _door_talk.ADMITTED:
                self._admit(visitor)
            elif verdict is _door_talk.REFUSED:
                self._refuse(visitor, answer)
            else:
                self._send(visitor, answer)
                if verdict is _door_talk.LEFT:
                    self._drop(visitor)

    def _refuse(self, visitor, answer):
        now = time.monotonic()
        tries = self._tries.to_report(visitor.host, now)
        if tries:
            why = visitor.talk.why
            self._report({"event": "refused", "peer": visitor.peer, "why": why, "tries": tries})
        delay = self._tries.delay(visitor.host, now)
        if delay == 0.0:
            self._send(visitor, answer)
            return
        # Only this answer waits. The right token, from the same address too, never does.
        visitor.held = (now + delay, answer)
        visitor.deadline = max(visitor.deadline, visitor.held[0] + 1.0)
        self._unwatch(visitor)

    def _expire(self, visitor):
        # It may have spoken in time: this process was stopped meanwhile (a suspended job), or late.
        self._read(visitor)
        if visitor.deadline <= time.monotonic() and visitor.held is None:
            self._drop(visitor)

    def _release(self, visitor):
        _, answer = visitor.held
        visitor.held = None
        self._send(visitor, answer)
        if visitor.talk.wrong >= _door_talk.MAX_WRONG:
            self._drop(visitor)
        elif visitor in self._visitors:
            self._selector.register(visitor.sock, selectors.EVENT_READ, visitor)
            self._take_messages(visitor)

    def _admit(self, visitor):
        talk = visitor.talk
        replay = talk.replay(visitor.sock.getsockname())
        self._visitors.remove(visitor)
        self._unwatch(visitor)
        self._tries.forgive(visitor.host)
        visitor.sock.setblocking(True)
        seqs = (talk.initialize["seq"], talk.seq)
        handed = HandedSocket(visitor.sock, replay, self._token, seqs)
        handed.on_close = lambda: self._report({"event": "left", "peer": visitor.peer})
        self._report({"event": "admitted", "peer": visitor.peer})
        threading.Thread(
            target=self._hand_over, args=(handed,), name="rdg door: client", daemon=True
        ).start()

    def _send(self, visitor, data):
        # The few small answers fit into the kernel's buffer; who doesn't even read them, goes.
        try:
            complete = visitor.sock.send(data) == len(data)
        except OSError:
            complete = False
        if not complete:
            self._drop(visitor)
