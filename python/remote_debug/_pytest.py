"""A pytest plugin: opens the debugger where a test fails, with the test's own frames.

Loaded through ``PYTEST_PLUGINS``, which it puts back at once so that a test's children see the
environment that they would have seen without rdg.
"""

import os

from . import _say, _session

_names = [n for n in os.environ.get("PYTEST_PLUGINS", "").split(",") if n and n != __name__]
if _names:
    os.environ["PYTEST_PLUGINS"] = ",".join(_names)
else:
    os.environ.pop("PYTEST_PLUGINS", None)


def pytest_exception_interact(node, call, report):
    # type: (object, object, object) -> None
    """pytest calls this for a failure that ``--pdb`` would open on; not for skips and expected ones."""
    excinfo = call.excinfo  # type: ignore
    if excinfo is None or issubclass(excinfo.type, (KeyboardInterrupt, SystemExit)):
        return
    # pytest keeps what is written to descriptor 2 until the test is over.
    capture = node.config.pluginmanager.getplugin("capturemanager")  # type: ignore
    if capture is not None:
        capture.suspend_global_capture(in_=True)
    try:
        _say.write("\n%s\n" % report.longreprtext)  # type: ignore
        _session.current().on_crash(excinfo.type, excinfo.value, excinfo.tb)
    finally:
        if capture is not None:
            capture.resume_global_capture()
