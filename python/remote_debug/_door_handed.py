"""What the door hands over to debugpy's adapter. Touches the socket it is given."""

import io
import itertools
import json
import socket
import threading

from ._door_messages import LENGTH, MAX_HEADER, frame

MAX_DEBUGPY_BODY = 0xFFFFFF
"""The longest message that debugpy takes."""


class HandedSocket:
    """An authenticated connection as debugpy's adapter wants it: with the calls of a socket.

    What the adapter reads first is the client's own ``initialize`` and its ``attach`` (without the
    token); after that it reads the socket itself. Of what the adapter writes, the answer to
    ``initialize`` is swallowed, as the door has given one, and the messages before it are
    renumbered to follow the door's; after it, the adapter's channel counts on from there. A request
    to attach to a child process gets the token back, so that the client can come in again.

    A client that goes without a word is made to say goodbye: the adapter gets whole messages only,
    then a ``disconnect``, and sees the end once it has answered that. debugpy by itself ends its
    whole adapter where a client vanishes at the wrong moment (a write to a closed channel in the
    middle of ``attach`` or ``configurationDone``; seen with 1.8.21 and 1.8.22).

    seqs: (number of the client's ``initialize``, number of the last message the door sent).
    """

    def __init__(self, sock, replay, token, seqs):
        self._sock = sock
        self._token = token
        self._initialize_seq, self._offset = seqs
        self._reader = io.BufferedReader(_Replay(replay, sock), 65536)
        self._current = io.BytesIO()
        self._settled = threading.Event()
        self._goodbye = False
        self._answered = threading.Event()
        self._channel = None
        self._replaying = True
        self.on_close = None
        """Called once, without arguments, when the adapter has ended it."""
        self.ended = threading.Event()
        """Set when the adapter has ended it; another client can attach then."""

    def settle(self, channel):
        """Lets the adapter read; called once its client object, which owns the channel, stands."""
        self._channel = channel
        self._settled.set()

    def leaving(self):
        """Whether the client has closed its end, be it that the adapter doesn't know yet."""
        if self._goodbye:
            return True
        try:
            return self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def __repr__(self):
        return "<client let in by the door>"

    def settimeout(self, seconds):
        self._sock.settimeout(seconds)

    def makefile(self, *_args, **_kwargs):
        return self

    def readline(self):
        line = self._current.readline()
        if line:
            return line
        self._settled.wait()
        message = self._next_message()
        if message is None and not self._goodbye:
            self._goodbye = True
            message = frame(_GOODBYE)
        if message is None:
            self._answered.wait()  # for as long as the debugged process takes; its end closes this
            raise EOFError("the client has gone")
        self._current = io.BytesIO(message)
        return self._current.readline()

    def read(self, size):
        return self._current.read(size)

    def _next_message(self):
        # None at the end, also where that is within a message. What is wrong, debugpy shall see.
        if self._goodbye and not self._answered.is_set():
            return None
        head = b""
        while not head.endswith(b"\r\n\r\n") and len(head) < MAX_HEADER:
            line = self._reader.readline(MAX_HEADER)
            if not line:
                return None
            head += line
        found = LENGTH.findall(head)
        length = int(found[0]) if len(found) == 1 else 0
        if length > MAX_DEBUGPY_BODY:
            return head
        body = self._reader.read(length)
        if len(body) < length:
            return None
        if b'"disconnect"' in body and _is_disconnect(body):
            self._goodbye = True
        return head + body

    def write(self, data):
        size = len(data)
        head = bytes(data[:300])
        if self._replaying:
            data = self._renumber(data)
        elif b'"debugpyAttach"' in head or b'"startDebugging"' in head:
            data = self._with_token(data)
        elif self._goodbye and b'"response"' in head and b'"disconnect"' in head:
            self._answered.set()
        try:
            self._sock.sendall(data)
        except OSError:
            pass  # Told by the reading side, in order.
        return size

    def flush(self):
        pass

    def shutdown(self, how):
        self._sock.shutdown(how)

    def close(self):
        # The channel closes its file and then its socket, both this object, while another thread
        # may be reading: shut down first, which wakes that one.
        self._settled.set()
        self._answered.set()
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()
        self.ended.set()
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            on_close()

    def _renumber(self, data):
        message = json.loads(data.partition(b"\r\n\r\n")[2].decode("utf-8"))
        seq = message["seq"] + self._offset
        if message.get("request_seq") == self._initialize_seq and message["type"] == "response":
            self._replaying = False
            if hasattr(self._channel, "_seq_iter"):
                self._channel._seq_iter = itertools.count(seq)
            return b""
        return frame(dict(message, seq=seq))

    def _with_token(self, data):
        message = json.loads(data.partition(b"\r\n\r\n")[2].decode("utf-8"))
        if message.get("event") == "debugpyAttach":
            configuration = message["body"]
        elif message.get("type") == "request" and message.get("command") == "startDebugging":
            configuration = message["arguments"]["configuration"]
        else:
            return data
        configuration.setdefault("rdgToken", self._token)
        return frame(message)


def _is_disconnect(body):
    try:
        return json.loads(body.decode("utf-8")).get("command") == "disconnect"
    except (ValueError, AttributeError, RecursionError):
        return False


_GOODBYE = {
    "seq": 1 << 30,
    "type": "request",
    "command": "disconnect",
    "arguments": {"terminateDebuggee": False},
}


class _Replay(io.RawIOBase):
    """Some bytes, and then a socket."""

    def __init__(self, first, sock):
        super().__init__()
        self._first = first
        self._sock = sock

    def readable(self):
        return True

    def readinto(self, target):
        if self._first:
            size = min(len(target), len(self._first))
            target[:size] = self._first[:size]
            self._first = self._first[size:]
            return size
        while True:
            try:
                return self._sock.recv_into(target)
            except InterruptedError:
                continue
            except OSError:
                return 0
