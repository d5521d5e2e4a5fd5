# Arms a process that `rdg debug` started, then makes room for the sitecustomize it displaced.
#
# This folder stands on PYTHONPATH, so every Python below the command runs this file, whatever its
# version: it has to parse on 2.7 and 3.6, where it does nothing.
import os
import sys

# As `site` made the path absolute, the folder stands there in this very form. No look at the current
# folder: it may have been deleted.
_here = os.path.dirname(__file__)
sys.path[:] = [p for p in sys.path if p != _here]
sys.path_importer_cache.pop(_here, None)

_finish = None
if os.environ.get("RDG_CONFIG"):
    _lib = os.path.dirname(os.path.dirname(_here))
    # The cache is rdg's own: without bytecode there, each start would compile everything anew.
    _without = sys.dont_write_bytecode
    sys.dont_write_bytecode = False
    try:
        # Only as long as it takes to find the package: beside it may lie what is meant for another
        # interpreter.
        sys.path.insert(0, _lib)
        try:
            if sys.version_info >= (3, 8):
                from remote_debug import _arm as _agent
            else:
                from remote_debug import _old as _agent
        finally:
            sys.path.remove(_lib)
            sys.path_importer_cache.pop(_lib, None)
        _finish = _agent.arm()
    except Exception as error:
        # Never stand in the way of the program.
        sys.stderr.write("[rdg] Cannot arm this process: %s: %s\n" % (type(error).__name__, error))
    finally:
        sys.dont_write_bytecode = _without

# What plain Python would have run. Where there is none, the ImportError goes to `site`, which takes
# it for just that.
_self = sys.modules.pop("sitecustomize", None)
try:
    import sitecustomize  # noqa: F401
finally:
    if _finish is not None:
        _finish()
