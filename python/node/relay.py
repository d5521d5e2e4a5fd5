"""Carries connections of a debugger over its own stdin and stdout.

Carried as text and run as ``python -I -S -c <this> NONCE TARGETS`` on a compute node, by the
scheduler or over ssh: one file, standard library only, Python 3.6 or later. Opens TCP connections to
the ports that it is told, and leaves no file and no process behind: it ends with its stdin, and when
nothing at all has come for a while (the far side sends something every few seconds while it lives).

TARGETS is a JSON list of ``[host, port]``, tried in order; an OPEN that brings such a list itself
means another session of the same node. After the line ``rdg-relay NONCE`` both
directions are frames: channel (4 bytes), kind (1 byte), length (4 bytes, big endian), then the bytes.
Those on stdout end with a line feed: without ``--unbuffered``, which would put a pseudo-terminal
between, Slurm hands output on by lines (seen on 22.05). The kinds are below; the other end is ../../commands/connect/mux.ts.
"""

import json
import os
import select
import socket
import struct
import sys
import threading
import time

OPEN, DATA, CLOSE, PING = 0, 1, 2, 3
HEAD = struct.Struct(">IBI")
SILENCE_SECONDS = 120
CONNECT_SECONDS = 5
CHUNK = 65536

writing = threading.Lock()
channels = {}


def send(channel, kind, data=b""):
    frame = HEAD.pack(channel, kind, len(data)) + data + b"\n"
    with writing:
        try:
            while frame:
                frame = frame[os.write(1, frame) :]
        except OSError:
            os._exit(0)  # nobody reads any more


def connect(targets):
    reason = "no address"
    for host, port in targets:
        try:
            connection = socket.create_connection((host, port), CONNECT_SECONDS)
        except OSError as error:
            reason = "%s:%d: %s" % (host, port, error.strerror or error)
            continue
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, ""
    return None, reason


def pump(channel, connection):
    try:
        while True:
            data = connection.recv(CHUNK)
            if not data:
                break
            send(channel, DATA, data)
    except OSError:
        pass
    if channels.pop(channel, None) is not None:
        connection.close()
        send(channel, CLOSE)


def close(channel):
    connection = channels.pop(channel, None)
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
        except OSError:
            pass
        connection.close()


def handle(channel, kind, data, targets):
    if kind == OPEN:
        connection, reason = connect(json.loads(data.decode("utf-8")) if data else targets)
        if connection is None:
            send(channel, CLOSE, reason.encode("utf-8", "replace"))
            return
        channels[channel] = connection
        send(channel, OPEN)
        thread = threading.Thread(target=pump, args=(channel, connection))
        thread.daemon = True
        thread.start()
    elif kind == DATA:
        connection = channels.get(channel)
        if connection is not None:
            try:
                connection.sendall(data)
            except OSError:
                close(channel)
                send(channel, CLOSE)
    elif kind == CLOSE:
        close(channel)
    elif kind == PING:
        send(0, PING)


def main():
    nonce, targets = sys.argv[1], json.loads(sys.argv[2])
    os.write(1, ("\nrdg-relay %s\n" % nonce).encode("ascii"))
    buffer = bytearray()
    heard = time.time()
    while True:
        if not select.select([0], [], [], 5)[0]:
            if time.time() - heard > SILENCE_SECONDS:
                break
            continue
        data = os.read(0, CHUNK)
        if not data:
            break
        heard = time.time()
        buffer += data
        while len(buffer) >= HEAD.size:
            channel, kind, length = HEAD.unpack(bytes(buffer[: HEAD.size]))
            if len(buffer) < HEAD.size + length:
                break
            body = bytes(buffer[HEAD.size : HEAD.size + length])
            del buffer[: HEAD.size + length]
            handle(channel, kind, body, targets)
    # Threads may be in the midst of a write that nobody reads.
    os._exit(0)


main()
