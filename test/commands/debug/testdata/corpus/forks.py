"""fork, exec, daemonize, closing everything."""
import os
import sys

way = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
print("before", flush=True)
if way == "fork":
    for code in (0, 5):
        pid = os.fork()
        if pid == 0:
            if code:
                sys.stderr = open(os.devnull, "w")
                os.dup2(sys.stderr.fileno(), 2)
                raise ValueError("a child that fails")
            print("child", flush=True)
            sys.exit(0)
        print(os.waitpid(pid, 0)[1], flush=True)
if way == "exec":
    os.execvp("sh", ["sh", "-c", "echo becoming; exit 6"])
if way == "python":
    os.execv(sys.executable, [sys.executable, "-c", "import sys; print(sys.argv); sys.exit(8)", "again"])
if way == "itself":
    if os.environ.get("AGAIN"):
        print("again", len(sys.path), sys.argv)
        sys.exit(2)
    os.environ["AGAIN"] = "1"
    os.execv(sys.executable, [sys.executable] + sys.argv)
if way == "close":
    os.closerange(3, 70000)
    fds = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    print(fds)
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    pid = os.fork()
    if pid == 0:
        os._exit(4)
    print(os.waitpid(pid, 0)[1])
    os.close(2)
    sys.exit(5)
if way == "all":
    os.write(1, b"all closed\n")
    os.closerange(0, 70000)
    os._exit(11)
if way == "daemon":
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.closerange(3, 4096)
    import time

    with open(os.path.join(os.environ["DAEMON"], "pid"), "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
