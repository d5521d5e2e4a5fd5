"""_role tells programs, launchers and helpers apart."""
import os
import sys
import unittest

from remote_debug import _command, _role


def command(*words):
    return _command.parse(["python"] + list(words))


class Role(unittest.TestCase):
    def test_is_debugpy(self):
        for words, wanted in [
            (["-m", "debugpy", "--listen", "1", "s.py"], True),
            (["-m", "debugpy.adapter"], True),
            (["/x/debugpy/adapter", "--for-server", "1"], True),
            (["/x/debugpy/launcher", "1", "--", "s.py"], True),
            (["/x/debugpy/__main__.py"], True),
            (["-m", "debugpyx"], False),
            (["/home/me/debugpy/train.py"], False),
            (["adapter"], False),
            (["-c", "import debugpy"], False),
        ]:
            with self.subTest(words):
                self.assertEqual(_role.is_debugpy(command(*words)), wanted)

    def test_is_launcher(self):
        for words, wanted in [
            (["/venv/bin/torchrun", "s.py"], True),
            (["-m", "torch.distributed.run", "s.py"], True),
            (["-m", "accelerate.commands.launch", "s.py"], True),
            (["/usr/bin/conda", "run", "python"], True),
            (["torchrun.py"], False),
            (["-m", "torch.distributed"], False),
            (["-c", "torchrun"], False),
            (["train.py", "torchrun"], False),
        ]:
            with self.subTest(words):
                self.assertEqual(_role.is_launcher(command(*words)), wanted)

    def test_is_helper(self):
        for words, wanted in [
            (["-c", "from multiprocessing.spawn import spawn_main; spawn_main(pipe_handle=5)", "--multiprocessing-fork"], True),
            (["-c", "from multiprocessing.resource_tracker import main;main(4)"], True),
            (["-m", "joblib.externals.loky.backend.popen_loky_posix"], True),
            (["-c", "print(1)"], False),
            (["train.py"], False),
        ]:
            with self.subTest(words):
                self.assertEqual(_role.is_helper(command(*words)), wanted)

    def test_is_named(self):
        words = ["uv", "run", "pytest", "-k", "x", "tools/train.py"]
        self.assertTrue(_role.is_named(command("/venv/bin/pytest"), words))
        self.assertTrue(_role.is_named(command("train.py"), words))
        self.assertTrue(_role.is_named(command("-m", "pytest"), words))
        self.assertFalse(_role.is_named(command("other.py"), words))
        self.assertFalse(_role.is_named(command(), words))

    def test_matches(self):
        self.assertTrue(_role.matches(command("/x/eval_1.py"), ["eval*.py"]))
        self.assertTrue(_role.matches(command("/x/eval_1.py"), ["no", "/x/*"]))
        self.assertTrue(_role.matches(command("-m", "pkg.train"), ["pkg.*"]))
        self.assertFalse(_role.matches(command("train.py"), ["eval*.py"]))
        self.assertFalse(_role.matches(command("train.py"), []))

    def test_is_own_code(self):
        for words, wanted in [
            (["train.py"], True),
            (["/home/me/project/train.py"], True),
            (["/venv/bin/pytest"], False),
            (["/x/lib/python3/site-packages/pkg/cli.py"], False),
            (["/usr/lib/python3/dist-packages/tool.py"], False),
            (["-m", "json.tool"], False),
            (["-m", "no_such_module_anywhere"], True),
            (["-c", "pass"], False),
            ([], False),
        ]:
            with self.subTest(words):
                self.assertEqual(_role.is_own_code(command(*words)), wanted)

    def test_is_there(self):
        before = list(sys.path)
        for words, wanted in [
            ([os.path.abspath(__file__)], True),
            ([os.path.dirname(os.path.abspath(__file__))], True),
            (["nosuch.py"], False),
            ([""], False),
            (["-m", "json.tool"], True),
            (["-m", "this"], True),
            (["-m", "sys"], True),
            (["-m", "no_such_module_anywhere.sub"], False),
            (["-c", "pass"], True),
            (["-"], True),
        ]:
            with self.subTest(words):
                self.assertEqual(_role.is_there(command(*words)), wanted)
        self.assertEqual(sys.path, before)

    def test_in_ranks(self):
        ranges = [[0, 0], [3, 5]]
        self.assertEqual([n for n in range(8) if _role.in_ranks(n, ranges)], [0, 3, 4, 5])
        self.assertTrue(_role.in_ranks(None, ranges))
        self.assertFalse(_role.in_ranks(None, [[1, 2]]))
        self.assertTrue(_role.in_ranks(7, None))
