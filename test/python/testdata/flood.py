"""Another user who floods a port: run as root with UID PORT; ends with its standard input.

Opens connections as fast as it can, says a proper "initialize" on each, and holds the last 400
open. Prints a line once the first 400 stand, and at the end how many there were.
"""

import collections
import encodings.idna  # noqa: F401  Loaded while root can still read this interpreter.
import json
import os
import socket
import sys
import threading

BODY = json.dumps({"seq": 1, "type": "request", "command": "initialize", "arguments": {}}).encode()


def main():
    uid, port = int(sys.argv[1]), int(sys.argv[2])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    held = collections.deque()
    count = 0
    while not ended.is_set():
        try:
            sock = socket.create_connection(("127.0.0.1", port), 1)
            sock.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
        except OSError:
            continue
        held.append(sock)
        count += 1
        if len(held) > 400:
            held.popleft().close()
        if count == 400:
            print("flooding", flush=True)
    print(count, flush=True)


main()
