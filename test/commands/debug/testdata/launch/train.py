"""A rank, or a program without one, with children of its own."""
import multiprocessing
import os
import subprocess
import sys


def square(n):
    return n * n


if __name__ == "__main__":
    rank = os.environ.get("RANK", "-")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print("rank", rank, pool.map(square, [3]), flush=True)
    subprocess.run([sys.executable, "child.py"], check=True)
    subprocess.run(["bash", "-c", "exec python child.py"], check=True)
