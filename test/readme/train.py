"""A small training loop: fits a line to points by gradient descent. Standard library only."""

import argparse
import random
import time


def batch(rng, size=32):
    xs = [rng.uniform(-1, 1) for _ in range(size)]
    return [(x, 3 * x - 2) for x in xs]


def step(model, points, rate=0.2):
    weight, bias = model
    errors = [(weight * x + bias - y, x) for x, y in points]
    loss = sum(error * error for error, _ in errors) / len(errors)
    weight -= rate * 2 * sum(error * x for error, x in errors) / len(errors)
    bias -= rate * 2 * sum(error for error, _ in errors) / len(errors)
    return (weight, bias), loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0, help="seconds after each epoch")
    options = parser.parse_args()
    rng, model = random.Random(7), (0.0, 0.0)
    for epoch in range(options.epochs):
        model, loss = step(model, batch(rng))
        print("epoch %d: loss %.4f" % (epoch, loss), flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    main()
