"""_command.parse() takes a command line apart as CPython does."""
import subprocess
import sys
import unittest

from remote_debug import _command


def parts(*words):
    command = _command.parse(["python"] + list(words))
    return command.kind, command.target, command.options, command.args


class Parse(unittest.TestCase):
    def test_forms(self):
        for words, wanted in [
            ([], ("interactive", "", [], [])),
            (["-i"], ("interactive", "", ["-i"], [])),
            (["s.py"], ("script", "s.py", [], [])),
            (["s.py", "-m", "x"], ("script", "s.py", [], ["-m", "x"])),
            (["-u", "-X", "dev", "s.py", "a"], ("script", "s.py", ["-u", "-X", "dev"], ["a"])),
            (["-Xdev", "s.py"], ("script", "s.py", ["-Xdev"], [])),
            (["-uW", "error", "s.py"], ("script", "s.py", ["-uW", "error"], [])),
            (["-Wcmodule", "s.py"], ("script", "s.py", ["-Wcmodule"], [])),
            (["-m", "pkg.mod", "-c"], ("module", "pkg.mod", [], ["-c"])),
            (["-mpkg"], ("module", "pkg", [], [])),
            (["-um", "mod", "a"], ("module", "mod", ["-u"], ["a"])),
            (["-c", "pass", "--", "x"], ("code", "pass", [], ["--", "x"])),
            (["-cpass"], ("code", "pass", [], [])),
            (["-Bc", "pass"], ("code", "pass", ["-B"], [])),
            (["-m"], ("module", "", [], [])),
            (["-"], ("stdin", "-", [], [])),
            (["-u", "-", "a"], ("stdin", "-", ["-u"], ["a"])),
            (["--", "-odd.py"], ("script", "-odd.py", ["--"], [])),
            (["--check-hash-based-pycs", "always", "s.py"], ("script", "s.py", ["--check-hash-based-pycs", "always"], [])),
            (["-X"], ("interactive", "", ["-X"], [])),
        ]:
            with self.subTest(words):
                self.assertEqual(parts(*words), wanted)

    def test_agrees_with_python(self):
        code = "import sys; print(sys.argv)"
        for options in (["-u"], ["-X", "dev"], ["-Wignore"], ["-W", "ignore"], ["-bB"], ["-Xutf8=1"]):
            words = [sys.executable] + options + ["-c", code, "-m", "x"]
            told = subprocess.check_output(words).decode().strip()
            command = _command.parse(words)
            self.assertEqual(told, repr(["-c"] + command.args))
            self.assertEqual((command.kind, command.options), ("code", options))

    def test_original_names_this_interpreter(self):
        self.assertIn("unittest", _command.original())

    def test_head_bounds_the_length(self):
        self.assertEqual(_command.head(["a", "b"]), ["a", "b"])
        self.assertEqual(_command.head(["a", "x" * 9000, "b"]), ["a"])
        self.assertLess(len(_command.head(["word"] * 5000)), 2000)
