"""Hooks of the program's own: what it sets is what it sees and what is called."""
import sys
import threading
from unittest import mock


def hook(kind, value, trace):
    print("own hook", kind.__name__, value, trace.tb_lineno > 0, flush=True)


def second(kind, value, trace):
    print("second hook", kind.__name__, flush=True)


def ending(kind, value, trace):
    print("ending", flush=True)
    sys.exit(3)


def thread_hook(args):
    print("thread hook", args.exc_type.__name__, args.thread.name, flush=True)


def fail():
    raise ValueError("in a thread")


default = sys.excepthook
default_thread = threading.excepthook
print(default is sys.__excepthook__)
sys.excepthook = hook
print(sys.excepthook is hook, vars(sys)["excepthook"] is not None)
with mock.patch("sys.excepthook", second):
    print(sys.excepthook is second)
    with mock.patch.object(sys, "excepthook") as inner:
        print(sys.excepthook is inner)
    print(sys.excepthook is second)
print(sys.excepthook is hook)
sys.excepthook = default
print(sys.excepthook is sys.__excepthook__)
with mock.patch("sys.excepthook", second):
    pass
print(sys.excepthook is sys.__excepthook__)
with mock.patch("threading.excepthook", thread_hook):
    print(threading.excepthook is thread_hook)
    thread = threading.Thread(target=fail, name="one")
    thread.start()
    thread.join()
print(threading.excepthook is default_thread)
way = sys.argv[1]
if way == "thread":
    thread = threading.Thread(target=fail, name="two")
    thread.start()
    thread.join()
    sys.exit(6)
if way == "none":
    sys.exit(0)
if way == "delete":
    del sys.excepthook
    try:
        print(sys.excepthook)
    except AttributeError as error:
        print("AttributeError", str(error)[-12:])
    sys.exit(0)
sys.excepthook = {"own": hook, "ending": ending, "none": None}[way]
raise RuntimeError("the end")
