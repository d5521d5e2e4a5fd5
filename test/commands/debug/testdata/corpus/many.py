"""multiprocessing by all its ways, with a class of __main__."""
import multiprocessing
import os
import sys


class Item:
    def __init__(self, value):
        self.value = value


def double(item):
    return Item(item.value * 2)


def facts(_):
    import signal

    return (
        sys.argv,
        len(sys.path),
        sys.excepthook is sys.__excepthook__,
        str(signal.getsignal(40)),
        multiprocessing.current_process().name.split("-")[0],
        sorted(k for k in os.environ if not k.startswith(("RDG_", "PYTHONPATH"))),
    )


def fail():
    raise SystemExit(9)


def crash():
    sys.stderr = open(os.devnull, "w")
    raise ValueError("in a child")


if __name__ == "__main__":
    for way in ("fork", "forkserver", "spawn"):
        context = multiprocessing.get_context(way)
        with context.Pool(2) as pool:
            print(way, [item.value for item in pool.map(double, [Item(1), Item(2)])], pool.map(facts, [0]))
        for target in (fail, crash):
            process = context.Process(target=target)
            process.start()
            process.join()
            print(way, target.__name__, process.exitcode)
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1) as executor:
        print(executor.submit(double, Item(4)).result().value)
