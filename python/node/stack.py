"""Asks processes on this node for their Python stacks, and returns them.

Carried as text, with the files that it imports, and run on a compute node (../helpers.ts): standard
library only, Python 3.6 or later. Sends at most one signal to a process: the stack signal, after a check
that faulthandler answers it and that the file it writes to is still rdg's own. Nothing is stopped. For
processes without a handler see outside.py.

The request is wake.py's, with ``signal`` the stack signal, and more keys::

    {…, "processes": [[host, pid, startTime, pid namespace, stack signal, index, descriptor], ...],
     "limitS": 5, "children": true, "orphans": true, "unarmed": false, "rankVariables": [...],
     "inject": {...} or null}

``index`` is handed back. ``children`` adds armed processes without a record below those (DataLoader
workers, for instance), and below nothing when ``"orphans"`` is true. ``unarmed`` adds all other Python
processes of mine in the job, with their values of ``rankVariables``. With ``inject``, gdb may be used.

It says (pieces.py) its ``node``, then of each process ``stack`` or ``none``, and ``done`` at the end. The
reader is ../stack.ts.
"""

import json
import os
import sys
import time

import discover
import outside
from pieces import say
from process import Refused, is_here, name_of, node_names
from question import Question


def answer(question, node, text, complete, via="signal"):
    process = question.process
    say(
        "stack",
        node=node,
        index=question.index,
        parent=question.parent,
        pid=process.pid,
        start=process.start,
        name=name_of(process),
        threads=threads_of(process),
        program=question.program,
        environment=discover.rank_values(question),
        via=via,
        text=text,
        complete=complete,
    )


def refuse(question, node, outcome, detail=""):
    say(
        "none",
        node=node,
        index=question.index,
        parent=question.parent,
        pid=question.process.pid,
        start=question.process.start,
        program=question.program,
        environment=discover.rank_values(question),
        outcome=outcome,
        detail=detail,
    )


def threads_of(process):
    """How many threads the kernel knows: more than 100 aren't all in a dump."""
    try:
        return len(os.listdir("/proc/%d/task" % process.here))
    except OSError:
        return None


def collect(questions, node, limit, injection):
    """Asks all at once, gathers the answers as they come, and looks from outside at those that can't be
    asked."""
    end = time.time() + limit
    ready, unarmed = prepare(questions, node)
    gather(ready, node, end)
    again = []
    for question, seen in outside.look(unarmed, {"limit": limit, "gdb": injection is not None}):
        if seen.via is not None:
            answer(question, node, seen.text, True, seen.via)
        elif injection is not None and may_arm(seen) and arm(question, injection):
            again.append(question)
        else:
            refuse(question, node, seen.outcome, seen.detail)
    if again:
        collect(again, node, limit, None)


def may_arm(seen):
    """Whether a process could not be looked into, but may arm itself: its Python keeps the function that
    gdb would call to itself, or there is no gdb (Python 3.14 needs none)."""
    return seen.outcome == "no-gdb" or (seen.outcome == "cannot-inject" and "No symbol" in seen.detail)


def prepare(questions, node):
    """Those that can be asked; and, with the reason, those that may be looked at from outside. The others
    are told."""
    ready = []
    unarmed = []
    for question in questions:
        try:
            question.prepare()
            ready.append(question)
        except Refused as refused:
            if refused.outcome == "unarmed" and (question.index is not None or question.parent is None):
                unarmed.append((question, refused.detail))
            else:
                refuse(question, node, refused.outcome, refused.detail)
        except OSError as error:
            refuse(question, node, "failed", str(error))
    return ready, unarmed


def gather(questions, node, end):
    """Tells what came of each, by ``end`` at the latest."""
    pause = 0.005
    while questions:
        late = time.time() >= end
        for question in list(questions):
            try:
                done = settle(question, node, late)
            except Refused as refused:
                gone = refused.outcome == "gone"
                refuse(question, node, "ended" if gone else refused.outcome, refused.detail)
                done = True
            except OSError as error:
                refuse(question, node, "failed", str(error))
                done = True
            if done:
                question.close()
                questions.remove(question)
        if questions:
            time.sleep(pause)
            pause = min(pause * 1.2, 0.05)


def settle(question, node, late):
    """Takes one a step further. Whether it has been told what came of it."""
    if not question.asked and question.ask():
        return False
    if question.asked and question.complete():
        answer(question, node, question.text(), True)
        return True
    alive = question.process.alive()
    if alive and not late:
        return False
    if question.asked:
        text = question.text()
        if text:
            answer(question, node, text, False)
        else:
            refuse(question, node, *question.why_late())
    elif late:
        refuse(question, node, "late", "somebody else is asking it all the time")
    else:
        refuse(question, node, "ended")
    return True


def arm(question, injection):
    """Arms a process, if it can be."""
    import inject

    try:
        inject.arm(question.process, injection)
    except (Refused, OSError):
        return False
    question.process.signal = None
    return True


def raise_limit():
    """Two descriptors are held for each process: more than the usual limit on a large node."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, OSError, ValueError):
        pass


def main():
    raise_limit()
    request = json.loads("".join(sys.argv[1:]))
    names = node_names(request)
    node = names[0]
    say("node", node=node)
    questions = []
    known = {}
    for row in request["processes"]:
        if row[0] is not None and row[0] not in names:
            continue
        question = Question(request, row[:5], row[5], row[6])
        if row[0] is None and not is_here(row[1], request, names):
            refuse(question, node, "not-here")
            continue
        questions.append(question)
        question.find()
        known[question.process.here] = row[5]
    if request["children"]:
        questions += discover.children(request, names, known)
    if request.get("unarmed"):
        asked = set(known) | {question.process.here for question in questions}
        questions += discover.unarmed(request, names, asked)
    collect(questions, node, request["limitS"], request.get("inject"))
    say("done", node=node)
