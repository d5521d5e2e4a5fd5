"""What is printed inside the job. Writes to descriptor 2, never through ``print`` or ``sys.stderr``.

A signal handler may run while the program itself is printing; ``os.write`` is safe there, and a
program that has replaced ``sys.stderr`` still gets the lines where its job's output goes.
"""

import os

_write = os.write  # eventlet puts one in place that may not be called everywhere


def write(text):
    # type: (str) -> None
    """Writes text to stderr, whole; a closed or full stderr is no error."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[_write(2, data) :]
    except OSError:
        pass


def note(line):
    # type: (str) -> None
    """One line from rdg in the midst of the program's output."""
    write("[rdg] " + line + "\n")


def fail(message, hint, code):
    # type: (str, str, int) -> None
    """Says what is wrong and ends the process, before the program's own code has begun."""
    write(message + "\nTry: " + hint + "\n")
    os._exit(code)
