"""``python -m remote_debug [flags] script.py|-m module|-c code [args…]``: ``rdg debug`` without Deno.

For machines where Deno can't run (an old glibc, a small ``ulimit -v``). Becomes the same interpreter
with the rest of the command line, armed through the environment exactly as ``rdg debug`` does it.
"""

import argparse
import os
import sys

from . import __version__, _command, _config, _job, _record, _say


def main(words):
    # type: (list) -> None
    """Reads the flags and replaces the process; returns never."""
    own = _command.parse(words)
    parser = _parser()
    at = _program_at(own.args, parser)
    options = parser.parse_args(own.args[:at])
    rest = own.args[at:]
    if not rest:
        parser.error("name a script, -m MODULE or -c CODE")
    flags = _interpreter_flags(own.options)
    argv = [sys.executable] + flags + rest
    config = dict(_config.DEFAULTS)
    modes = (["lite"] if options.lite else []) + (["post-mortem"] if options.post_mortem else [])
    row = _job.scheduler()
    config.update(
        modes=modes or ["wait"],
        stopOnEntry=options.stop_on_entry,
        port=options.port,
        bind=options.bind,
        signal=options.signal,
        stackSignal=options.stack_signal,
        waitTimeout=options.wait_timeout,
        programs=options.program,
        subprocess=options.subprocess,
        ranks=options.rank,
        quiet=options.quiet,
        auth=not options.no_auth,
        job=_job.raw_id(row),
        pid=os.getpid(),
        start=_record.start_time(),
        command=_command.head(argv),
    )
    read = _config.complete(config)
    if read["signal"] == read["stackSignal"]:
        parser.error("--signal and --stack-signal must be two different ones")
    site = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_site")
    # An empty PYTHONPATH is none, but an empty entry of it is the current folder.
    path = os.environ.get("PYTHONPATH")
    rest = [entry for entry in path.split(os.pathsep) if not _is_site(entry)] if path else []
    os.environ["PYTHONPATH"] = os.pathsep.join([site] + rest)
    os.environ["RDG_CONFIG"] = _record.dump(config)
    os.environ.pop("RDG_CLAIM", None)
    os.execv(sys.executable, argv)


def _is_site(entry):
    # type: (str) -> bool
    """Whether an entry of PYTHONPATH is that of an rdg further up."""
    return entry.endswith("/remote_debug/_site")


def _program_at(words, parser):
    # type: (list, argparse.ArgumentParser) -> int
    """Where rdg's own flags end and the program begins: at a path, ``-m`` or ``-c``."""
    takes_value = set()
    for action in parser._actions:
        if action.nargs != 0:
            takes_value.update(action.option_strings)
    index = 0
    while index < len(words):
        word = words[index]
        if word == "-" or not word.startswith("-") or word[:2] in ("-m", "-c"):
            break
        index += 2 if word in takes_value else 1
    return index


def _interpreter_flags(options):
    # type: (list) -> list
    """The interpreter's own flags to pass on; refuses those that would keep the program from being armed."""
    for word in options:
        letters = word[1:].replace("X", "W").partition("W")[0]
        if word.startswith("-") and not word.startswith("--") and set(letters) & set("IES"):
            _say.fail(
                'Cannot debug with "%s": the interpreter then ignores PYTHONPATH, by which rdg gets in' % word,
                "leave %s away, or call remote_debug.start_debugger() in the program" % word,
                2,
            )
    return options


def _ranks(text):
    # type: (str) -> list
    ranges = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()) or int(last or first) < int(first):
            raise argparse.ArgumentTypeError("want ranks such as 0,3-5, got %r" % text)
        ranges.append([int(first), int(last or first)])
    return ranges


def _signal(text):
    # type: (str) -> int
    import signal

    name = text.upper()
    if name.startswith("SIG"):
        name = name[3:]
    base, plus, offset = name.partition("+")
    if base == "RTMIN" and (not plus or offset.isdigit()):
        number = signal.SIGRTMIN + int(offset or 0)
    else:
        number = int(name) if name.isdigit() else int(getattr(signal, "SIG" + name, 0)) if name.isalnum() else 0
    if number not in signal.valid_signals() or number in (signal.SIGKILL, signal.SIGSTOP):
        raise argparse.ArgumentTypeError("want a signal that can be caught, such as RTMIN+6, got %r" % text)
    return number


def _seconds(text):
    # type: (str) -> float
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError("want seconds, 0 for no limit, got %r" % text)
    return value


def _port(text):
    # type: (str) -> int
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("want a port from 0 to 65535, got %r" % text)
    return int(text)


def _parser():
    # type: () -> argparse.ArgumentParser
    parser = argparse.ArgumentParser(
        prog="python -m remote_debug",
        description="Start a Python program so that an editor can debug it.",
        usage="python -m remote_debug [flags] script.py|-m MODULE|-c CODE [args...]",
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version="remote_debug " + __version__)
    add = parser.add_argument
    add("-l", "--lite", action="store_true", help="run at full speed until woken by a signal")
    add("-p", "--post-mortem", action="store_true", help="open at an exception that nobody caught")
    add("--stop-on-entry", action="store_true", help="stop on the program's first line")
    add("--port", type=_port, default=0, help="listen on this port (default: any free one)")
    add("--bind", default="0.0.0.0", metavar="ADDRESS", help="listen on this address (default: all)")
    add("--signal", type=_signal, default=0, help="signal that wakes the program (default: RTMIN+6)")
    add("--stack-signal", type=_signal, default=0, help="signal for its stacks (default: RTMIN+7)")
    add("--wait-timeout", type=_seconds, metavar="SECONDS", help="wait no longer for an editor (0: no limit)")
    add("--program", action="append", default=[], metavar="GLOB", help="scripts or modules that wait")
    add("--subprocess", action="store_true", help="have debugpy follow child processes")
    add("--rank", type=_ranks, metavar="LIST", help="only these ranks take part, e.g. 0,3-5")
    add("--no-auth", action="store_true", help="let in whoever reaches the port, without the token")
    add("--quiet", action="store_true", help="print only what is needed to connect")
    return parser


if __name__ == "__main__":
    main(_command.original())
