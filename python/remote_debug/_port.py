"""Opens the port that an editor connects to."""


def listen(config):
    # type: (dict) -> tuple
    """Starts debugpy's adapter. Returns the bound address, the port and the token (None: none wanted).

    :raises RuntimeError: the adapter can't be started or the port is taken.
    """
    import os

    import debugpy

    from . import _debugpy

    environment = dict(os.environ)
    debugpy.configure(subProcess=bool(config["subprocess"]))
    host, port = debugpy.listen((config["bind"], config["port"]))
    _debugpy.restore_environment(environment)
    return host, port, None
