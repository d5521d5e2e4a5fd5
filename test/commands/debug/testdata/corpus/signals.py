"""Handlers of the program's own, for rdg's two signals as well."""
import os
import signal
import sys
import time

seen = []


def handler(number, frame):
    seen.append((int(number), frame.f_code.co_name))


def send(number):
    os.kill(os.getpid(), number)
    for _ in range(200):
        if seen and seen[-1][0] == number:
            break
        time.sleep(0.01)


def wake():
    send(40)


for number in (10, 12, 40, 41, 42):
    print(signal.getsignal(number), signal.signal(number, handler), signal.getsignal(number) is handler)
for number in (10, 12, 41, 42):
    send(number)
if "wake" in sys.argv:
    wake()
for number in (10, 12, 40, 41, 42):
    print(signal.signal(number, signal.SIG_IGN) is handler, signal.getsignal(number))
send_ignored = os.kill(os.getpid(), 41)
for number in (10, 12, 40, 41, 42):
    print(signal.signal(number, signal.SIG_DFL), signal.getsignal(number))
for wrong in (0, 99, 9, -1):
    try:
        signal.signal(wrong, handler)
    except (ValueError, OSError) as error:
        print(wrong, type(error).__name__, error)
for wrong in (None, 5, "x"):
    try:
        signal.signal(40, wrong)
    except (TypeError, ValueError) as error:
        print(wrong, type(error).__name__, error)
print(signal.getsignal(40))
try:
    signal.signal("40", handler)
except TypeError as error:
    print("TypeError")
import threading


def other():
    try:
        signal.signal(40, handler)
    except ValueError as error:
        print("ValueError", error)


thread = threading.Thread(target=other)
thread.start()
thread.join()
if "wake" in sys.argv:
    signal.signal(40, handler)
    send(40)
print(seen)
if "alarm" in sys.argv:
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    print(seen[-1][0])
