# What an interpreter older than 3.8 is told. Has to parse on Python 2.7.
import os
import sys


def arm():
    # Only the command itself is worth an error: helpers of another program just run.
    config = os.environ.get("RDG_CONFIG", "")
    if '"pid":%d,' % os.getpid() in config.replace(" ", ""):
        os.write(
            2,
            (
                'Cannot debug with "%s": it is Python %d.%d, rdg needs 3.8 or newer\n'
                "Try: a newer interpreter in the same environment\n"
                % ((sys.executable,) + tuple(sys.version_info[:2]))
            ).encode("utf-8"),
        )
        os._exit(2)
    return None
