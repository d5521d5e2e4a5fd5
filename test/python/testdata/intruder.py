"""Another, ordinary user who tries to get into a debug session.

Run as root with one JSON line on standard input: {"uid", "gid", "ports": [[address, port]],
"sockets": [path], "files": [path], "private": [path], "pids": [pid], "signals": [number],
"secret": text}. Becomes that user for good, tries everything, and prints {"tried": {kind: count},
"breaches": [text]}. The secret is never sent; it is only looked for in what can be had.
"""

import encodings.idna  # Loaded while root can still read this interpreter.
import json
import os
import socket
import stat
import sys
import time

LIMIT = 1.5


def frame(message):
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def messages(data):
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].strip()
        if not found or not length.isdigit() or len(rest) < int(length):
            return
        yield json.loads(rest[: int(length)].decode())
        data = rest[int(length) :]


def hear(sock, seconds, enough=lambda data: False):
    data = b""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not enough(data):
        sock.settimeout(max(0.01, until - time.monotonic()))
        try:
            chunk = sock.recv(65536)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    return data


def let_in(data):
    return b'"initialized"' in data


def refused(data, last):
    return any(message.get("request_seq") == last for message in messages(data))


class Intruder:
    def __init__(self, plan):
        self.plan = plan
        self.tried = {}
        self.breaches = []

    def count(self, kind):
        self.tried[kind] = self.tried.get(kind, 0) + 1

    def breach(self, what, data=b""):
        self.breaches.append(what)
        self.look(what, data)

    def look(self, what, data):
        if self.plan["secret"].encode() in data:
            self.breaches.append(what + ": the secret was there")

    def port(self, address, port):
        name = "%s:%d" % (address, port)
        try:
            with socket.create_connection((address, port), LIMIT) as sock:
                data = hear(sock, 0.7)
        except OSError:
            return
        if data:
            self.breach("port %s speaks to anyone: %r" % (name, data[:120]), data)
        wrong = self.plan["secret"][::-1]
        for arguments in ({}, {"rdgToken": ""}, {"rdgToken": wrong}, {"debugServerAccessToken": wrong}):
            self.dap(name, (address, port), arguments)

    def dap(self, name, address, arguments):
        self.count("attach")
        requests = [
            ("initialize", {"adapterID": "debugpy", "clientID": "intruder"}),
            ("pydevdAuthorize", arguments),
            ("attach", dict(arguments, name="x", type="debugpy")),
            ("evaluate", {"expression": "__import__('os').getpid()", "context": "repl"}),
            ("threads", {}),
        ]
        try:
            with socket.create_connection(address, LIMIT) as sock:
                for seq, (command, content) in enumerate(requests, 1):
                    message = {"seq": seq, "type": "request", "command": command}
                    sock.sendall(frame(dict(message, arguments=content)))
                data = hear(sock, LIMIT, lambda got: let_in(got) or refused(got, len(requests)))
                # Who was refused everything may still hear something.
                data += b"" if let_in(data) else hear(sock, 0.2)
        except OSError:
            return
        for message in messages(data):
            command = message.get("command")
            if message.get("event") == "initialized":
                self.breach("port %s: attached with %r" % (name, arguments))
            elif message.get("success") and command != "initialize":
                self.breach("port %s: %s was answered" % (name, command))
        self.look("port " + name, data)

    def socket(self, path):
        self.count("socket")
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            sock = socket.socket(socket.AF_UNIX, kind)
            sock.settimeout(LIMIT)
            try:
                sock.connect("\0" + path[1:] if path.startswith("@") else path)
                self.breach("socket %s: connected" % path)
            except OSError:
                pass
            finally:
                sock.close()

    def file(self, path, private):
        self.count("private" if private else "file")
        for flags, what in ((os.O_RDONLY, "read"), (os.O_WRONLY, "written")):
            try:
                if not private and not stat.S_ISREG(os.stat(path).st_mode):
                    return
                descriptor = os.open(path, flags | os.O_NONBLOCK)
            except OSError:
                continue
            with os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "wb") as opened:
                if private:
                    self.breach("%s can be %s" % (path, what))
                if flags == os.O_RDONLY:
                    try:
                        self.look(path, opened.read(1 << 24))
                    except OSError:
                        pass

    def process(self, pid):
        self.count("process")
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as command:
                words = command.read()
        except FileNotFoundError:
            return  # It has ended meanwhile.
        self.look("the command line of %d" % pid, words)
        if b"token" in words.lower():
            self.breach("the command line of %d holds a token: %r" % (pid, words))
        for name in ("environ", "mem", "fd/0"):
            try:
                with open("/proc/%d/%s" % (pid, name), "rb") as inside:
                    self.breach("/proc/%d/%s can be opened" % (pid, name), inside.read(1))
            except OSError:
                pass
        for number in self.plan["signals"]:
            self.count("signal")
            try:
                os.kill(pid, number)
                self.breach("signal %d reached %d" % (number, pid))
            except OSError:
                pass

    def run(self):
        for address, port in self.plan["ports"]:
            self.port(address, port)
        for path in self.plan["sockets"]:
            self.socket(path)
        for path in self.plan["files"]:
            self.file(path, False)
        for path in self.plan["private"]:
            self.file(path, True)
        for pid in self.plan["pids"]:
            self.process(pid)


def main():
    plan = json.loads(sys.stdin.readline())
    os.chdir("/")
    os.setgroups([])
    os.setresgid(plan["gid"], plan["gid"], plan["gid"])
    os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    assert os.getuid() == plan["uid"] != 0
    intruder = Intruder(plan)
    intruder.run()
    print(json.dumps({"tried": intruder.tried, "breaches": intruder.breaches}))


if __name__ == "__main__":
    main()
