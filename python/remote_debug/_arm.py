"""Arms this process by what ``rdg debug`` wants. Runs inside ``site``, before the program.

Has to be quick and to load nothing that Python hasn't loaded anyway: it runs in every Python process
below the command.
"""

import _thread
import os
import sys

from . import _command, _config, _job, _role

#: From Python 3.12 on; before, only programs that embed Python make a second interpreter.
_is_main_interpreter = getattr(_thread, "_is_main_interpreter", lambda: True)


def arm():
    # type: () -> object
    """Arms the process. Returns what to call when ``site`` is nearly done, or None."""
    if not _is_main_interpreter():
        # ``site`` runs in each (``concurrent.interpreters``); signals, hooks and the record are the first's.
        return None
    words = _command.original()
    command = _command.parse(words)
    if _role.is_debugpy(command):
        return None
    config = _config.read()
    _job.extra = config["schedulers"]
    if not _same_job(config):
        return None
    rank = _job.rank()
    number = rank["rank"] if rank else None  # type: ignore
    key = "%s:%d" % (rank["launcher"], number) if rank else "-"  # type: ignore
    claimed, _, claimant = os.environ.get("RDG_CLAIM", "").rpartition("@")
    is_launcher = _role.is_launcher(command) or _starts_jobs(config, command)
    if not is_launcher and not _role.in_ranks(number, config["ranks"]):
        return None
    is_program = (
        # A program that becomes another Python (exec) is the program still.
        (claimed != key or claimant == str(os.getpid()))
        and not is_launcher
        and not _role.is_helper(command)
        and (
            _is_command(config)
            or (
                _role.matches(command, config["programs"])
                if config["programs"]
                else _role.is_named(command, config["command"]) or _role.is_own_code(command)
            )
        )
    )
    if is_program and not _role.is_there(command):
        return None
    if is_program:
        # Its children are helpers, unless a launcher gives them ranks of their own.
        os.environ["RDG_CLAIM"] = "%s@%d" % (key, os.getpid())
    return _install(config, words, is_program)


def _same_job(config):
    # type: (dict) -> bool
    """False in a job that was submitted from below ``rdg debug`` (a nested ``sbatch``)."""
    job = _job.raw_id(_job.scheduler())
    return job == config["job"] or (config["job"] is None and config["follow"])


def _starts_jobs(config, command):
    # type: (dict, _command.Command) -> bool
    """Whether this is a scheduler's launcher (``flux run``) that is written in Python: the process that
    rdg became, as long as it is in no other job than rdg, and no program that follows its name."""
    return (
        config["follow"]
        and _job.raw_id(_job.scheduler()) == config["job"]
        and not _role.is_named(command, config["command"][1:])
        and _is_command(config)
    )


def _is_command(config):
    # type: (dict) -> bool
    """Whether this is the process that rdg itself became, or its child where it couldn't."""
    from . import _record

    pid = os.getppid() if config["spawned"] else os.getpid()
    return pid == config["pid"] and _record.start_time(pid) == config["start"]


def _install(config, words, is_program):
    # type: (dict, list, bool) -> object
    from . import _session

    modes = config["modes"]
    folder = _need_debugpy(config) if is_program else None
    session = _session.Session(config, list(sys.path), folder)
    _session.adopt(session)
    if "lite" in modes or "wait" in modes:
        # The moment as well: when it is wanted, nothing may be imported any more.
        from . import _moment, _signals, _stacks  # noqa: F401

        # First, so that the program is shown what the stack signal did before rdg.
        _signals.install(config["signal"], config["stackSignal"], on_wake)
        session.stack = _stacks.install(config["stackSignal"])
    if "post-mortem" in modes and is_program:
        from . import _crash

        _crash.install(session.on_crash)
        if any(os.path.basename(word) in ("pytest", "py.test") for word in words):
            _announce_to_pytest()
    if not is_program:
        return None
    if "wait" in modes:
        return lambda: _wait(session)
    session.record.write()
    if not config["quiet"]:
        from . import _say

        if "lite" in modes:
            _say.write(armed_text(session.record.values))
        if "post-mortem" in modes and session.record.values["rank"] == 0:
            from . import _launcher

            # Once a program, while its flags can still be changed cheaply.
            for line in (_launcher.reaction(session.record.values) or "").splitlines():
                _say.note(line)
    return None


def on_wake(frame):
    # type: (object) -> None
    """The wake signal's handler; a forked child has a session of its own."""
    from . import _moment, _session, _signals

    session = _session.current()
    if session.busy or session.is_waiting_here() or _signals.is_handling(frame):
        session.on_another_wake()
    elif not _moment.has_threads():
        from . import _say

        _say.note("Cannot stop this program: gevent or eventlet stands in for Python's threads in it")
    elif session.is_stopped_here():
        pass  # at a breakpoint, say; put off, the wake would stop the program once more when it goes on
    elif session.closed or _moment.is_good(frame, session.config["signal"]):
        session.on_wake()


def _announce_to_pytest():
    # type: () -> None
    """No exception of a test reaches any hook: a plugin opens there. It puts the variable back."""
    names = os.environ.get("PYTEST_PLUGINS")
    os.environ["PYTEST_PLUGINS"] = (names + "," if names else "") + "remote_debug._pytest"


def armed_text(values):
    # type: (dict) -> str
    """What a lite program says when it starts; one piece, as many ranks may share one output."""
    job = values["job"]
    rank = ""
    if values["rank"] is not None:
        rank = "  Rank:    %d%s\n" % (
            values["rank"],
            " of %d" % values["worldSize"] if values["worldSize"] else "",
        )
    return (
        "[Lite Debugger] Armed and ready!\n"
        "  Job ID:  %s\n"
        "  PID:     %d\n"
        "%s"
        "\n"
        "To activate the debugger, run:\n"
        "  rdg attach %s\n\n" % (job["display"], values["pid"], rank, job["display"])
    )


def _need_debugpy(config):
    # type: (dict) -> object
    """Finds debugpy, or ends the process with advice where there is none: now, not in three hours."""
    from . import _find, _say

    folder = _find.find(config)
    if folder is not None:
        return folder
    message, hint = _find.advice(config)
    if _job.job_id(_job.scheduler()) is None:
        outcome = _find.install(config)
        if isinstance(outcome, str):
            return outcome
        message += "\n" + "\n".join("  " + line for line in outcome)  # type: ignore
    return _say.fail(message, hint, 3)  # type: ignore


def _wait(session):
    # type: (object) -> None
    """The first mode: listen and wait, last of all that ``site`` does."""
    from . import DebuggerUnavailable, _debugpy, _say

    try:
        session.listen("listening")  # type: ignore
        limit = session.limit(0)  # type: ignore
        session.show_paused(limit)  # type: ignore
        if not session.wait(limit, 0):  # type: ignore
            _say.note("%s: the program goes on" % session.why_alone())  # type: ignore
        elif session.config["stopOnEntry"]:  # type: ignore
            _debugpy.stop_on_entry()
    except DebuggerUnavailable as error:
        message, _, hint = str(error).partition(". Try: ")
        _say.fail(
            "Cannot start the debugger: " + message,
            hint or "another port with --port, or none for any free one",
            1,
        )
    except KeyboardInterrupt:
        _end_by_interrupt(session)


def _end_by_interrupt(session):
    # type: (object) -> None
    """Ends the process as Ctrl-C ends one that hasn't begun: inside ``site`` Python would call it a
    fatal error of its own."""
    import _signal

    session.close()  # type: ignore
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    os.kill(os.getpid(), _signal.SIGINT)
