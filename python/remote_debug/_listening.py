"""Listening TCP sockets of the adapter's process, and the threads that accept on them."""

import errno
import socket
import threading
import time


def open_socket(bind, port, shared=False):
    """Listens on an address and a port, 0 for any free one; ``shared`` with whoever binds it the same way.

    Raises OSError.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        elif port != 0:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # As debugpy has it: a client that is gone without a word is noticed after 15 seconds.
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
        ):
            listener.setsockopt(level, option, value)
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)
    except BaseException:
        listener.close()
        raise
    return listener


def accept_each(listener, take):
    """Calls ``take`` with each connection that comes, in a thread of its own, until the listener is closed."""
    threading.Thread(target=_accept_each, args=(listener, take), daemon=True).start()


def _accept_each(listener, take):
    while True:
        try:
            sock, _ = listener.accept()
        except ConnectionError:
            continue
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                return
            time.sleep(0.1)
            continue
        try:
            take(sock)
        except Exception:
            sock.close()
