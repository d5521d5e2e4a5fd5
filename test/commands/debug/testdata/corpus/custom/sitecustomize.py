import sys

print("own sitecustomize", __name__, __file__.rsplit("/", 2)[-2:], [p.rsplit("/", 1)[-1] for p in sys.path[:1]])
