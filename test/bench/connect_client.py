"""A DAP client that measures: run as the laptop's user by connect_ways.ts.

Usage: connect_client.py PORT FILE LINE. Attaches without a token, stops at FILE:LINE, and prints one
JSON object: milliseconds of the attach, of round trips (``evaluate``), and of a 10 MB result.
"""

import json
import socket
import sys
import time

ROUNDS = 300
SIZE = 10 * 1000 * 1000


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb", 1024 * 1024)
        self.seq = 0
        self.events = []

    def send(self, command, arguments):
        self.seq += 1
        body = {"seq": self.seq, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(body).encode()
        self.sock.sendall(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        return self.seq

    def read(self):
        length = 0
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError("closed")
            if line == b"\r\n":
                break
            length = int(line.split(b":")[1])
        return json.loads(self.file.read(length))

    def answer(self, seq):
        while True:
            message = self.read()
            if message["type"] == "response" and message["request_seq"] == seq:
                if not message["success"]:
                    raise RuntimeError(message)
                return message.get("body") or {}
            self.events.append(message)

    def request(self, command, **arguments):
        return self.answer(self.send(command, arguments))

    def event(self, name):
        while True:
            for message in self.events:
                if message.get("event") == name:
                    self.events.remove(message)
                    return message["body"] if "body" in message else {}
            self.events.append(self.read())


def main():
    port, path, line = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    begin = time.perf_counter()
    client = Client(port)
    client.request("initialize", clientID="bench", adapterID="debugpy", pathFormat="path")
    root = path.rsplit("/", 1)[0]
    mapping = [{"localRoot": root, "remoteRoot": "."}]
    attach = client.send(
        "attach",
        {
            "name": "bench",
            "type": "debugpy",
            "request": "attach",
            "connect": {"host": "127.0.0.1", "port": port},
            "pathMappings": mapping,
        },
    )
    client.event("initialized")
    client.request("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
    client.request("configurationDone")
    client.answer(attach)
    attached = time.perf_counter() - begin
    while True:
        thread = client.event("stopped")["threadId"]
        frame = client.request("stackTrace", threadId=thread, levels=1)["stackFrames"][0]
        if frame["line"] == line:
            break
        client.request("continue", threadId=thread)
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        client.request("evaluate", expression="number", frameId=frame["id"], context="watch")
        times.append(time.perf_counter() - begin)
    times.sort()
    begin = time.perf_counter()
    result = client.request(
        "evaluate", expression="'x' * %d" % SIZE, frameId=frame["id"], context="clipboard"
    )["result"]
    big = time.perf_counter() - begin
    client.request("setBreakpoints", source={"path": path}, breakpoints=[])
    client.request("disconnect", terminateDebuggee=False)
    print(
        json.dumps(
            {
                "attachMs": round(attached * 1000, 1),
                "medianMs": round(times[len(times) // 2] * 1000, 2),
                "p95Ms": round(times[int(len(times) * 0.95)] * 1000, 2),
                "bigBytes": len(result),
                "bigMs": round(big * 1000),
            }
        )
    )


main()
