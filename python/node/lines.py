"""The lines that arm a running process when it runs them, and what it says of it.

Standard library only, Python 3.6 or later; the lines have to parse on every Python, and end well
whatever happens: an error would come up in the midst of the program.
"""

import json

from process import Refused

#: Stands for the address of the answer in the lines for memory; gdb writes the digits over it.
BLANK = "0" * 20

#: Runs with names of its own: nothing is left among the program's.
LINES = '''\
try:
    exec(%r, {"__name__": "rdg_inject", "at": int("%s")})
except BaseException:
    pass
'''
#: ``at`` is where in memory the answer goes, or 0 for a file.
CODE = '''\
import sys
def say(text):
    data = text.encode("utf-8", "replace")[:2000] + b"\\0"
    if at:
        file = open("/proc/self/mem", "r+b", 0)
        file.seek(at)
    else:
        file = open(answer, "wb", 0)
    file.write(data)
    file.close()
folder = %(folder)r
answer = %(answer)r
try:
    if sys.version_info < (3, 8):
        raise RuntimeError("it is Python %%d.%%d, rdg needs 3.8 or newer" %% sys.version_info[:2])
    sys.path.insert(0, folder)
    try:
        from remote_debug import _inject
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    say(_inject.arm(%(config)r))
except KeyboardInterrupt:
    import _thread
    _thread.interrupt_main()
except BaseException as error:
    say("error " + (str(error) or type(error).__name__))
'''
#: Around them in a file, which may be read at any time later. ``done``: no longer needed. ``late``: nobody
#: reads the answer any more, so the folder goes.
IN_FILE = '''\
import posix
place = %(place)r
def there(name):
    return name in posix.listdir(place)
if not there("done"):
    exec(%(code)r)
if there("late"):
    for name in posix.listdir(place):
        posix.unlink(place + "/" + name)
    posix.rmdir(place)
'''


def for_memory(options):
    """The lines as bytes, with a blank in the place of the address."""
    return _encode(LINES % (_code(options, ""), BLANK))


def for_file(options, place, answer):
    """The lines for a file in the folder ``place``, as the process sees it."""
    code = IN_FILE % {"place": place, "code": _code(options, answer)}
    return _encode(LINES % (code, "0"))


def _code(options, answer):
    return CODE % {
        "folder": options["folder"],
        "answer": answer,
        "config": json.dumps(options["config"]),
    }


def _encode(text):
    return text.encode("ascii", "backslashreplace")


def judge(answer):
    """Whether the process has said something, as bytes up to the first zero.

    :raises Refused: it said that it failed.
    """
    if b"\0" not in answer or answer.startswith(b"\0"):
        return False
    said = answer.split(b"\0")[0].decode("utf-8", "replace")
    if said.startswith("error "):
        raise Refused("cannot-inject", said[6:])
    return True
