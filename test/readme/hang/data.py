import ctypes
def load_batch(rank):
    open("at-%d" % rank, "w").close()
    if rank == 5:
        ctypes.PyDLL(None).sleep(10000)
    return [rank]
