"""How a helper says something to whoever started it, through a scheduler as well.

Standard library only, Python 3.6 or later. Writes lines ``rdg-helper STREAM MORE TEXT`` on stdout: a JSON
object in pieces, because srun mixes the lines of several tasks that are longer than 1024 bytes (seen with
22.05), and nothing promises more elsewhere. STREAM names the node and process that wrote it, MORE is 1
where more of the same object follows. The reader is ../pieces.ts.
"""

import json
import os

#: Bytes of a line's text.
PIECE = 900


def say(kind, **values):
    """Says one object, of the type ``kind``."""
    values["type"] = kind
    text = json.dumps(values, separators=(",", ":"))
    stream = "%s:%d" % (os.uname()[1], os.getpid())
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    for number, piece in enumerate(pieces):
        more = 1 if number + 1 < len(pieces) else 0
        data = ("rdg-helper %s %d %s\n" % (stream, more, piece)).encode("ascii")
        while data:
            data = data[os.write(1, data) :]
