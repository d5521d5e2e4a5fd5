"""Everything about this process that a program could notice."""
import atexit
import gc
import os
import pickle
import resource
import signal
import site
import sys
import threading

main = sys.modules["__main__"]


def say(name, value):
    print("%s = %r" % (name, value))


def free(name):
    return not name.startswith(("RDG_", "PYTHONPATH")) and name != "_"


class Mine:
    pass


say("argv", sys.argv)
say("orig_argv", getattr(sys, "orig_argv", None))
say("path", sys.path)
say("flags", sys.flags)
say("options", (sys.warnoptions, sys._xoptions))
say("main", sorted((k, str(v)) for k, v in vars(main).items() if k in ("__name__", "__file__", "__package__", "__doc__")))
say("spec", getattr(vars(main)["__spec__"], "name", None))
say("environment", sorted((k, v) for k, v in os.environ.items() if free(k)))
say("limits", [(n, resource.getrlimit(getattr(resource, n))) for n in sorted(dir(resource)) if n.startswith("RLIMIT_")])
say("umask", os.umask(0o22))
say("descriptors", sorted(int(n) for n in os.listdir("/proc/self/fd") if "rdg-stack" not in os.path.realpath("/proc/self/fd/" + n) and int(n) < 1000))
say("inheritable", [fd for fd in range(200) if os.path.exists("/proc/self/fd/%d" % fd) and os.get_inheritable(fd)])
say("blocking", [os.get_blocking(fd) for fd in (0, 1, 2)])
with open("/proc/self/status") as file:
    fields = dict(line.split(":", 1) for line in file)
ours = sum(1 << (number - 1) for number in (40, 41))
say("blocked", fields["SigBlk"].strip())
# 32 and 33 are the C library's own.
say("ignored", hex(int(fields["SigIgn"], 16) & ~(3 << 31)))
say("caught", hex(int(fields["SigCgt"], 16) & ~ours))
say("name", fields["Name"].strip())
say("threads", fields["Threads"].strip())
say("handlers", [(int(n), str(signal.getsignal(n))) for n in sorted(signal.valid_signals())])
say("hooks", (sys.excepthook is sys.__excepthook__, sys.excepthook, sys.gettrace(), sys.getprofile()))
say("thread hook", threading.excepthook.__name__)
say("modules", (repr(sys), repr(threading).split(" from")[0]))
say("meta_path", [getattr(m, "__name__", type(m).__name__) for m in sys.meta_path])
say("site", (site.ENABLE_USER_SITE, site.PREFIXES))
say("interpreter", (sys.executable, sys.prefix, sys.base_prefix, sys.dont_write_bytecode))
say("encodings", (sys.stdin.encoding, sys.stdout.encoding, sys.getfilesystemencoding(), sys.stdout.line_buffering))
say("session", (os.getpid() == os.getpgid(0), os.isatty(0), os.nice(0)))
say("gc", (gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit()))
say("pickle", type(pickle.loads(pickle.dumps(Mine()))) is Mine)
say("sitecustomize", "sitecustomize" in sys.modules and sys.modules["sitecustomize"].__file__)
say("stdin", sys.stdin.read() if sys.argv[1:] == ["read"] else None)
say("last", sys.exc_info())
atexit.register(print, "first")
atexit.register(print, "second")
