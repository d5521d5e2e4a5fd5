"""faulthandler, warnings, threads, tracemalloc, logging: used by the program itself."""
import faulthandler
import logging
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings

print(faulthandler.is_enabled())
with tempfile.TemporaryFile() as file:
    faulthandler.enable(file)
    faulthandler.dump_traceback(file, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file)
    signal.raise_signal(signal.SIGUSR1)
    faulthandler.dump_traceback_later(60, file=file)
    faulthandler.cancel_dump_traceback_later()
    faulthandler.unregister(signal.SIGUSR1)
    file.seek(0)
    print([line for line in file.read().decode().splitlines() if "tools.py" in line][-2:])
faulthandler.disable()
faulthandler.enable()
warnings.warn("a warning", UserWarning)
logging.warning("logged")
local = threading.local()
results = []


def work(n):
    local.n = n
    time.sleep(0.01)
    results.append((local.n, threading.current_thread().name, threading.current_thread() is threading.main_thread()))


threads = [threading.Thread(target=work, args=(n,), name="t%d" % n) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results), threading.active_count(), [t.name for t in threading.enumerate()])
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
traceback.print_stack()
traceback.print_stack(file=sys.stdout)
sys.stdout.buffer.write(bytes(range(256)))
sys.stdout.flush()
