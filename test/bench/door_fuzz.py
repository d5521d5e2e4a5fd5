"""Fuzzes the door: mutated messages over real connections, 100,000 unless said otherwise.

Run by hand: python3 test/bench/door_fuzz.py [COUNT [SEED]]

A second process holds the door (its answers to wrong tokens hurried, so that the run ends). Shown
is: nobody was let in but the owner, who was, every thousand inputs; no connection hung; and the
door's memory, threads, descriptors and books are what they were.
"""

import json
import os
import random
import selectors
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))

from remote_debug import _door, _door_tries  # noqa: E402
from remote_debug._door_messages import frame  # noqa: E402

TOKEN = "5eed" * 16
HANG_SECONDS = 20.0
TOGETHER = 48


def serve():
    """The process with the door; each line on standard input asks for its state."""
    _door_tries.MAX_DELAY_SECONDS = 0.02
    _door.MAX_ACCEPTS = 1 << 30
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    admitted = []

    def hand_over(handed):
        admitted.append(1)
        data = handed._reader.read1(65536)
        assert b"attach" in data and TOKEN.encode() not in data
        handed.close()

    door = _door.Door(listener, TOKEN, {"supportsX": True}, hand_over, lambda event: None)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    door.start()
    for _ in sys.stdin:
        with open("/proc/self/status") as status:
            rss = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        state = {
            "admitted": len(admitted),
            "alive": door._thread.is_alive(),
            "files": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "kB": int(rss),
            "visitors": len(door._visitors),
            "buffered": sum(len(visitor.talk.buffer) for visitor in door._visitors),
        }
        print(json.dumps(state), flush=True)


def request(seq, command, **arguments):
    return frame({"seq": seq, "type": "request", "command": command, "arguments": arguments})


INITIALIZE = request(1, "initialize", clientID="vscode", adapterID="debugpy", linesStartAt1=True)
SEEDS = (
    INITIALIZE,
    INITIALIZE + request(2, "attach", rdgToken="wrong", justMyCode=False, pathMappings=[{"a": "b"}]),
    INITIALIZE + request(2, "attach"),
    request(1, "attach", rdgToken=7),
    request(1, "launch", program="x.py") + request(2, "evaluate", expression="1+1"),
    INITIALIZE + request(2, "disconnect", terminateDebuggee=True),
    b"Content-Length: 2\r\n\r\n{}",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
PIECES = (
    b"Content-Length: ", b"\r\n\r\n", b"\r\n", b"-1", b"999999999", b"0", b"[" * 2000, b"{" * 500,
    b'{"a":' * 300, b"]" * 50, b'"', b"\\", b"\\u0000", b"\xff\xfe", b"\0", b"null", b"1e999999",
    b"1" * 5000, b'"type": "request"', b'"command": "attach"', b'"rdgToken": ', b'"seq": -1', b"NaN",
)  # fmt: skip


def mutate(chance):
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 1, 2, 7, 40, 400)))
        kind = chance.randrange(7)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = chance.randrange(256)
        elif kind == 1:
            del data[at:to]
        elif kind == 2:
            data[at:at] = data[at:to] * chance.choice((1, 2, 50))
        elif kind == 3:
            data[at:at] = chance.choice(PIECES)
        elif kind == 4:
            data[at:to] = chance.choice(PIECES)
        elif kind == 5:
            data[at:] = chance.choice(SEEDS)[chance.randrange(20) :]
        else:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(30)))
    # Half of them with a length that is right again, so that the content is looked at.
    if chance.random() < 0.5:
        body = bytes(data).rpartition(b"\r\n\r\n")[2]
        data = bytearray(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return bytes(data[:300000])


class Fuzzer:
    def __init__(self, port, chance):
        self.port, self.chance = port, chance
        self.selector = selectors.DefaultSelector()
        self.open = {}
        self.answered = self.closed = 0

    def add(self):
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.setblocking(False)
        data = mutate(self.chance)
        if TOKEN.encode() in data:
            raise SystemExit("the seed's token got in")
        try:
            if self.chance.random() < 0.1:
                cut = self.chance.randrange(len(data) + 1)
                sock.send(data[:cut])
                data = data[cut:]
            sock.send(data)
            if self.chance.random() < 0.1:
                sock.close()  # In the middle.
                return
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            self.closed += 1
            return
        self.open[sock] = time.monotonic()
        self.selector.register(sock, selectors.EVENT_READ)

    def collect(self, seconds):
        for key, _ in self.selector.select(seconds):
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            if data:
                self.answered += 1
                continue
            self.closed += 1
            self.selector.unregister(key.fileobj)
            del self.open[key.fileobj]
            key.fileobj.close()
        now = time.monotonic()
        if self.open and now - min(self.open.values()) > HANG_SECONDS:
            raise SystemExit("FAILED: a connection hung")


def owner(port):
    """The owner gets in: sees the connection handed over, which closes it."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(HANG_SECONDS)
        sock.sendall(INITIALIZE + request(2, "attach", rdgToken=TOKEN))
        while sock.recv(65536):
            pass


def main(count, seed):
    child = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "serve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    port = json.loads(child.stdout.readline())["port"]

    def state():
        child.stdin.write("\n")
        child.stdin.flush()
        return json.loads(child.stdout.readline())

    fuzzer = Fuzzer(port, random.Random(seed))
    owners = 0
    begin = time.monotonic()
    states = []
    for number in range(1, count + 1):
        fuzzer.add()
        while len(fuzzer.open) >= TOGETHER:
            fuzzer.collect(1.0)
        if number % 1000 == 0:
            owner(port)
            owners += 1
        if number % (count // 5) == 0:
            states.append(state())
    while fuzzer.open:
        fuzzer.collect(1.0)
    until = time.monotonic() + HANG_SECONDS
    end = state()
    while (end["visitors"] or end["threads"] > 2) and time.monotonic() < until:
        time.sleep(0.1)
        end = state()
    child.stdin.close()
    child.wait()
    seconds = time.monotonic() - begin
    print("%d inputs (seed %d) in %.0f s: %d answers, %d closed by the door" % (
        count, seed, seconds, fuzzer.answered, fuzzer.closed))  # fmt: skip
    for number, middle in enumerate(states, 1):
        print("after %d/5: %s" % (number, middle))
    print("at the end:", end)
    ok = (
        end["alive"]
        and end["admitted"] == owners
        and end["visitors"] == end["buffered"] == 0
        and end["threads"] == 2
        and end["files"] <= states[0]["files"]
        and end["kB"] - states[0]["kB"] < 8192
        and end["kB"] - states[2]["kB"] < 2048
    )
    print("ok" if ok else "FAILED")
    return 0 if ok else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        words = [int(word) for word in sys.argv[1:]]
        sys.exit(main(words[0] if words else 100000, words[1] if len(words) > 1 else 1))
