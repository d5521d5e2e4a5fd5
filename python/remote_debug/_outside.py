"""What this process is called outside its container. Reads ``/proc`` and what ``rdg debug`` told."""

import os


def uid(table="/proc/self/uid_map"):
    # type: (str) -> int
    """The user's number there. Root of a user namespace is nearly always somebody else outside; any other
    number is kept as it is by those who start containers (``--userns=keep-id``)."""
    mine = os.getuid()
    if mine != 0:
        return mine
    try:
        with open(table) as file:
            for line in file:
                inside, outside, count = (int(word) for word in line.split())
                if inside <= mine < inside + count:
                    return outside + mine - inside
    except (OSError, ValueError):
        pass
    return mine


def boot():
    # type: () -> object
    """The kernel's name for this boot of this machine, the same in each container; None where unknown."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip() or None
    except (OSError, ValueError):
        return None


def is_contained(machine):
    # type: (object) -> bool
    """Whether this process has process ids of its own on the machine that rdg was started on."""
    if not machine:
        return False
    try:
        return boot() == machine["boot"] and os.readlink("/proc/self/ns/pid") != machine["pids"]  # type: ignore
    except OSError:
        return False


def has_own_network(machine):
    # type: (object) -> bool
    """Whether nothing outside reaches this process's ports by itself."""
    try:
        return is_contained(machine) and os.readlink("/proc/self/ns/net") != machine["network"]  # type: ignore
    except OSError:
        return False
