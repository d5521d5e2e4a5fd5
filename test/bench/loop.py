"""The program of debug.ts: does as much work as it is told to, where it is told to.

Each line on standard input names a thread: "main", "thread" (one that ran before anybody attached) or
"new" (one that starts now). The answer is the processor time of that thread, in milliseconds: other
programs on the machine don't count.
"""

import queue
import sys
import threading
import time

CALLS = 50000


def tiny(number):
    return number + 1


def work():
    number = 0
    for _ in range(CALLS):
        number = tiny(number)
    return number


def measured():
    begin = time.thread_time()
    work()
    return (time.thread_time() - begin) * 1000


def serve():
    while True:
        asked.get()
        told.put(measured())


def once():
    told.put(measured())


asked, told = queue.Queue(), queue.Queue()
threading.Thread(target=serve, daemon=True).start()
print("ready", flush=True)
while True:
    where = sys.stdin.readline().strip()
    if where == "main":
        took = measured()
    elif where == "thread":
        asked.put(None)
        took = told.get()
    elif where == "new":
        thread = threading.Thread(target=once)
        thread.start()
        thread.join()
        took = told.get()
    else:
        break
    print(took, flush=True)
