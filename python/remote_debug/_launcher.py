"""What the launcher of a parallel program does when one of its ranks ends badly, and how to have it
let the others go on. Data and words only.

Tried, each with and without the flags: Slurm 22.05's srun, Open MPI 4.1.4's and MPICH 4.0.2's mpirun, and
torchrun of PyTorch 1.12 (which knows the flag with underscores only).
"""

#: By the launcher's name in the table of ranks: what it is called, and the flags.
_LAUNCHERS = {
    "srun": ("srun", "srun --kill-on-bad-exit=0 --wait=0"),
    "torchrun": ("torchrun", "torchrun --monitor_interval=3600 (it then notices the end late as well)"),
    "mpirun": ("mpirun", "Open MPI 4: mpirun --enable-recovery"),
    "mpiexec": ("mpiexec", "MPICH: mpiexec -disable-auto-cleanup"),
}


def reaction(values):
    # type: (dict) -> object
    """One or two lines about a rank's launcher, or None for a program that has no other ranks.

    :param values: the session record.
    """
    known = _LAUNCHERS.get(values["launcher"])
    if known is None or (values["worldSize"] or 0) < 2:
        return None
    return (
        "When one rank ends with an error, %s may end all the others, also one that waits for you.\n"
        "To keep them: %s" % known
    )
