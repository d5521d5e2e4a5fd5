"""_outside tells what a process in a container is called outside of it."""
import os
import tempfile
import unittest
from unittest import mock

from remote_debug import _config, _job, _outside, _record


def here(**changes):
    """What rdg would have said if it had been started beside this process."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    machine = {
        "boot": boot,
        "pids": os.readlink("/proc/self/ns/pid"),
        "network": os.readlink("/proc/self/ns/net"),
        "host": "outer",
        "user": "ada",
        "state": None,
        "cache": None,
    }
    machine.update(changes)
    return machine


class Uid(unittest.TestCase):
    def uid(self, inside, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            with mock.patch("os.getuid", return_value=inside):
                return _outside.uid(file.name)

    def test_root_of_a_container_is_who_started_it(self):
        self.assertEqual(self.uid(0, "         0       1001          1\n         1     100000      65536\n"), 1001)

    def test_root_is_root_where_all_users_are_mapped(self):
        self.assertEqual(self.uid(0, "         0          0 4294967295\n"), 0)

    def test_another_number_stays(self):
        # Two namespaces, one in the other: the table tells of the middle one only.
        self.assertEqual(self.uid(1001, "0 1 1001\n1001 0 1\n1002 1002 64535\n"), 1001)

    def test_no_table_or_rubbish(self):
        self.assertEqual(self.uid(0, "rubbish\n"), 0)
        with mock.patch("os.getuid", return_value=0):
            self.assertEqual(_outside.uid("/none"), 0)


class Contained(unittest.TestCase):
    def test_by_process_ids_of_its_own_on_the_same_machine(self):
        for machine, contained, network in [
            (None, False, False),
            (here(), False, False),
            (here(network="net:[1]"), False, False),
            (here(pids="pid:[1]"), True, False),
            (here(pids="pid:[1]", network="net:[1]"), True, True),
            # Another node: its numbers mean nothing here.
            (here(boot="other", pids="pid:[1]", network="net:[1]"), False, False),
        ]:
            with self.subTest(machine):
                self.assertEqual(_outside.is_contained(machine), contained)
                self.assertEqual(_outside.has_own_network(machine), network)

    def test_is_called_as_its_machine_is(self):
        with mock.patch.dict(os.environ, {}, clear=True):
            self.assertEqual(_job.identity(here())["hostname"], os.uname().nodename)
            found = _job.identity(here(pids="pid:[1]"))
        self.assertEqual((found["hostname"], found["host"], found["cluster"]), ("outer",) * 3)

    def test_a_user_who_is_root_inside_only(self):
        with mock.patch("remote_debug._outside.uid", return_value=os.getuid() + 1):
            self.assertEqual(_job.user(here()), "ada")
        self.assertEqual(_job.user(here(user="other")), _job.user())


class Names(unittest.TestCase):
    def test_containers_of_one_node_have_files_of_their_own(self):
        values = {"host": "n1", "pid": 1, "pidNamespace": "pid:[4026531836]"}
        self.assertEqual(_record.name_of(values), "n1-1.json")
        self.assertEqual(_record.name_of(dict(values, pidNamespace=None)), "n1-1.json")
        self.assertEqual(_record.name_of(dict(values, pidNamespace="pid:[7]")), "n1-7-1.json")


class Folders(unittest.TestCase):
    def test_are_rdgs_where_they_are_seen(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"HOME": "/h"}, clear=True):
            config = dict(_config.DEFAULTS, machine=here(state=folder, cache=folder))
            self.assertEqual((_config.state_dir(config), _config.cache_dir(config)), (folder, folder))
            gone = dict(config, machine=here(state="/none", cache="/none"))
            self.assertEqual(_config.state_dir(gone), "/h/.local/state/rdg")
            self.assertEqual(_config.cache_dir(gone), "/h/.cache/rdg")
            os.environ["RDG_STATE_DIR"] = "/said"
            self.assertEqual(_config.state_dir(config), "/said")
