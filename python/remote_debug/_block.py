"""The texts that tell a person where to connect, each in one piece: many ranks may share one output.

Looks names up in the resolver, briefly.
"""

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


_names = {}  # type: dict  # what the resolver has said


def _full(host):
    # type: (str) -> str
    """The host's full name; looked up once. A wake in the midst of waiting asks for it again, and there no
    thread may be started: debugpy's own code, which the wake has met, may hold a lock that it needs."""
    if host not in _names:
        _names[host] = qualified(host)
    return _names[host]


def tunnel(values):
    # type: (dict) -> str
    """The ssh line that a person pastes on the laptop."""
    node, port = values["address"]["host"], values["address"]["port"]
    user = values["user"]
    login = values["submitHost"]
    in_job = values["job"]["id"] != "local"
    if not in_job:
        login = login or values["hostname"]
    target = "%s@%s" % (user, _full(login)) if login else "<user@login.hostname>"
    if is_loopback(node):
        if in_job:
            return "ssh -N -L 5678:%s:%d -J %s %s@%s" % (node, port, target, user, values["host"])
        return "ssh -N -L 5678:%s:%d %s" % (node, port, target)
    return "ssh -N -L 5678:%s:%d %s" % (node, port, target)


def is_loopback(address):
    # type: (str) -> bool
    """Whether only this machine can reach the address."""
    return address.startswith("127.") or address in ("localhost", "::1")


def listening(values, last_line):
    # type: (dict, str) -> str
    """What a program says that listens. ``values`` is the session record, here and below."""
    return "\n%s%s\n\n" % (details(values), last_line)


def paused(values, limit):
    # type: (dict, float) -> str
    """What one says that waits for a client, ``limit`` seconds at most (0: no limit)."""
    last_line = "Script is paused, waiting for debugger to attach..."
    if limit:
        last_line += "\n(at most %s, then it goes on)" % _minutes(limit)
    return listening(values, last_line)


def crashed(values, words, limit, contained):
    # type: (dict, str, float, bool) -> str
    """What one says that has crashed: what happened, how long it waits, how to end it sooner.

    :param contained: whether it runs in a container that has process ids of its own.
    """
    from . import _launcher

    reaction = _launcher.reaction(values)
    in_job = values["job"]["id"] != "local"
    end = "end it sooner with: kill %d" % values["pid"]
    if contained:
        end = "end it sooner by ending its container"
    if in_job and values["scheduler"] == "slurm":
        end = "end it sooner with: scancel %s" % values["job"]["display"]
    return (
        "\n[Post-Mortem Debugger] %s\n%sScript has crashed and waits for debugger to attach...\n"
        "(%s; %s)\n%s\n"
        % (
            words,
            details(values),
            "at most %s" % _minutes(limit) if limit else "without a time limit",
            end,
            "" if reaction is None else "%s\n" % reaction,
        )
    )


def _minutes(seconds):
    # type: (float) -> str
    if seconds < 120:
        return "%d s" % round(seconds)
    return "%d min" % round(seconds / 60)


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
