"""Says what an interpreter is and which debugpy it would take: ``python -c SOURCE PATH CACHE``.

Imports nothing of debugpy's and changes nothing. Prints one line, ``rdg-examine {…}``; must parse on
Python 2.7, so that an interpreter that is too old is told apart from one that doesn't start.
"""

import json
import os
import re
import sys


def environment():
    """Kind and folder of the environment: conda, venv, or none of these."""
    prefix = sys.prefix
    if os.path.isdir(os.path.join(prefix, "conda-meta")):
        return "conda", prefix
    if prefix != getattr(sys, "base_prefix", prefix) or hasattr(sys, "real_prefix"):
        return "venv", prefix
    return "plain", prefix


def suffixes():
    """Endings of compiled modules that this interpreter loads."""
    try:
        from importlib.machinery import EXTENSION_SUFFIXES

        return tuple(EXTENSION_SUFFIXES)
    except ImportError:
        return (".so",)


def has(folder, start):
    """Whether a folder holds a compiled module for this interpreter."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(name.startswith(start) and name.endswith(suffixes()) for name in names)


def debugpy(folder):
    """What is known of the debugpy in a folder; None where there is none."""
    package = os.path.join(folder, "debugpy")
    if not os.path.isfile(os.path.join(package, "__init__.py")):
        return None
    version = None
    try:
        with open(os.path.join(package, "_version.py")) as file:
            found = re.search(r'"version": "([^"]+)"', file.read())
        version = found.group(1) if found else None
    except (IOError, OSError, UnicodeDecodeError):
        pass
    pydevd = os.path.join(package, "_vendored", "pydevd")
    if sys.version_info >= (3, 12):
        compiled = has(os.path.join(pydevd, "_pydevd_sys_monitoring"), "_pydevd_sys_monitoring_cython")
    else:
        compiled = has(os.path.join(pydevd, "_pydevd_bundle"), "pydevd_cython")
    switched_off = os.environ.get("PYDEVD_USE_CYTHON", "").upper() in ("NO", "OFF", "FALSE", "0")
    threads = sys.version_info >= (3, 12) or os.path.isfile(
        os.path.join(pydevd, "pydevd_attach_to_process", "attach_linux_amd64.so")
    )
    return {
        "folder": folder,
        "version": version,
        "compiled": compiled,
        "switchedOff": switched_off,
        "threads": threads or not sys.platform.startswith("linux"),
    }


def glibc():
    """Version of the C library, as in ``2.28``; None where it is another one."""
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
    except (AttributeError, ValueError, OSError):
        return None
    return version if name == "glibc" else None


def find(name):
    """The folder that a package would be imported from; None where there is none."""
    try:
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name)
        return os.path.dirname(os.path.dirname(spec.origin)) if spec and spec.origin else None
    except (ImportError, AttributeError):
        return None


def main(path, cache):
    """Prints what is known."""
    # With -c the current folder comes first; a program's own folder does not hold debugpy.
    sys.path[:] = [entry for entry in sys.path if entry]
    kind, prefix = environment()
    own = find("debugpy")
    implementation = getattr(sys, "implementation", None)
    tag = "%s-%s" % (
        getattr(implementation, "cache_tag", None) or getattr(implementation, "name", "python"),
        os.uname()[4],
    )
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    copy = os.path.join(cache or os.path.join(base, "rdg"), "debugpy", tag)
    answer = {
        "version": list(sys.version_info[:3]),
        "implementation": getattr(implementation, "name", "cpython"),
        "executable": sys.executable,
        "wrapper": os.path.realpath(path) != os.path.realpath(sys.executable),
        "environment": kind,
        "prefix": prefix,
        "pip": find("pip") is not None,
        "glibc": glibc(),
        "machine": os.uname()[4],
        "copy": copy,
        "own": debugpy(own) if own else None,
        "cached": debugpy(copy),
    }
    sys.stdout.write("\nrdg-examine %s\n" % json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
