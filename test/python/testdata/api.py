"""Uses the Python API in the way that is asked for; says on stdout what came of it."""
import json
import os
import sys
import threading

import remote_debug


def say(*what):
    print(json.dumps(what), flush=True)


def start(**more):
    try:
        given = remote_debug.start_debugger(**more)
        say("started", given)
        return given
    except remote_debug.DebuggerUnavailable as error:
        say("unavailable", str(error))
    return None


def pause(mark):
    remote_debug.pause()
    say("paused", mark)


way = sys.argv[1]
say("before", "debugpy" in sys.modules, threading.active_count())
if way == "nothing":
    sys.exit(0)
if way == "go":
    first = start(wait=False)
    second = start(wait=False)
    say(first == second)
if way == "wait":
    start()
    mine = 1
    pause(mine)
    mine = 2
    pause(mine)
if way == "twice":
    say(start() == start())
if way == "thread":

    def work():
        inside = 5
        start()
        pause(inside)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
if way == "fork":
    start(wait=False)
    pid = os.fork()
    if pid == 0:
        child = 3
        start(wait=False)
        pause(child)
        os._exit(7)
    say("child", os.waitpid(pid, 0)[1] >> 8)
if way == "pause":
    pause("here")
sys.exit(4)
