"""_job reads job and rank from the environment."""
import os
import unittest
from unittest import mock

from remote_debug import _job


def environment(**variables):
    return mock.patch.dict(os.environ, variables, clear=True)


class Rank(unittest.TestCase):
    def rank(self, **variables):
        with environment(**variables):
            found = _job.rank()
        return found and (found["launcher"], found["rank"], found["localRank"], found["worldSize"])

    def test_launchers(self):
        self.assertIsNone(self.rank())
        self.assertEqual(self.rank(RANK="1", WORLD_SIZE="2", LOCAL_RANK="1"), ("launcher", 1, 1, 2))
        torch = dict(RANK="1", WORLD_SIZE="2", LOCAL_RANK="0", TORCHELASTIC_RUN_ID="x")
        self.assertEqual(self.rank(**torch), ("torchrun", 1, 0, 2))
        self.assertEqual(self.rank(PMI_RANK="3", PMI_SIZE="4"), ("mpiexec", 3, None, 4))
        self.assertEqual(self.rank(PMIX_RANK="3"), ("prterun", 3, None, None))

    def test_restarts_left(self):
        torch = dict(RANK="1", WORLD_SIZE="2", TORCHELASTIC_RUN_ID="x")
        for more, left in (
            ({}, None),
            ({"COUNT": "1"}, None),
            ({"COUNT": "1", "MAX": "3"}, 2),
            ({"COUNT": "0", "MAX": "0"}, 0),
            ({"COUNT": "2", "MAX": "one"}, None),
        ):
            names = {"COUNT": "TORCHELASTIC_RESTART_COUNT", "MAX": "TORCHELASTIC_MAX_RESTARTS"}
            with environment(**dict(torch, **{names[name]: value for name, value in more.items()})):
                self.assertEqual(_job.rank()["restartsLeft"], left)
        with environment(RANK="1", WORLD_SIZE="2"):
            self.assertIsNone(_job.rank()["restartsLeft"])

    def test_the_innermost_counts(self):
        step = dict(SLURM_STEP_ID="0", SLURM_PROCID="1", SLURM_STEP_NUM_TASKS="2", SLURM_LOCALID="0")
        self.assertEqual(self.rank(**step), ("srun", 1, 0, 2))
        mpi = dict(OMPI_COMM_WORLD_RANK="5", OMPI_COMM_WORLD_SIZE="8", OMPI_COMM_WORLD_LOCAL_RANK="1")
        self.assertEqual(self.rank(**dict(step, **mpi)), ("mpirun", 5, 1, 8))
        prterun = dict(PMIX_RANK="3", PMIX_NAMESPACE="prterun-login-13918@1")
        self.assertEqual(self.rank(**dict(step, **prterun)), ("prterun", 3, None, None))
        hydra = dict(PMI_RANK="3", PMI_SIZE="4", MPI_LOCALRANKID="0", PMI_JOBID="36.0")
        self.assertEqual(self.rank(**dict(step, **hydra)), ("mpiexec", 3, 0, 4))

    def test_srun_is_no_other_launcher_whatever_it_sets(self):
        step = dict(SLURM_STEP_ID="0", SLURM_PROCID="1", SLURM_STEP_NUM_TASKS="2", SLURM_LOCALID="0")
        srun = ("srun", 1, 0, 2)
        pmi2 = dict(step, PMI_RANK="1", PMI_SIZE="2", PMI_JOBID="36.0", PMI_FD="11")
        self.assertEqual(self.rank(**pmi2), srun)
        pmix = dict(step, PMIX_RANK="1", PMIX_NAMESPACE="slurm.pmix.36.0")
        self.assertEqual(self.rank(**pmix), srun)
        self.assertEqual(self.rank(**dict(step, PALS_RANKID="1", PALS_APID="36.0")), srun)
        # Whoever else took PMI's variables over: the node's index would be a wrong rank.
        self.assertIsNone(self.rank(**dict(pmi2, PMI_RANK="0")))
        inner = dict(pmi2, RANK="5", WORLD_SIZE="8", LOCAL_RANK="1")
        self.assertEqual(self.rank(**inner), ("launcher", 5, 1, 8))

    def test_what_does_not_count(self):
        self.assertIsNone(self.rank(RANK="1"))
        self.assertIsNone(self.rank(RANK="2", WORLD_SIZE="2"))
        self.assertIsNone(self.rank(RANK="-1", WORLD_SIZE="2"))
        self.assertIsNone(self.rank(RANK="one", WORLD_SIZE="2"))
        self.assertIsNone(self.rank(RANK="", WORLD_SIZE="2"))
        batch = dict(SLURM_STEP_ID="4294967291", SLURM_PROCID="0", SLURM_STEP_NUM_TASKS="1")
        self.assertIsNone(self.rank(**batch))


class Identity(unittest.TestCase):
    def test_local(self):
        with environment():
            identity = _job.identity()
        hostname = os.uname().nodename
        self.assertEqual(identity["scheduler"], "local")
        self.assertEqual(identity["job"], {"id": "local", "display": "local", "step": None})
        self.assertEqual((identity["host"], identity["cluster"]), (hostname, hostname))
        self.assertIsNone(identity["submitHost"])

    def test_slurm_array(self):
        with environment(
            SLURM_JOB_ID="40",
            SLURM_ARRAY_JOB_ID="36",
            SLURM_ARRAY_TASK_ID="1",
            SLURM_STEP_ID="2",
            SLURM_CLUSTER_NAME="c",
            SLURMD_NODENAME="n1",
            SLURM_SUBMIT_HOST="login",
            SLURM_JOB_USER="me",
        ):
            identity = _job.identity()
        self.assertEqual(identity["job"], {"id": "40", "display": "36_1", "step": "2"})
        self.assertEqual(
            [identity[name] for name in ("scheduler", "cluster", "host", "submitHost", "user")],
            ["slurm", "c", "n1", "login", "me"],
        )

    def test_an_empty_variable_is_none(self):
        with environment(SLURM_JOB_ID="", SLURM_JOBID="7"):
            self.assertEqual(_job.job_id(_job.scheduler()), "7")
        with environment(SLURM_JOB_ID=""):
            self.assertIsNone(_job.job_id(_job.scheduler()))

    def test_user_without_an_entry(self):
        with environment(USER="named"), mock.patch("pwd.getpwuid", side_effect=KeyError):
            self.assertEqual(_job.user(), "named")
        with environment(), mock.patch("pwd.getpwuid", side_effect=KeyError):
            self.assertEqual(_job.user(), str(os.getuid()))
