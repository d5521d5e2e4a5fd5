"""Starts commands in turn, round after round, and says how long each took.

Standard input: {"rounds": N, "commands": {name: {"words": […], "env": {…}, "every": M}}}, where M is 5
for a command that takes part in every fifth round; standard output: by name the wall time and the processor time (its own and that of the children it waited for) of each run, in
milliseconds. A program of its own, so that what it measures is not its own event loop.
"""

import json
import os
import sys
import time


def run(words, env):
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    begin = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, env, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(null)
    if status != 0:
        raise SystemExit("status %d from: %s" % (status, " ".join(words)))
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def main():
    task = json.load(sys.stdin)
    result = {name: {"wall": [], "cpu": []} for name in task["commands"]}
    for turn in range(-2, task["rounds"]):  # the first two fill the caches
        for name, command in task["commands"].items():
            if turn % command["every"] != 0:
                continue
            wall, cpu = run(command["words"], dict(os.environ, **command["env"]))
            if turn >= 0:
                result[name]["wall"].append(wall)
                result[name]["cpu"].append(cpu)
    json.dump(result, sys.stdout)


main()
