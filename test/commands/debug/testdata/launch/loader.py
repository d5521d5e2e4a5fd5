"""A data set read by forked workers, as torch's DataLoader does it."""
import multiprocessing
import sys
import threading


def get(index):
    value = index * 2
    return value


def worker(asked, answers):
    for index in iter(asked.get, None):
        answers.put(get(index))


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    asked, answers = context.Queue(), context.Queue()
    print(get(20), flush=True)
    workers = [context.Process(target=worker, args=(asked, answers)) for _ in range(2)]
    for process in workers:
        process.start()
    for index in [1, 2, 3, None, None]:
        asked.put(index)
    print(sorted(answers.get(timeout=20) for _ in range(3)), flush=True)
    for process in workers:
        process.join(20)
    print([process.exitcode for process in workers], flush=True)
    print(get(21), flush=True)
    sys.exit(3)
