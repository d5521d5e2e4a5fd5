"""Which job, node and rank this process is. Reads the environment by the tables of the plugins."""

import os

from . import _outside, _tables

#: Rows of drop-in plugins, as ``rdg debug`` tells them; a built-in scheduler goes before them.
extra = []  # type: list


def _first(names):
    # type: (object) -> object
    for name in names or ():
        value = os.environ.get(name)
        if value:
            return value
    return None


def scheduler():
    # type: () -> dict
    """The row of the scheduler whose job this process is in; ``local`` outside a job."""
    for row in _tables.SCHEDULERS + tuple(extra):
        job = row["job"]
        if not job["present"] or not all(_first(names) for names in job["present"]):
            continue
        if any(os.environ.get(name) for name in job.get("absent", ())):
            continue
        return row
    return {"name": "local", "job": {"job": ()}}


def raw_id(row):
    # type: (dict) -> object
    """What the scheduler's own variable says, the same for all elements of some arrays; or None."""
    return _first(row["job"]["job"])


def job_id(row):
    # type: (dict) -> object
    """The unique id of the job, of an array's element where it is one, or None outside one."""
    names = row["job"]
    job = raw_id(row) or _from_file(names.get("jobFile"))
    index = _first(names.get("arrayIndex"))
    pattern = names.get("elementId")
    if job and pattern and index and index not in names.get("noArrayIndex", ()):
        return pattern.replace("{job}", job).replace("{index}", index)
    return job


def _from_file(where):
    # type: (object) -> object
    """The id out of a file with lines ``Name = value`` (HTCondor's job ad)."""
    if not where:
        return None
    try:
        with open(os.environ[where["variable"]]) as file:  # type: ignore
            pairs = [line.strip().split(" = ", 1) for line in file]
        values = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        return ".".join(values[name] for name in where["names"])  # type: ignore
    except (KeyError, OSError, ValueError):
        return None


def identity(machine=None):
    # type: (object) -> dict
    """Scheduler, cluster, job and node: the record's keys of these names.

    :param machine: what ``rdg debug`` said of the machine that it was started on.
    """
    row = scheduler()
    names = row["job"]
    contained = _outside.is_contained(machine)
    hostname = machine["host"] if contained else os.uname().nodename  # type: ignore
    job = job_id(row)
    display = job
    index = _first(names.get("arrayIndex"))
    if job and index and index not in names.get("noArrayIndex", ()):
        base = _first(names.get("arrayJob"))
        if base:
            display = "%s_%s" % (base, index)
    return {
        "scheduler": row["name"],
        "cluster": _first(names.get("cluster")) or (row["name"] if job else hostname),
        "job": {
            "id": job or "local",
            "display": display or "local",
            "step": _first(names.get("step")),
        },
        "host": _first(names.get("node")) or hostname,
        "hostname": hostname,
        "user": _first(names.get("user")) or user(machine),
        "submitHost": _first(names.get("submitHost")),
    }


def user(machine=None):
    # type: (object) -> str
    """The person's name: by the user id, else by the environment. Who is root in a container alone is
    called as outside."""
    if machine and machine["user"] and _outside.uid() != os.getuid():  # type: ignore
        return machine["user"]  # type: ignore
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return os.environ.get("USER") or os.environ.get("LOGNAME") or str(os.getuid())


def _number(name):
    # type: (object) -> object
    try:
        return int(os.environ.get(name or "", ""))  # type: ignore
    except ValueError:
        return None


def _counts(row):
    # type: (dict) -> bool
    """Whether the conditions of a row of the table of ranks hold."""
    environ = os.environ
    if not all(environ.get(name) for name in row["requires"]):
        return False
    if any(environ.get(one) != environ.get(other) for one, other in row.get("equal", ())):
        return False
    unless = row.get("unless")
    if unless and unless["variable"] in environ:
        if environ[unless["variable"]].startswith(unless["begins"]):
            return False
    below = row.get("below")
    if not below:
        return True
    value = _number(below["variable"])
    return value is not None and value < below["limit"]


def rank():
    # type: () -> object
    """``{"launcher", "rank", "localRank", "worldSize", "restartsLeft"}``, innermost launcher first, or None."""
    for row in _tables.RANKS:
        if not _counts(row):
            continue
        number = _number(row["rank"])
        size = _number(row.get("size"))
        if number is None or number < 0 or (size is not None and number >= size):
            continue
        return {
            "launcher": row["launcher"],
            "rank": number,
            "localRank": _number(row.get("localRank")),
            "worldSize": size,
            "restartsLeft": _restarts_left(row.get("restarts")),
        }
    return None


def _restarts_left(names):
    # type: (object) -> object
    """How often the launcher may still start the ranks anew; None where it doesn't say."""
    if not names:
        return None
    count, most = _number(names["count"]), _number(names["most"])  # type: ignore
    return None if count is None or most is None else max(0, most - count)
