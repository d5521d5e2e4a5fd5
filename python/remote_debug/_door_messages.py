"""DAP messages from strangers: bounded in length, depth and digits.

Standard library only; touches nothing.
"""

import json
import re

MAX_HEADER = 4096
"""Bytes of a message's header, which in DAP is one short line."""

MAX_BODY = 256 * 1024
"""Bytes of a message before the token was right; an ``attach`` of VS Code has about 1,000."""

MAX_DEPTH = 64
"""Nested lists and objects in such a message."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,9})[ \t]*\r?$")
"""The line of a header that says the body's length."""


class BadInput(ValueError):
    """What came is no DAP message, or one that is too big."""


def split_message(buffer):
    """Takes the first message off a bytearray.

    Returns the parsed object, or None while it is not all there. Raises BadInput as early as the
    bytes allow: a port scan, HTTP or TLS fails at its first byte.
    """
    start = bytes(buffer[:8]).lower()
    if not b"content-".startswith(start):
        raise BadInput("no DAP header")
    end = buffer.find(b"\r\n\r\n", 0, MAX_HEADER)
    if end < 0:
        if len(buffer) >= MAX_HEADER:
            raise BadInput("the header is too long")
        return None
    found = LENGTH.findall(bytes(buffer[:end]))
    if len(found) != 1:
        raise BadInput("no valid Content-Length")
    length = int(found[0])
    if length > MAX_BODY:
        raise BadInput("the message is too long")
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return parse_body(body)


def parse_body(body):
    """Parses a message's JSON; raises BadInput for anything but an object of sane depth."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        # Only then can it be too deep. Counted beforehand, as the parser's own limit is the C stack.
        depth = 0
        for bracket in _BRACKET.finditer(_STRING.sub(b"", body)):
            depth += 1 if bracket.group() in b"[{" else -1
            if depth > MAX_DEPTH:
                raise BadInput("the message is nested too deep")
    try:
        message = json.loads(body.decode("utf-8"), parse_int=_bounded(int), parse_float=_bounded(float))
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadInput("the message is no JSON") from error
    if not isinstance(message, dict):
        raise BadInput("the message is no object")
    return message


def _bounded(kind):
    # int() of many digits takes quadratic time before 3.11.
    def convert(text):
        if len(text) > 40:
            raise ValueError("too many digits")
        return kind(text)

    return convert


def frame(message):
    """A message as bytes, with its header."""
    body = json.dumps(message).encode("utf-8")
    return b"Content-Length: %d\r\n\r\n" % len(body) + body
