"""Whose process is at the other end of a connection on this machine.

The kernel is asked for exactly that socket (sock_diag(7), the way of ``ss``): that takes some 40
microseconds however many connections there are, and every user may do it. Where it isn't to be had
(a kernel without tcp_diag, a sandbox without netlink), /proc/self/net/tcp and tcp6 are read whole
(proc(5)): slower, and now and then a line is missing, as sockets come and go between two reads.

Touches: a netlink socket; /proc/self/net/tcp and tcp6.
"""

import socket
import struct
import sys

NOBODY = -1
"""No process holds the other end any more: it has been closed."""

READS = 3
"""How often the tables are read while they lack an end that must be in them."""

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG, linux/netlink.h
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY, linux/sock_diag.h
_REQUEST = 1  # NLM_F_REQUEST
_ERROR = 2  # NLMSG_ERROR
_ANY_DEVICE, _LOOPBACK_DEVICE = 0, 1  # The latter has that number in every network namespace.

# Connected, be it that one side has said that it sends no more. Not: one that is only about to
# connect, or listens.
_CONNECTED = (1, 4, 5, 8, 9, 11)

_MAPPED = b"\0" * 10 + b"\xff\xff"

_HEAD = struct.Struct("=IHHII")
_ID = struct.Struct("!HH16s16s")
_FOUND = struct.Struct("=BBBB48sIIIII")


def is_loopback(host):
    """Whether an address, as text, is of this machine's loopback."""
    return host.startswith(("127.", "::ffff:127.")) or host == "::1"


class Users:
    """Tells whose process holds the other end of connections."""

    def __init__(self):
        self._exact = False  # Seen to find a socket.
        # From the start: a process that has run out of descriptors needs it most.
        self._netlink = _open_netlink()

    def close(self):
        """Lets go of the kernel; the tables still tell."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def of(self, connections):
        """Looks at connected sockets, all at once.

        Returns {socket: number of the user, NOBODY, or None}. None: it can't be told, as of a
        connection from another machine. Left out are those that could not be looked at now, for
        want of a descriptor. Raises nothing.
        """
        ends, users = {}, {}
        for sock in connections:
            try:
                ends[sock] = _end(sock.getpeername()), _end(sock.getsockname())
            except (OSError, ValueError):
                users[sock] = NOBODY  # The connection was reset.
        if ends:
            found = self._ask(ends.values())
            if found is None:
                found = _look(ends.values())
            if found is not None:
                users.update((sock, found.get(pair)) for sock, pair in ends.items())
        return users

    def _ask(self, pairs):
        # None where the kernel can't be asked.
        if self._netlink is None:
            return None
        found = {}
        try:
            for pair in pairs:
                found[pair] = _ask_one(self._netlink, pair)
                if found[pair] is None and not self._exact:
                    if _ask_one(self._netlink, pair[::-1]) is None:
                        return None  # It doesn't even know of this end: without tcp_diag it never does.
                self._exact = True
        except (OSError, struct.error):
            self.close()  # An answer that comes late would be taken for the next one's.
            return None
        return found


def _open_netlink():
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG)
    except (OSError, AttributeError):
        return None
    netlink.settimeout(1.0)
    return netlink


def _ask_one(netlink, pair):
    # Bound to a device, a socket is found by that only; what comes from here, comes from loopback.
    for device in (_ANY_DEVICE, _LOOPBACK_DEVICE):
        user = _request(netlink, pair, device)
        if user is not None:
            return user
    return None


def _request(netlink, pair, device):
    (host, port), (far_host, far_port) = pair
    family, start = socket.AF_INET6, 0
    if host.startswith(_MAPPED):
        family, start = socket.AF_INET, len(_MAPPED)
    wanted = _ID.pack(port, far_port, host[start:], far_host[start:])
    request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    request += wanted + struct.pack("=III", device, 0xFFFFFFFF, 0xFFFFFFFF)
    netlink.send(_HEAD.pack(_HEAD.size + len(request), _BY_FAMILY, _REQUEST, 1, 0) + request)
    answer = netlink.recv(8192)
    kind = _HEAD.unpack_from(answer)[1]
    if kind == _ERROR:
        return None
    _, state, _, _, found, _, _, _, user, inode = _FOUND.unpack_from(answer, _HEAD.size)
    if kind != _BY_FAMILY or found[:4] != wanted[:4]:
        return None  # Such as one that listens there.
    return _holder(state, user, inode)


def _holder(state, user, inode):
    if inode == 0:
        return NOBODY
    return user if state in _CONNECTED else None


def _look(pairs):
    # None where there is no table, or none can be opened.
    found = {}
    for _ in range(READS):
        table = _tables()
        if table is None:
            return None
        for pair in pairs:
            if pair in table:
                found[pair] = table[pair]
        if all(pair in found or not _is_here(pair) for pair in pairs):
            break
    return found


def _is_here(pair):
    # Whether the other end must be on this machine.
    host, own = pair[0][0], pair[1][0]
    return host == own or host.startswith(_MAPPED + b"\x7f") or host == b"\0" * 15 + b"\1"


def _tables():
    # {(local end, remote end): user}.
    users = None
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/self/net/" + name) as table:
                lines = table.readlines()[1:]
        except OSError:
            continue
        users = {} if users is None else users
        for line in lines:
            fields = line.split()
            if len(fields) > 9:
                user = _holder(int(fields[3], 16), int(fields[7]), int(fields[9]))
                users[_table_end(fields[1]), _table_end(fields[2])] = user
    return users


def _end(address):
    # An address as a socket gives it, always as IPv6.
    host, port = address[:2]
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host.partition("%")[0]), port
    return _MAPPED + socket.inet_aton(host), port


def _table_end(text):
    # Addresses stand there as 32-bit words in the machine's byte order.
    host, _, port = text.partition(":")
    packed = b"".join(
        int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)
    )
    return (packed if len(packed) == 16 else _MAPPED + packed), int(port, 16)
