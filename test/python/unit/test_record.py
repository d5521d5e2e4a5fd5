"""_record writes what JSON readers read, into a private folder, and never fails."""
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from remote_debug import _config, _record


class Dump(unittest.TestCase):
    def test_is_json(self):
        for value in (
            None,
            True,
            False,
            0,
            -12,
            1.5,
            1e300,
            "",
            "plain",
            'quo"te \\ / \n \x00 \x7f \u2028 é 🐍',
            "\udcff",
            [],
            ["a", [1, None], {}],
            {},
            {"key": {"in": [True]}, "": "x"},
        ):
            with self.subTest(value):
                text = _record.dump(value)
                self.assertEqual(json.loads(text), value)
                text.encode("ascii")

    def test_tuples_are_lists(self):
        self.assertEqual(_record.dump((1, "a")), '[1, "a"]')

    def test_is_read_back_as_configuration(self):
        given = dict(_config.DEFAULTS, command=["a\udcff", "é\n'\""], ranks=[[0, 3]], waitTimeout=1.5)
        with mock.patch.dict(os.environ, {"RDG_CONFIG": _record.dump(given)}):
            read = _config.read()
        self.assertEqual(read, _config.complete(given))

    def test_another_format_is_refused(self):
        for text in ('{"format": 2}', "nonsense", "[]", "{}", "__import__('os')"):
            with mock.patch.dict(os.environ, {"RDG_CONFIG": text}), self.assertRaises(ValueError):
                _config.read()


class FileName(unittest.TestCase):
    def test_is_one_part_of_a_path(self):
        for text, wanted in [
            ("node-1", "node-1"),
            ("36[1]", "36[1]"),
            ("a/b", "a_b"),
            ("..", "_."),
            (".hidden", "_hidden"),
            ("", "_"),
            ("é b\n", "__b_"),
        ]:
            with self.subTest(text):
                self.assertEqual(_record.file_name(text), wanted)


