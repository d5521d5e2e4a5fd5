"""Fills rdg's cache with a debugpy for the interpreter that runs this: ``python -c SOURCE AGENT CACHE``.

The work is remote_debug's own. Prints one line, ``rdg-fill {…}``.
"""

import json
import sys


def main(agent, cache):
    # type: (str, str) -> None
    """Fills it, and prints what failed, if anything did."""
    # With -c the current folder comes first, and may hold a file that shadows one of Python's own.
    sys.path[:] = [agent] + [entry for entry in sys.path if entry]
    from remote_debug import _config, _find

    config = dict(_config.DEFAULTS, cacheDir=cache)
    outcome = _find.install(config)
    failure = None if isinstance(outcome, str) else outcome
    sys.stdout.write("\nrdg-fill %s\n" % json.dumps({"failure": failure}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
