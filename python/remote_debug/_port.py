"""Opens the port that an editor connects to, and makes the token that it has to know."""

import os

from . import _say


def listen(config, folder, path):
    # type: (dict, str, list) -> tuple
    """Starts debugpy's adapter with the door in front. Returns bound address, port and token.

    The token is None where the door stands open (``--no-auth``).

    :raises OSError: the port can't be had.
    :raises RuntimeError: the adapter can't be started.
    """
    from . import _debugpy, _debugpy_tracing

    auth = config["auth"]
    token = os.urandom(32).hex() if auth else None  # 256 bits from the system's source
    _debugpy_tracing.remember()
    with _debugpy.importing(folder, path):
        import debugpy  # noqa: F401

        from . import _adapter

        host, port = _adapter.listen(
            config["bind"],
            config["port"],
            token,
            auth=auth,
            subprocess=bool(config["subprocess"]),
            report=_report,
        )
    return host, port, token


def _report(event):
    # type: (dict) -> None
    """What the door says from the adapter's process."""
    from . import _adapter, _debugpy

    if event.get("event") == "refused":
        _say.write(_adapter.refusal(event) + "\n")
    elif event.get("event") == "ended":
        _debugpy.after_end()