class Write(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.lines = []
        for patch in (
            mock.patch.dict(os.environ, {"RDG_STATE_DIR": self.state}),
            mock.patch("remote_debug._say.note", self.lines.append),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def record(self):
        return _record.Record(_config.complete(_config.DEFAULTS), ["python", "s.py"])

    def test_writes_replaces_and_removes(self):
        record = self.record()
        record.write()
        record.write(state="listening", token="secret")
        with open(record.path) as file:
            values = json.load(file)
        self.assertEqual((values["state"], values["token"], values["pid"]), ("listening", "secret", os.getpid()))
        self.assertEqual(values["startTime"], _record.start_time())
        self.assertEqual(stat.S_IMODE(os.stat(record.path).st_mode), 0o600)
        folder = os.path.dirname(record.path)
        while folder != os.path.dirname(self.state):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
            folder = os.path.dirname(folder)
        self.assertEqual(os.listdir(os.path.dirname(record.path)), [os.path.basename(record.path)])
        record.remove()
        self.assertFalse(os.path.exists(record.path))
        self.assertEqual(self.lines, [])

    def test_a_fork_leaves_its_parents_record(self):
        record = self.record()
        record.write()
        record.values["pid"] += 1
        record.remove()
        self.assertTrue(os.path.exists(record.path))

    def test_a_folder_that_others_may_write_is_refused_once(self):
        os.makedirs(os.path.join(self.state, "sessions"))
        os.chmod(os.path.join(self.state, "sessions"), 0o777)
        record = self.record()
        record.write()
        record.write(state="listening")
        self.assertEqual(len(self.lines), 1)
        self.assertIn("others may write into", self.lines[0])

    def test_a_link_below_the_state_folder_is_refused(self):
        os.makedirs(self.state)
        os.symlink("/tmp", os.path.join(self.state, "sessions"))
        record = self.record()
        record.write()
        self.assertEqual(len(self.lines), 1)
        self.assertFalse(record.written)

    @unittest.skipIf(os.getuid() != 0, "only root can give a folder to another user")
    def test_a_folder_that_another_user_prepared_is_refused(self):
        for part in ("", "sessions"):
            folder = os.path.join(self.state, part)
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, 65534, 65534)
            record = self.record()
            record.write(token="secret")
            self.assertFalse(record.written)
            self.assertIn("belongs to another user", self.lines.pop())
            self.assertEqual(os.listdir(folder), [])
            os.chown(folder, 0, 0)

    def test_a_file_in_the_way_is_replaced_not_followed(self):
        target = os.path.join(os.path.dirname(self.state), "target")
        with open(target, "w") as file:
            file.write("mine")
        record = self.record()
        os.makedirs(os.path.dirname(record.path), 0o700)
        os.chmod(self.state, 0o700)
        os.symlink(target, record.path)
        record.write(token="secret")
        self.assertTrue(record.written, self.lines)
        with open(target) as file:
            self.assertEqual(file.read(), "mine")
        self.assertFalse(os.path.islink(record.path))

    def left_behind(self, record, name, **changes):
        """A record as another process of this machine would have written it."""
        with open(os.path.join(os.path.dirname(record.path), name), "w") as file:
            file.write(_record.dump(dict(record.values, **changes)))

    def test_the_first_write_sweeps_what_killed_processes_left_here(self):
        record = self.record()
        folder, name = os.path.split(record.path)
        head = name[: -len("%d.json" % os.getpid())]
        os.makedirs(folder, 0o700)
        os.chmod(self.state, 0o700)
        gone = "%s%d.json" % (head, 2**22 + 1)
        kept = {
            "%s%d.json" % (head, os.getppid()),
            "%s%d.json" % (head, 2**64),  # no process ever had it
            "other%s%d.json" % (head, 2**22 + 1),
            "%s7-%d.json" % (head, 2**22 + 1),  # a container's
            gone + ".tmp",
        }
        for other in kept | {gone}:
            self.left_behind(record, other)
        record.write()
        self.assertEqual(set(os.listdir(folder)), kept | {name})
        self.left_behind(record, gone)
        record.write()
        self.assertIn(gone, os.listdir(folder))

    def test_the_sweep_leaves_what_may_be_of_another_machine_or_namespace(self):
        for mine, theirs, kept in (
            ("a", {"boot": "a"}, False),
            ("a", {"boot": "b"}, True),
            ("a", {"boot": "b", "command": ['"boot": "a"']}, True),
            ("a", {"boot": "a", "pidNamespace": None}, True),
            ("a", {"boot": None}, True),
            (None, {"boot": None}, True),
        ):
            with self.subTest(mine=mine, theirs=theirs), mock.patch("remote_debug._outside.boot", lambda: mine):
                record = self.record()
                folder, name = os.path.split(record.path)
                os.makedirs(folder, 0o700, exist_ok=True)
                os.chmod(self.state, 0o700)
                gone = "%s%d.json" % (name[: -len("%d.json" % os.getpid())], 2**22 + 1)
                self.left_behind(record, gone, **theirs)
                record.write()
                self.assertEqual(os.path.exists(os.path.join(folder, gone)), kept)
        del record.values["boot"]  # as older versions wrote it
        self.left_behind(record, gone)
        with mock.patch("remote_debug._outside.boot", lambda: "a"):
            self.record().write()
        self.assertIn(gone, os.listdir(folder))

    #: Leaves two records: one of a process that lives but that /proc doesn't show, one of none.
    HIDDEN = """
import os
from remote_debug import _config, _record
record = _record.Record(_config.complete(_config.DEFAULTS), ["python"])
end, go_on = os.pipe()
for _ in range(1000):
    child = os.fork()
    if child == 0:
        os.close(go_on)
        os.read(end, 1)
        os._exit(0)
    if not os.path.exists("/proc/%d" % child):
        break
folder, name = os.path.split(record.path)
os.makedirs(folder, 0o700)
for number in (child, 2**22 + 1):
    name = "%s-%d.json" % (record.path.rpartition("-")[0], number)
    with open(name, "w") as file:
        file.write(_record.dump(record.values))
    print(number == child, os.path.exists("/proc/%d" % number), end=" ")
    record.written = False
    record.write()
    print(os.path.exists(name))
"""

    def test_the_sweep_leaves_a_live_process_that_proc_hides(self):
        """A process-id namespace whose /proc is the outer one, as hidepid=2 hides other containers'."""
        unshare = ["unshare", "--pid", "--fork"] + ([] if os.getuid() == 0 else ["--map-root-user"])
        try:
            subprocess.run(unshare + ["true"], check=True, stderr=subprocess.PIPE)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest("no namespace can be made here: %s" % error)
        done = subprocess.run(
            unshare + [sys.executable, "-c", self.HIDDEN],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said = done.stdout.decode().splitlines()
        self.assertEqual(said, ["True False True", "False False False"], done.stderr.decode())

    def test_start_time(self):
        self.assertIsNone(_record.start_time("no"))
        with mock.patch("builtins.open", return_value=io.BytesIO(b"1 (a) b) S " + b" ".join(b"%d" % n for n in range(4, 30)))):
            self.assertEqual(_record.start_time(), 22)
