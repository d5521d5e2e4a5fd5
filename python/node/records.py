"""Finds the session record of a process on this node.

Standard library only, Python 3.6 or later. Reads records; asks the resolver for the login host's name.
"""

import json
import os
import re

from process import Process, config_of, namespace_of, node_names, read


class Recorded(Process):
    """A process that may have a record."""

    def __init__(self, request, row):
        Process.__init__(self, request, row)
        self.path = None
        self.space = None

    def record(self):
        """The session record of this process as this node sees it, or None."""
        # Asked while it lives: afterwards nothing tells.
        self.space = self.space or namespace_of(self.here) or self.namespace
        if self.path is not None:
            return self.read_record(self.path)
        for folder in self.state_folders():
            root = os.path.join(folder, "sessions")
            try:
                clusters = os.listdir(root)
            except OSError:
                continue
            for cluster in clusters:
                job = safe_name(self.request["job"] or "local")
                path = os.path.join(root, cluster, job)
                try:
                    names = os.listdir(path)
                except OSError:
                    continue
                for name in names:
                    if name.endswith("-%d.json" % self.pid):
                        found = self.read_record(os.path.join(path, name))
                        if found:
                            self.path = os.path.join(path, name)
                            return found
        return None

    def read_record(self, path):
        try:
            record = json.loads(read(path).decode("utf-8"))
            mine = record["format"] == 1 and record["uid"] == os.getuid()
            same = record["startTime"] in (None, self.start) and record["pid"] == self.pid
            # Containers that start together count alike, and may do so within one tick.
            space = self.space is None or record.get("pidNamespace") in (None, self.space)
            return record if mine and same and space and self.is_here(record) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_here(self, record):
        """The same number may be in use on another node of the job."""
        return record["startTime"] is not None or record["host"] in node_names(self.request)

    def state_folders(self):
        """Where the record may lie: as the program's environment and ``rdg debug`` in it say, and as the
        caller sees it."""
        environment = self.environment or {}
        config = config_of(environment)
        home = environment.get("HOME")
        machine = config.get("machine")
        candidates = [
            config.get("stateDir"),
            environment.get("RDG_STATE_DIR"),
            machine.get("state") if isinstance(machine, dict) else None,
            os.path.join(environment["XDG_STATE_HOME"], "rdg")
            if environment.get("XDG_STATE_HOME")
            else None,
            os.path.join(home, ".local/state/rdg") if home else None,
            self.request["state"],
        ]
        return list(dict.fromkeys(folder for folder in candidates if folder))


def safe_name(text):
    safe = re.sub(r"[^A-Za-z0-9._\-\[\]]", "_", text)
    return "_" + safe[1:] if safe.startswith(".") else safe or "_"


def login_host(record):
    """The full name of the host to ssh to, where it resolves to one; null where none is known."""
    host = record.get("submitHost")
    if not host and record["job"]["id"] == "local":
        host = record["hostname"]
    if not host or "." in host:
        return host
    import socket
    import threading

    found = []

    def look_up():
        try:
            rows = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
        except OSError:
            return
        found.extend(row[3].rstrip(".") for row in rows if row[3].startswith(host + "."))

    # Compute nodes may have no resolver that answers.
    thread = threading.Thread(target=look_up)
    thread.daemon = True
    thread.start()
    thread.join(2)
    return found[0] if found else host
