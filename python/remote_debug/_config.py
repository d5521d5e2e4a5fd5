"""What ``rdg debug`` wants of the processes below it. Reads the variable ``RDG_CONFIG``."""

import os

#: Values of a process that nobody configured: one that calls ``start_debugger()`` by itself.
DEFAULTS = {
    "format": 1,
    "modes": [],  # of "wait", "lite", "post-mortem"
    "stopOnEntry": False,
    "port": 0,  # 0: any free one
    "bind": "0.0.0.0",
    "signal": 0,  # 0: SIGRTMIN+6
    "stackSignal": 0,  # 0: SIGRTMIN+7
    "waitTimeout": None,  # seconds; 0: no limit; None: by mode
    "programs": [],  # globs of scripts and modules that count as programs
    "subprocess": False,
    "ranks": None,  # [[first, last], …] or None for all
    "quiet": False,
    "auth": True,
    "stateDir": None,
    "cacheDir": None,
    "job": None,  # id of the job that rdg was started in
    "machine": None,  # where: {"boot", "pids", "network", "host", "user", "state", "cache"}
    "schedulers": [],  # rows of drop-in plugins, beside those of _tables.py
    "follow": False,  # COMMAND starts a job of its own (srun, salloc)
    "pid": 0,  # the process that became COMMAND (or, "spawned", its parent) …
    "start": 0,  # … and its start time, in clock ticks since boot
    "spawned": False,
    "command": [],
}  # type: dict


def read():
    # type: () -> dict
    """The configuration of this process.

    :raises ValueError: the variable holds something else.
    """
    config = dict(DEFAULTS)
    text = os.environ.get("RDG_CONFIG")
    if text:
        # JSON is read as the Python expression that it nearly is: `json` would cost 5 ms in every
        # process. The variable is the person's own, as PYTHONSTARTUP is.
        names = {"__builtins__": {}, "null": None, "true": True, "false": False}
        try:
            given = eval(text, names)
            if given["format"] != 1:
                raise ValueError("format %r" % (given["format"],))
        except Exception as error:
            raise ValueError("RDG_CONFIG is not of this version of rdg (%s)" % error)
        config.update(given)
    return complete(config)


def complete(config):
    # type: (dict) -> dict
    """The configuration with the numbers of the signals that are used by default."""
    config = dict(config)
    # SIGRTMIN is 34 with glibc and 35 with musl: ask the C library, not a constant.
    import _signal

    first = getattr(_signal, "SIGRTMIN", 34)
    config["signal"] = config["signal"] or first + 6
    config["stackSignal"] = config["stackSignal"] or first + 7
    return config


def state_dir(config):
    # type: (dict) -> str
    """Folder of everything that rdg writes about sessions; not made here."""
    given = config["stateDir"] or os.environ.get("RDG_STATE_DIR") or _of_rdg(config, "state")
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return given or os.path.join(base, "rdg")


def cache_dir(config):
    # type: (dict) -> str
    """Folder of what can be fetched again; not made here."""
    given = config["cacheDir"] or _of_rdg(config, "cache")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return given or os.path.join(base, "rdg")


def _of_rdg(config, name):
    # type: (dict, str) -> object
    """A folder as ``rdg debug`` knows it, where this process sees it too: a container may have another
    home."""
    folder = (config["machine"] or {}).get(name)
    return folder if folder and os.path.isdir(folder) else None
