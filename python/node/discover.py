"""Finds processes of a job on this node that nobody named.

Standard library only, Python 3.6 or later. Reads /proc.
"""

import os

from process import Refused, ancestors, config_of, elsewhere, environment_of, is_python, name_of
from question import Question


def children(request, names, known):
    """Questions to helpers that rdg armed: workers of a DataLoader, of a process pool and the like."""
    found = []
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if pid in known or pid == os.getpid():
            continue
        try:
            if os.stat("/proc/%d" % pid).st_uid != os.getuid():
                continue
        except OSError:
            continue
        environment = environment_of(pid)
        config = config_of(environment)
        if not config or (request["job"] is None and config.get("job") is not None):
            continue
        if elsewhere(environment, request, names):
            continue
        row = [None, pid, None, None, config.get("stackSignal")]
        question = Question(request, row, None, None)
        if question.process.stack_file(None) is None:
            continue
        question.parent = parent_among(pid, known)
        if question.parent is not None or request["orphans"]:
            question.find()
            found.append(question)
    return found


def unarmed(request, names, known):
    """Questions to all other Python processes of mine in the job."""
    found = []
    above = set(ancestors(os.getpid())) | {os.getpid()}
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if pid in known or pid in above:
            continue
        question = Question(request, [None, pid, None, None, None], None, None)
        try:
            if os.stat("/proc/%d" % pid).st_uid != os.getuid() or not is_python(pid):
                continue
            question.process.check()
            if elsewhere(question.process.environment, request, names):
                continue
            words = name_of(question.process)
            # debugpy's own processes, and rdg's, are no part of the program.
            if "/debugpy/" in words or "/remote_debug/" in words or "-m debugpy" in words:
                continue
            if config_of(question.process.environment) and question.process.stack_file(None):
                continue  # those are asked as children
        except (Refused, OSError):
            continue
        question.find()
        found.append(question)
    by_pid = {question.process.here: question for question in found}
    for question in found:
        above = next((by_pid[pid] for pid in ancestors(question.process.here) if pid in by_pid), None)
        # A launcher starts programs, a program helpers: they inherit its rank.
        question.program = above is None or rank_values(above) != rank_values(question)
    return found


def rank_values(question):
    """What launchers told a process, as far as TypeScript asked for it."""
    environment = question.process.environment or {}
    names = question.request["rankVariables"]
    return {name: environment[name] for name in names if name in environment}


def parent_among(pid, known):
    """The index of the nearest process above that was asked for by name, or None."""
    return next((known[parent] for parent in ancestors(pid) if parent in known), None)
