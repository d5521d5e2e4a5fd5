"""The program of door_latency.ts: listens in one of three ways and stops at a breakpoint.

argv: "plain" (debugpy.listen), "nodelay" (the same, every TCP socket with TCP_NODELAY, in the
adapter through this file as its sitecustomize), "door". The token comes on standard input.
"""

import json
import os
import sys
import time

BEGIN = time.perf_counter()


def nodelay():
    import socket

    accept, connect = socket.socket.accept, socket.socket.connect

    def set_option(sock):
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def accept_nodelay(self):
        sock, address = accept(self)
        set_option(sock)
        return sock, address

    def connect_nodelay(self, address):
        set_option(self)
        return connect(self, address)

    socket.socket.accept, socket.socket.connect = accept_nodelay, connect_nodelay


def stop_here():
    number = 41
    return number  # breakpoint


def main():
    token = sys.stdin.readline().strip()
    before = time.perf_counter()
    if sys.argv[1] == "door":
        from remote_debug import _adapter

        host, port = _adapter.listen("127.0.0.1", 0, token)
        import debugpy
    else:
        import debugpy

        host, port = debugpy.listen(("127.0.0.1", 0))
    took = time.perf_counter() - before
    print(json.dumps({"port": port, "listen": took}), flush=True)
    if sys.stdin.readline().strip() != "go":
        return
    debugpy.wait_for_client()
    stop_here()


if os.environ.get("RDG_BENCH_NODELAY"):
    nodelay()
if __name__ == "__main__":
    main()
