"""What this process is to rdg: the program, a rank, a launcher, a helper, or not rdg's business.

Who waits in the first mode: COMMAND itself, and each process to which a launcher gives a rank of its
own; below any other COMMAND the programs among its children. A worker that waited would hang the job.
"""

import os

from ._command import Command

#: Python programs that start ranks or another program, by script or module name.
_LAUNCHERS = frozenset(
    "torchrun accelerate deepspeed horovodrun conda mamba micromamba poetry pdm hatch pipenv pixi tox nox uv "
    "conda.cli torch.distributed.run torch.distributed.launch torch.distributed.elastic.multiprocessing "
    "accelerate.commands.launch deepspeed.launcher.runner deepspeed.launcher.launch "
    "horovod.runner.launch jupyter ray snakemake".split()
)
#: Modules that Python's own and other libraries start as helpers of a program.
_HELPER_MODULES = ("joblib.externals.loky.backend", "loky.backend", "debugpy", "torch._inductor.compile_worker")
_HELPER_CODE = ("from multiprocessing.", "import multiprocessing.", "from torch.multiprocessing")


def is_debugpy(command):
    # type: (Command) -> bool
    """Whether this is debugpy's adapter or launcher: it must never arm itself."""
    target = command.target.replace(os.sep, "/")
    if command.kind == "module":
        return target.split(".")[0] == "debugpy"
    if command.kind == "script":
        parts = target.split("/")
        return "debugpy" in parts and parts[-1] in ("adapter", "launcher", "debugpy", "__main__.py")
    return False


def is_helper(command):
    # type: (Command) -> bool
    """Whether a library started this process (a DataLoader's worker, a resource tracker)."""
    if command.kind == "code":
        return command.target.lstrip().startswith(_HELPER_CODE)
    if command.kind == "module":
        return command.target.startswith(_HELPER_MODULES)
    return False


def is_launcher(command):
    # type: (Command) -> bool
    """Whether this Python program only starts others."""
    if command.kind == "module":
        return command.target in _LAUNCHERS
    return command.kind == "script" and os.path.basename(command.target) in _LAUNCHERS


def is_named(command, words):
    # type: (Command, list) -> bool
    """Whether the person named this program on rdg's command line (``uv run pytest``)."""
    if command.kind == "script":
        name = os.path.basename(command.target)
        return any(os.path.basename(word) == name for word in words)
    return command.kind in ("module", "code") and command.target in words


def matches(command, globs):
    # type: (Command, list) -> bool
    """Whether ``--program`` names this program: its path, its file name or its module."""
    if not globs:
        return False
    # Loads `re`: 10 ms, so only where there is something to compare.
    import fnmatch

    target = command.target
    return any(
        fnmatch.fnmatch(target, glob) or fnmatch.fnmatch(os.path.basename(target), glob)
        for glob in globs
    )


def is_own_code(command):
    # type: (Command) -> bool
    """Whether this is a script, or a module, from outside ``bin/`` and site-packages."""
    if command.kind == "script":
        parts = os.path.abspath(command.target).split(os.sep)
        return not (
            "bin" in parts[:-1] or "site-packages" in parts or "dist-packages" in parts
        )
    if command.kind == "module":
        return not _in_library(command.target)
    return False


def is_there(command):
    # type: (Command) -> bool
    """Whether Python will find what it is told to run; if not, its own message is all that is wanted."""
    import sys

    if command.kind == "script":
        return os.path.exists(command.target)
    if command.kind != "module":
        return True
    name = command.target.split(".")[0]
    path = sys.path
    # The folder that `-m` adds comes later.
    sys.path = [""] + path
    try:
        return any(finder.find_spec(name, None) is not None for finder in sys.meta_path)  # type: ignore
    except Exception:
        return True
    finally:
        sys.path = path


def _in_library(module):
    # type: (str) -> bool
    """Whether a module's first package is found among what is installed; the folder that ``-m``
    adds isn't on ``sys.path`` yet, so whatever isn't found there is the person's own."""
    from _frozen_importlib_external import PathFinder  # type: ignore

    name = module.split(".")[0]
    if os.path.isdir(name) or os.path.isfile(name + ".py"):
        return False
    spec = PathFinder.find_spec(name)
    origin = (spec.origin or "") if spec else ""
    if not spec:
        return False
    parts = origin.split(os.sep)
    library = os.path.dirname(os.__file__)
    return "site-packages" in parts or "dist-packages" in parts or origin.startswith(library)


def in_ranks(number, ranges):
    # type: (object, object) -> bool
    """Whether ``--rank`` takes this process in; one without a rank counts as rank 0."""
    if ranges is None:
        return True
    value = 0 if number is None else number
    return any(first <= value <= last for first, last in ranges)  # type: ignore
