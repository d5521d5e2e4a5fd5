"""A small training loop: fits a line to points by gradient descent. Standard library only."""

import random
import sys


def batches(count, size):
    rng = random.Random(7)
    for step in range(count):
        xs = [rng.uniform(-1, 1) for _ in range(size)]
        yield step, [(x, 3 * x - 2 + rng.gauss(0, 0.01)) for x in xs]


def train(epochs, rate):
    weight, bias = 0.0, 0.0
    for step, batch in batches(epochs, 32):
        errors = [(weight * x + bias - y, x) for x, y in batch]
        loss = sum(e * e for e, _ in errors) / len(errors)
        weight -= rate * 2 * sum(e * x for e, x in errors) / len(errors)
        bias -= rate * 2 * sum(e for e, _ in errors) / len(errors)
        if step % 50 == 0:
            print("step %3d  loss %.4f" % (step, loss), flush=True)
    return weight, bias


if __name__ == "__main__":
    weight, bias = train(int(sys.argv[1]), 0.1)
    print("weight %.2f  bias %.2f" % (weight, bias))
    sys.exit(0 if abs(weight - 3) < 0.1 else 3)
