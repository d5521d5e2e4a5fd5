"""The program of the door's tests.

Takes its options as one JSON line on standard input (bind, port, token, auth, subprocess, wait),
listens, says where as a JSON line, waits for a client, and then does what each further line asks
for, until the input ends.
"""

import json
import os
import subprocess
import sys

from remote_debug import _adapter


def say(**fact):
    print(json.dumps(fact), flush=True)


def work(number):
    total = number
    total += 1  # breakpoint
    return total


def child():
    return "child of %d" % os.getppid()  # breakpoint in a child


def main():
    options = json.loads(sys.stdin.readline())
    try:
        host, port = _adapter.listen(
            options.get("bind", "127.0.0.1"),
            options.get("port", 0),
            options.get("token"),
            auth=options.get("auth", True),
            subprocess=options.get("subprocess", False),
        )
    except Exception as error:
        say(error=str(error), kind=type(error).__name__, errno=getattr(error, "errno", None))
        return
    say(host=host, port=port, pid=os.getpid())
    if options.get("wait", True):
        import debugpy

        debugpy.wait_for_client()
        say(attached=True)
    # The descriptor itself: reading ahead would hide what a stop interrupts.
    for line in iter(sys.stdin.readline, ""):
        word = line.strip()
        if word == "work":
            say(work=work(41))
        elif word == "child":
            done = subprocess.run([sys.executable, __file__, "child"], stdout=subprocess.PIPE)
            say(child=done.stdout.decode().strip(), status=done.returncode)
        elif word == "orphan":
            # The child lives on for as long as the test holds the program's input open.
            if os.fork() == 0:
                sys.stdin.readline()
            os._exit(0)
        else:
            say(unknown=word)


if __name__ == "__main__":
    if sys.argv[1:] == ["child"]:
        print(child())
    else:
        main()
