"""How this interpreter was started. Reads ``sys.orig_argv``, before Python 3.10 ``/proc``."""

import os
import sys

#: Options of the interpreter that take the next word when nothing is joined to them.
_WITH_VALUE = "WX"


def original():
    # type: () -> list
    """All words of this process's command line, the interpreter first; [] where unknown."""
    words = getattr(sys, "orig_argv", None)
    if words is not None:
        return list(words)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []


def head(words, limit=8192):
    # type: (list, int) -> list
    """The first words of a command line: one variable of the environment holds no more than 128 KiB."""
    kept = []
    for word in words:
        limit -= len(word) + 1
        if limit < 0:
            break
        kept.append(word)
    return kept


class Command:
    """A command line of Python, taken apart.

    ``kind`` is ``script``, ``module``, ``code``, ``stdin`` or ``interactive``; ``target`` the path,
    module name or code; ``options`` the interpreter's own words, ``args`` what follows the target.
    """

    def __init__(self, kind, target, options, args):
        # type: (str, str, list, list) -> None
        self.kind = kind
        self.target = target
        self.options = options
        self.args = args


def parse(words):
    # type: (list) -> Command
    """Takes a command line apart as CPython's own ``getopt`` does (``-um mod``, ``-Xdev``, ``-``)."""
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if word == "-":
            return Command("stdin", "-", words[1:index], words[index + 1 :])
        if not word.startswith("-"):
            break
        if word.startswith("--"):
            index += 2 if word == "--check-hash-based-pycs" else 1
            continue
        for at in range(1, len(word)):
            letter = word[at]
            if letter in "cm":
                joined = word[at + 1 :]
                rest = words[index + 1 :]
                target = joined if joined else (rest.pop(0) if rest else "")
                options = words[1:index] + (["-" + word[1:at]] if at > 1 else [])
                return Command("code" if letter == "c" else "module", target, options, rest)
            if letter in _WITH_VALUE:
                if at == len(word) - 1:
                    index += 1
                break
        index += 1
    if index >= len(words):
        return Command("interactive", "", words[1:], [])
    return Command("script", words[index], words[1:index], words[index + 1 :])
