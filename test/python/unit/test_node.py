"""The helpers of python/node: what forbids to look into a process, and what is brought into it."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["PYTHONPATH"].split(os.pathsep)[0], "node"))

import discover  # noqa: E402
import inject  # noqa: E402
import process  # noqa: E402
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
            answer = folder + "/answer"
            options = {"folder": where, "config": {"modes": ["lite"], "state": None}}
            lines = inject.lines_for(options, answer)
            code = "import sys; sys.path = []; before = set(globals())\n%s\nprint(set(globals()) - before)"
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", code % lines.decode("ascii")],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout.strip(), b"{'before'}")
            with open(answer, "rb") as file:
                self.assertTrue(file.read().decode().startswith(said))
            os.unlink(answer)

    def test_the_blank_for_the_address_is_the_only_one(self):
        lines = inject.lines_for({"folder": "/home/ada/.cache", "config": {}})
        self.assertEqual(lines.count(inject.BLANK.encode()), 1)

    def test_the_answer(self):
        self.assertTrue(inject.judge("ok"))
        with self.assertRaises(process.Refused) as caught:
            inject.judge("error no debugpy")
        self.assertEqual(caught.exception.detail, "no debugpy")

    def test_remote_exec_is_for_3_14(self):
        self.assertFalse(inject.may_remote_exec({}, None))
        self.assertFalse(inject.may_remote_exec({}, (3, 13)))
        self.assertTrue(inject.may_remote_exec({}, (3, 14)))
        self.assertTrue(inject.may_remote_exec(None, (3, 15)))
        self.assertFalse(inject.may_remote_exec({"PYTHON_DISABLE_REMOTE_DEBUG": "1"}, (3, 14)))
        self.assertEqual(inject.version_of(Fake(os.getpid())), sys.version_info[:2])


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
