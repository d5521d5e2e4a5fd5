"""Where debugpy is: the program's own environment, else rdg's cache, filled by that interpreter's pip.

Nothing is imported to find out. The cache holds one copy per Python version and machine type, and is
filled only outside a job: inside there may be no internet, and 500 ranks.
"""

import os
import sys

from . import _config, _say, _tables


def tag():
    # type: () -> str
    """Name of this interpreter's copy: ``cpython-311-x86_64``."""
    return "%s-%s" % (sys.implementation.cache_tag or sys.implementation.name, os.uname().machine)


def cached(config):
    # type: (dict) -> str
    """Folder of this interpreter's copy, whether it exists or not."""
    return os.path.join(_config.cache_dir(config), "debugpy", tag())


def find(config):
    # type: (dict) -> object
    """``""`` where the program's environment has debugpy, else the cache's folder, else None. One that is
    too old for this Python doesn't count."""
    if "debugpy" in sys.modules:
        return ""
    own = _own()
    if own is not None and not _too_old(own):
        return ""
    folder = cached(config)
    return folder if os.path.isfile(os.path.join(folder, "debugpy", "__init__.py")) else None


def _own():
    # type: () -> object
    """Folder of the package in the program's environment; None where there is none."""
    from _frozen_importlib_external import PathFinder  # type: ignore

    spec = PathFinder.find_spec("debugpy")
    return os.path.dirname(spec.origin) if spec is not None and spec.origin else None


def _too_old(package):
    # type: (object) -> object
    """Its version where this Python needs a newer one, else None. Read, not imported."""
    oldest = _tables.OLDEST_DEBUGPY.get("%d.%d" % sys.version_info[:2])
    if oldest is None:
        return None
    import re

    try:
        with open(os.path.join(package, "_version.py"), encoding="utf-8") as file:  # type: ignore
            found = re.search(r'"version": "((\d+)\.(\d+)\.(\d+))', file.read())
    except (OSError, ValueError):
        return None
    if found is None or [int(part) for part in found.groups()[1:]] >= [
        int(part) for part in oldest.split(".")
    ]:
        return None
    return found.group(1)


def advice(config):
    # type: (dict) -> tuple
    """What to say when there is none: message and hint."""
    own = _own()
    old = None if own is None else _too_old(own)
    what = "no debugpy" if old is None else "debugpy %s, too old for Python %d.%d" % (
        (old,) + sys.version_info[:2]
    )
    return (
        'Cannot debug with "%s": it has %s, and rdg\'s cache has none for it' % (sys.executable, what),
        "%s -m pip install %sdebugpy, or once on the login node: rdg doctor --fix %s"
        % (sys.executable, "" if old is None else "--upgrade ", sys.executable),
    )


def wanted():
    # type: () -> str
    """What pip is asked for: from 1.8.17 on debugpy's compiled part wants glibc 2.34 (x86_64, Linux).

    With an older one pip would take the newest wheel without it, which is slower.
    """
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")  # type: ignore
        old = name == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < (2, 34)
    except (AttributeError, ValueError, OSError):
        old = False
    return "debugpy<1.8.17" if old and os.uname().machine == "x86_64" else "debugpy"


def install(config):
    # type: (dict) -> object
    """Fills the cache by this interpreter's pip; where it has none (uv makes such environments), by uv
    or by the pip of the interpreter that its environment was made from.

    :returns: the folder; or the last lines of what failed, as a list.
    """
    import glob
    import shutil
    import subprocess

    folder = cached(config)
    _say.note("Fetching debugpy for %s, once, into %s" % (sys.executable, folder))
    environment = dict(os.environ)
    for name in ("RDG_CONFIG", "PYTHONWARNINGS"):
        environment.pop(name, None)
    # Settings that can't go together with --target.
    environment.update(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    lock = _lock(folder)
    try:
        if find(config) is not None:
            return folder
        # What an interrupted run, or a cleaner of old files, left behind.
        for left in glob.glob(glob.escape(folder) + ".*.tmp") + [folder]:
            shutil.rmtree(left, ignore_errors=True)
        temporary = "%s.%d.tmp" % (folder, os.getpid())
        commands = [[sys.executable, "-m", "pip", "install", "--quiet", "--target", temporary, wanted()]]
        uv = shutil.which("uv")
        if uv:
            commands.append(
                [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", temporary, wanted()]
            )
        base = getattr(sys, "_base_executable", None)
        if base and sys.prefix != sys.base_prefix and not _has("pip"):
            # The environment's own interpreter is a link to this one.
            commands.append([os.path.realpath(base)] + commands[0][1:])
        lines = []  # type: list
        for command in commands:
            try:
                done = subprocess.run(
                    command,
                    # `-m` would put the program's own folder first.
                    cwd="/",
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=300,
                )
            except (OSError, subprocess.SubprocessError) as error:
                lines.append(str(error))
                shutil.rmtree(temporary, ignore_errors=True)
                continue
            if done.returncode == 0 and os.path.isdir(os.path.join(temporary, "debugpy")):
                os.rename(temporary, folder)
                return folder
            # On a full disk pip names every file, all in one line.
            last = done.stdout.decode("utf-8", "replace").strip().splitlines()[-3:]
            lines.extend(line if len(line) <= 400 else line[:400] + "..." for line in last)
            shutil.rmtree(temporary, ignore_errors=True)
        return lines
    except OSError as error:
        return [str(error)]
    finally:
        if lock is not None:
            os.close(lock)


def _has(name):
    # type: (str) -> bool
    """Whether this interpreter's environment has a package."""
    from _frozen_importlib_external import PathFinder  # type: ignore

    return PathFinder.find_spec(name) is not None


def _lock(folder):
    # type: (str) -> object
    """Lets one of several processes at a time fill the cache; None where locks don't work."""
    import fcntl

    try:
        os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
        lock = os.open(folder + ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock
    except OSError:
        return None
