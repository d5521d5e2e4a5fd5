"""The text that tells a person where to connect. Looks names up in the resolver, briefly."""

import os
import socket
import threading


def qualified(host, limit=2.0):
    # type: (str, float) -> str
    """The host's full name where it resolves to one that begins with it, else the name as it is.

    :param limit: seconds to wait for the resolver: compute nodes may have none that answers.
    """
    if "." in host:
        return host
    found = []  # type: list

    def look_up():
        # type: () -> None
        try:
            for row in socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME):
                if row[3].startswith(host + "."):
                    found.append(row[3].rstrip("."))
                    return
        except OSError:
            pass

    thread = threading.Thread(target=look_up, name="rdg-resolver", daemon=True)
    thread.start()
    thread.join(limit)
    return found[0] if found else host


def tunnel(values):
    # type: (dict) -> str
    """The ssh line that a person pastes on the laptop."""
    node, port = values["address"]["host"], values["address"]["port"]
    user = values["user"]
    login = values["submitHost"]
    in_job = values["job"]["id"] != "local"
    if not in_job:
        login = login or values["hostname"]
    target = "%s@%s" % (user, qualified(login)) if login else "<user@login.hostname>"
    if is_loopback(node):
        if in_job:
            return "ssh -N -L 5678:%s:%d -J %s %s@%s" % (node, port, target, user, values["host"])
        return "ssh -N -L 5678:%s:%d %s" % (node, port, target)
    return "ssh -N -L 5678:%s:%d %s" % (node, port, target)


def is_loopback(address):
    # type: (str) -> bool
    """Whether only this machine can reach the address."""
    return address.startswith("127.") or address in ("localhost", "::1")


def details(values):
    # type: (dict) -> str
    """The block for a listening session; ends with a newline."""
    lines = [
        "--- Python Debugger Info ---",
        "Node: %s" % values["address"]["host"],
        "Port: %d" % values["address"]["port"],
        "Remote Path: %s" % values["remotePath"],
    ]
    if values["rank"] is not None:
        size = values["worldSize"]
        lines.append("Rank: %d%s" % (values["rank"], " of %d" % size if size else ""))
    if values["token"]:
        lines.append("Token: %s" % (values["token"] if is_private(2) else how_to_get_token(values)))
    lines.append("----------------------------")
    if not values["auth"]:
        lines.append(
            "Warning (--no-auth): whoever reaches this port, every user of the cluster included, can run\n"
            "commands as %s. There is no token to keep them out." % values["user"]
        )
    if values["ownNetwork"]:
        lines.append(own_network)
    lines += [
        "",
        "To connect from a local VS Code instance, run this on your local machine:",
        tunnel(values),
        "Then, attach the debugger to localhost:5678.",
        "",
    ]
    return "\n".join(lines) + "\n"


#: What keeps a port of a container from being reached.
own_network = (
    "This container has a network of its own: only a port that it publishes is reached from outside.\n"
    "Start it with the host's network (podman run --network=host)."
)


def how_to_get_token(values):
    # type: (dict) -> str
    """What stands in place of the token where others can read."""
    return "run `rdg attach %s` or `rdg sessions --token`" % values["job"]["display"]


def is_private(fd):
    # type: (int) -> bool
    """Whether only the owner can read what is written to a descriptor: a terminal, or a file that its
    mode, or the mode of a folder above it, keeps from others."""
    import stat

    try:
        if os.isatty(fd):
            return True
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            return False
        path = os.readlink("/proc/self/fd/%d" % fd)
        if "system.posix_acl_access" in os.listxattr(path):
            return False
        if status.st_mode & 0o077 == 0:
            return True
        folder = os.path.dirname(path)
        while True:
            if os.stat(folder).st_mode & 0o011 == 0 and not os.listxattr(folder):
                return True
            if folder == "/":
                return False
            folder = os.path.dirname(folder)
    except (OSError, AttributeError):
        return False
