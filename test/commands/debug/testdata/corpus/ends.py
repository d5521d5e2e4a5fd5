"""Ends in the way that is asked for."""
import os
import signal
import sys

way = sys.argv[1]
print("before", flush=True)
if way == "code":
    sys.exit(42)
if way == "text":
    sys.exit("a text")
if way == "signal":
    os.kill(os.getpid(), int(sys.argv[2]))
if way == "abort":
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()
if way == "interrupt":
    raise KeyboardInterrupt
if way == "quick":
    os._exit(3)
if way == "pipe":
    # Unbuffered: what is left in a buffer when the reader goes depends on the moment.
    for number in range(100000):
        os.write(1, b"%d\n" % number)
if way == "assert":
    signal.alarm(30)
    assert 1 == 2, "wrong"
if way == "atexit":
    import atexit

    atexit.register(print, "one")
    atexit.register(print, "two")
if way == "syntax":
    exec("def")
if way == "recursion":
    def deep():
        deep()

    deep()
