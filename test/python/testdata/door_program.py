"""The program of the door's tests.

Takes its options as one JSON line on standard input (bind, port, token, auth, subprocess, wait,
handler: to do it all within a signal handler, retry: with any port if that one is taken, report: to
say the door's events), listens, says where as a JSON line, waits for a client, and then does what each further line asks
for, until the input ends.
"""

import json
import os
import signal
import socket
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


def listen(options):
    def attempt(port):
        return _adapter.listen(
            options.get("bind", "127.0.0.1"),
            port,
            options.get("token"),
            auth=options.get("auth", True),
            subprocess=options.get("subprocess", False),
            report=(lambda event: say(**event)) if options.get("report") else None,
        )

    try:
        host, port = attempt(options.get("port", 0))
    except OSError:
        if not options.get("retry"):
            raise
        host, port = attempt(0)
    say(host=host, port=port, pid=os.getpid())
    if options.get("wait", True):
        import debugpy

        debugpy.wait_for_client()
        say(attached=True)


def main():
    options = json.loads(sys.stdin.readline())
    # What a program may have done before, and what mustn't matter.
    socket.setdefaulttimeout(0.5)
    try:
        if options.get("handler"):
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, lambda *_: listen(options))
            os.kill(os.getpid(), signal.SIGUSR1)
        else:
            listen(options)
    except Exception as error:
        say(error=str(error), kind=type(error).__name__, errno=getattr(error, "errno", None))
        return
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
