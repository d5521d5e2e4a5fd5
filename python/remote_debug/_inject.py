"""Arms a process that runs already: what ``rdg attach --inject`` brings in calls this.

Runs in the main thread, between two instructions of the program or inside a system call of its, so it
opens nothing, starts nothing and is quick. From then on the process is like one that ``rdg debug
--lite`` started; its children are not.
"""

import os
import sys


def arm(text):
    # type: (str) -> str
    """Arms this process. Returns ``ok``.

    :param text: JSON: what of the configuration is not as usual, and ``state``, the folder for records
        that the caller reads.
    :raises RuntimeError: it can't be, with the reason.
    """
    from . import _config, _find, _session, _signals, _stacks

    given = eval(text, {"__builtins__": {}, "null": None, "true": True, "false": False})
    state = given.pop("state", None)
    before = _session._session
    config = dict(before.config if before is not None else _config.DEFAULTS)  # type: ignore
    config.update(given)
    config = _config.complete(config)
    if before is None and state and os.path.isdir(os.path.dirname(state)):
        config["stateDir"] = state
    # Where somebody prepared it for a crash, that stays.
    modes = before.config["modes"] if before is not None else []  # type: ignore
    config["modes"] = ["lite"] + [mode for mode in modes if mode != "lite"]
    folder = _find.find(config)
    if folder is None:
        raise RuntimeError("%s; %s" % _find.advice(config))
    from . import _arm

    if before is None:
        _session.adopt(_session.Session(config, list(sys.path), folder))
    session = _session.current()
    session.config = config
    if _signals.installed():
        _signals.renew()
    else:
        _signals.install(config["signal"], config["stackSignal"], _arm.on_wake)
    stack = _stacks.renew(config["stackSignal"])
    session.stack = stack
    session.record.write(
        modes=config["modes"], signal=config["signal"], stackSignal=config["stackSignal"], stack=stack
    )
    return "ok"
