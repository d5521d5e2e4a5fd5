"""The helpers of python/node: what forbids to look into a process, and what is brought into it."""
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.environ["PYTHONPATH"].split(os.pathsep)[0], "node"))

import beside  # noqa: E402
import discover  # noqa: E402
import lines  # noqa: E402
import outside  # noqa: E402
import process  # noqa: E402
import records  # noqa: E402
import remote_exec  # noqa: E402
import tracer  # noqa: E402


class Fake:
    """A process by its number and environment."""

    def __init__(self, pid, **environment):
        self.here = pid
        self.environment = environment


class Forbidden(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def proc(self, scope, caps):
        os.makedirs(self.root + "/sys/kernel/yama", exist_ok=True)
        os.makedirs(self.root + "/self", exist_ok=True)
        for name, text in (("sys/kernel/yama/ptrace_scope", scope), ("self/status", caps)):
            with open("%s/%s" % (self.root, name), "w") as file:
                file.write(text)

    def words(self, scope, caps="0000000000000000"):
        self.proc("%d\n" % scope, "Name:\tpython\nCapEff:\t%s\nSeccomp:\t0\n" % caps)
        return tracer.scope_words(self.root)

    def test_the_kernel_s_setting(self):
        trusted = "%016x" % (1 << 19)
        self.assertEqual(self.words(0), "")
        self.assertRegex(self.words(1), "ptrace_scope is 1 here: only a process's own parents")
        self.assertRegex(self.words(2), "ptrace_scope is 2 here: only an administrator")
        self.assertRegex(self.words(3), "ptrace_scope is 3 here: nobody")
        self.assertEqual(self.words(1, trusted), "")
        self.assertEqual(self.words(2, trusted), "")
        self.assertRegex(self.words(3, trusted), "nobody")
        self.assertEqual(tracer.scope_words(self.root + "/none"), "")

    def test_other_reasons(self):
        own = {"Uid": "%d 0 0 0" % os.getuid()}
        os.makedirs(self.root + "/7/ns")
        self.proc("0\n", "CapEff:\t0\n")
        os.makedirs(self.root + "/self/ns")
        os.symlink("user:[1]", self.root + "/self/ns/user")
        os.symlink("user:[1]", self.root + "/7/ns/user")
        open(self.root + "/7/environ", "w").close()
        self.assertRegex(tracer.why_no_ptrace(7, own, self.root), "security module")
        other = {"Uid": "%d 0 0 0" % (os.getuid() + 1)}
        self.assertRegex(tracer.why_no_ptrace(7, other, self.root), "marked as not to be looked into")
        os.unlink(self.root + "/7/ns/user")
        os.symlink("user:[2]", self.root + "/7/ns/user")
        self.assertRegex(tracer.why_no_ptrace(7, own, self.root), "users of its own")

    def test_gdb_s_words(self):
        denied = "warning: x\nCould not attach to process.\nptrace: Operation not permitted.\n"
        self.assertEqual(tracer.why_failed(denied)[0], "no-ptrace")
        symbol = 'No symbol "Py_AddPendingCall" in current context.\n'
        self.assertEqual(tracer.why_failed(symbol), ("cannot-inject", "gdb: " + symbol.strip()))
        self.assertEqual(tracer.why_failed(""), ("cannot-inject", "gdb: no reason given"))


class Unarmed(unittest.TestCase):
    """Why a process that has a record can't be asked by the stack signal."""

    #: Becomes another user, has a child that does or doesn't let itself be looked into, and says why not.
    SCRIPT = """
import ctypes, os, sys
import outside, process
os.setgid(65534), os.setuid(65534)
ready, go_on = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    ctypes.CDLL(None).prctl(4, sys.argv[1] == "plain", 0, 0, 0)  # PR_SET_DUMPABLE
    os.write(ready[1], b"x")
    os.close(go_on[1])
    os.read(go_on[0], 1)
    os._exit(0)
os.read(ready[0], 1)
question = process.Process({}, [None, child, 1, None, 41])
print(outside.why_unarmed(question, question.stack_file(999)))
"""

    @unittest.skipUnless(os.getuid() == 0, "root can be another user")
    def test_a_file_that_is_closed_and_one_that_can_t_be_reached(self):
        for way, said in (("plain", "the program closed the file"), ("hidden", "marked as not to be looked")):
            environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
            done = subprocess.run(
                [sys.executable, "-c", self.SCRIPT, way],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
            self.assertIn(said, done.stdout.decode(), done.stderr.decode())


class NotShown(unittest.TestCase):
    """What is behind a number that /proc doesn't show: hidepid hides all processes of others."""

    def test_what_the_kernel_says_of_it(self):
        cases = {"gone": ProcessLookupError(), "not-mine": PermissionError(), "hidden": None}
        for outcome, error in cases.items():
            one = process.Process({}, [None, 2**30, 5, None, None])
            with mock.patch("os.kill", side_effect=error) as kill:
                with self.assertRaises(process.Refused) as refused:
                    one.check()
                self.assertEqual(refused.exception.outcome, outcome)
                self.assertEqual(one.alive(), outcome == "hidden")
            kill.assert_called_with(2**30, 0)


class Records(unittest.TestCase):
    """Which session record is this process's."""

    def setUp(self):
        self.state = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.state)
        self.folder = self.state + "/sessions/cluster/36"
        os.makedirs(self.folder)
        self.start = int(process.read("/proc/self/stat").rpartition(b")")[2].split()[19])

    def write(self, name, namespace, **values):
        record = {"format": 1, "uid": os.getuid(), "pid": os.getpid(), "startTime": self.start, "host": "n1"}
        record.update(values, pidNamespace=namespace)
        if namespace is False:
            del record["pidNamespace"]
        with open("%s/%s-%d.json" % (self.folder, name, os.getpid()), "w") as file:
            json.dump(record, file)

    def found(self, state=None, environment=None, namespace=None, ended=False):
        request = {"job": "36", "state": state, "node": None, "nodeVariables": []}
        one = records.Recorded(request, [None, os.getpid(), self.start, namespace, 41])
        one.environment = environment
        if ended:
            one.here = 2**22 + 1
        return one.record()

    def test_one_of_another_namespace_is_not(self):
        mine = process.namespace_of("self")
        self.write("n1-1", "pid:[1]")
        self.assertIsNone(self.found(self.state))
        self.assertIsNone(self.found(self.state, namespace=mine, ended=True))
        self.write("n1", mine)
        self.write("n1-2", "pid:[2]")
        self.assertEqual(self.found(self.state)["pidNamespace"], mine)

    def test_one_that_tells_no_namespace_is(self):
        for namespace in (None, False):
            self.write("n1", namespace)
            self.assertEqual(self.found(self.state)["host"], "n1")

    def test_one_whose_process_can_t_be_looked_into_is_told_by_its_start(self):
        self.write("n1-1", "pid:[1]")
        self.assertEqual(self.found(self.state, ended=True)["host"], "n1")

    def test_it_lies_where_the_program_was_told_to_write(self):
        self.write("n1", None)
        for name in ("stateDir", "machine"):
            value = self.state if name == "stateDir" else {"state": self.state}
            environment = {"HOME": "/nowhere", "RDG_CONFIG": json.dumps({"format": 1, name: value})}
            self.assertIsNotNone(self.found("/elsewhere", environment), name)
        self.assertIsNone(self.found("/elsewhere", {"HOME": "/nowhere", "RDG_CONFIG": '{"machine": null}'}))


class Lines(unittest.TestCase):
    def test_they_end_well_whatever_happens(self):
        """Run in a Python of its own: no error, no name left, and the answer in a file."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.mkdir(folder + "/remote_debug")
        for name, text in (("__init__", ""), ("_inject", "def arm(text): return 'ok ' + text")):
            with open("%s/remote_debug/%s.py" % (folder, name), "w") as file:
                file.write(text)
        for where, said in ((folder, "ok {"), ("/nowhere/it's \\ \u00e9", "error No module named")):
            place = tempfile.mkdtemp()
            answer = place + "/answer"
            options = {"folder": where, "config": {"modes": ["lite"], "state": None}}
            self.run_clean(lines.for_file(options, place, answer))
            with open(answer, "rb") as file:
                self.assertTrue(file.read().decode().startswith(said))
            # Nobody waits for the answer any more: everything goes.
            open(place + "/late", "wb").close()
            self.run_clean(lines.for_file(options, place, answer))
            self.assertFalse(os.path.exists(place))

    def test_they_are_taken_back(self):
        place = tempfile.mkdtemp()
        for name in ("done", "late"):
            open("%s/%s" % (place, name), "wb").close()
        options = {"folder": "/nowhere", "config": {}}
        # It would answer into a folder that isn't there.
        self.run_clean(lines.for_file(options, place, "/nowhere/answer"))
        self.assertFalse(os.path.exists(place))

    def run_clean(self, text):
        code = "import sys; sys.path = []; before = set(globals())\n%s\nprint(set(globals()) - before)"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code % text.decode("ascii")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.strip(), b"{'before'}")

    def test_the_blank_for_the_address_is_the_only_one(self):
        text = lines.for_memory({"folder": "/home/ada/.cache", "config": {}})
        self.assertEqual(text.count(lines.BLANK.encode()), 1)

    def test_the_answer(self):
        self.assertTrue(lines.judge(b"ok\0"))
        self.assertFalse(lines.judge(b""))
        self.assertFalse(lines.judge(b"o"))
        self.assertFalse(lines.judge(b"\0\0"))
        with self.assertRaises(process.Refused) as caught:
            lines.judge(b"error no debugpy\0\0")
        self.assertEqual(caught.exception.detail, "no debugpy")


class Beside(unittest.TestCase):
    def test_the_version(self):
        self.assertEqual(beside.version_of(Fake(os.getpid())), sys.version_info[:2])
        with subprocess.Popen(["sleep", "100"]) as child:
            self.addCleanup(child.kill)
            self.assertIsNone(beside.version_of(Fake(child.pid)))
            child.kill()

    def test_python_itself_is_asked_from_3_14_on(self):
        code = "import sys; print(sys.argv[1:], sys.flags.isolated)"
        mine = Fake(os.getpid())
        if sys.version_info < (3, 14):
            with self.assertRaises(beside.Unable) as caught:
                beside.run(mine, code)
            self.assertEqual(str(caught.exception), "")
            return
        self.assertEqual(beside.run(mine, code, ["a"]), "['%d', 'a'] 1\n" % os.getpid())
        with self.assertRaises(beside.Unable) as caught:
            beside.run(mine, "raise ValueError('no')")
        self.assertEqual(str(caught.exception), "ValueError: no")
        with self.assertRaises(beside.Unable) as caught:
            beside.run(mine, "import time; time.sleep(100)", limit=0.1)
        self.assertEqual(str(caught.exception), "no answer in time")

    def test_only_a_python_is_started(self):
        """A program that has Python in it may do anything when it is started with Python's words."""
        mine = Fake(os.getpid(), LD_LIBRARY_PATH="/mine")
        own = ["/proc/%d/exe" % os.getpid()]
        found = list(beside.interpreters(mine, (2, 6)))
        self.assertEqual([program for program, _ in found], own)
        self.assertEqual(found[0][1]["LD_LIBRARY_PATH"], "/mine")
        found = list(beside.interpreters(mine, sys.version_info[:2]))
        self.assertEqual([program for program, _ in found], [sys.executable] + own)
        with subprocess.Popen(["sleep", "100"]) as child:
            self.addCleanup(child.kill)
            self.assertEqual(list(beside.interpreters(Fake(child.pid), (2, 6))), [])
            child.kill()

    def test_why_python_could_not_read_is_said(self):
        def fail(*_):
            raise beside.Unable("ModuleNotFoundError: No module named '_remote_debugging'")

        real = beside.run, outside.find_program
        self.addCleanup(lambda: (setattr(beside, "run", real[0]), setattr(outside, "find_program", real[1])))
        beside.run, outside.find_program = fail, lambda *_: None
        mine = Fake(os.getpid())
        mine.stat = lambda: [b"S"]
        seen = outside._look(mine, "not armed", {"limit": 1, "gdb": False})
        self.assertEqual((seen.via, seen.outcome), (None, "unarmed"))
        self.assertRegex(seen.detail, "^not armed, and py-spy.*; Python's own reader failed: ModuleNotFound")

    def read_by_reader(self, moments):
        """What the lines for Python's own reader print, where that reads these stacks one after the other."""
        frame = types.SimpleNamespace(filename="train.py", lineno=1, funcname="step")
        reader = types.ModuleType("_remote_debugging")

        class RemoteUnwinder:
            def __init__(self, pid, all_threads):
                self.moments = iter(moments)

            def get_stack_trace(self):
                depths = next(self.moments)
                if depths is None:
                    raise RuntimeError("torn")
                return [
                    types.SimpleNamespace(thread_id=number, frame_info=[frame] * depth)
                    for number, depth in enumerate(depths)
                ]

        reader.RemoteUnwinder = RemoteUnwinder
        printed = io.StringIO()
        with mock.patch.dict(sys.modules, _remote_debugging=reader), mock.patch("time.sleep"):
            with mock.patch.object(sys, "argv", ["-c", "1", "60"]), contextlib.redirect_stdout(printed):
                exec(outside.READER, {})
        return [len(frames) for _, frames in json.loads(printed.getvalue())]

    def test_a_stack_that_is_read_twice_alike_is_whole(self):
        self.assertEqual(self.read_by_reader([[2, 1], [3, 1], None, [3, 1]]), [3, 1])
        # It was held up between two frames.
        self.assertEqual(self.read_by_reader([[0, 1]] * 5 + [[2, 1], [2, 1]]), [2, 1])
        # A thread of C's may have none.
        self.assertEqual(self.read_by_reader([[2, 0]] * 20), [2, 0])
        with self.assertRaises(RuntimeError):
            self.read_by_reader([None] * 20)

    def test_the_folder_is_one_that_the_process_sees(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.assertEqual(remote_exec.common_folder(Fake(os.getpid()), {"folder": folder}), "/tmp")
        with self.assertRaises(beside.Unable):
            remote_exec.common_folder(Fake(2 ** 30 - 1), {"folder": folder})


class Elsewhere(unittest.TestCase):
    request = {"nodeVariables": ["SLURMD_NODENAME"], "rankVariables": ["RANK", "WORLD_SIZE"]}

    def test_nodes(self):
        def there(name):
            return process.elsewhere({"SLURMD_NODENAME": name}, self.request, ["n1", "n1.cluster"])

        self.assertFalse(there("n1"))
        self.assertFalse(there("n1.other"))
        self.assertTrue(there("n2"))
        self.assertFalse(process.elsewhere({}, self.request, ["n1"]))
        self.assertFalse(process.elsewhere(None, self.request, ["n1"]))

    def test_rank_values(self):
        question = type("Q", (), {"request": self.request, "process": Fake(1, RANK="3", HOME="/")})
        self.assertEqual(discover.rank_values(question), {"RANK": "3"})
