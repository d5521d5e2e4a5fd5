"""Who is at the other end of a connection on this machine. Touches /proc/self/net/tcp and tcp6."""

import socket
import sys


def is_loopback(host):
    """Whether an address, as text, is of this machine's loopback."""
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"


def socket_key(host, port):
    """An end of a connection as /proc/net/tcp writes it, but always as IPv6."""
    if ":" in host:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    else:
        packed = b"\0" * 10 + b"\xff\xff" + socket.inet_aton(host)
    return packed, port


def loopback_users():
    """Who holds each established connection of this machine: {(local end, remote end): uid}.

    From /proc/self/net/tcp and tcp6, which every user may read (Linux; format: proc(5)). Sockets
    without an owner, already closed, stand there with uid 0 and are left out.
    """
    users = {}
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/self/net/" + name) as table:
                lines = table.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 9 and fields[3] == "01" and fields[9] != "0":
                users[_table_key(fields[1]), _table_key(fields[2])] = int(fields[7])
    return users


def _table_key(text):
    # Addresses stand there as 32-bit words in the machine's byte order.
    host, _, port = text.partition(":")
    packed = b"".join(
        int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)
    )
    if len(packed) == 4:
        packed = b"\0" * 10 + b"\xff\xff" + packed
    return packed, int(port, 16)
