"""What both sides know, of schedulers, launchers and debugpy. Written by `deno task generate`."""

SCHEDULERS = (
    {"name": "slurm", "job": {"present": (("SLURM_JOB_ID", "SLURM_JOBID"),), "job": ("SLURM_JOB_ID", "SLURM_JOBID"), "arrayJob": ("SLURM_ARRAY_JOB_ID",), "arrayIndex": ("SLURM_ARRAY_TASK_ID",), "step": ("SLURM_STEP_ID", "SLURM_STEPID"), "cluster": ("SLURM_CLUSTER_NAME",), "node": ("SLURMD_NODENAME",), "submitHost": ("SLURM_SUBMIT_HOST",), "user": ("SLURM_JOB_USER",)}},
    {"name": "torque", "job": {"present": (("PBS_JOBID",), ("PBS_VERSION", "PBS_VNODENUM", "PBS_NUM_PPN")), "job": ("PBS_JOBID",), "submitHost": ("PBS_O_HOST",)}},
    {"name": "pbs", "job": {"present": (("PBS_JOBID",),), "absent": ("PBS_VERSION", "PBS_VNODENUM", "PBS_NUM_PPN"), "job": ("PBS_JOBID",), "submitHost": ("PBS_O_HOST",)}},
    {"name": "lsf", "job": {"present": (("LSB_JOBID",),), "job": ("LSB_JOBID",), "arrayJob": ("LSB_JOBID",), "arrayIndex": ("LSB_JOBINDEX",), "noArrayIndex": ("0",), "elementId": "{job}[{index}]", "cluster": ("LSB_EXEC_CLUSTER",), "submitHost": ("LSB_SUB_HOST",)}},
    {"name": "flux", "job": {"present": (("FLUX_JOB_ID",),), "job": ("FLUX_JOB_ID",)}},
    {"name": "htcondor", "job": {"present": (("_CONDOR_JOB_AD",),), "job": (), "jobFile": {"variable": "_CONDOR_JOB_AD", "names": ("ClusterId", "ProcId")}}},
    {"name": "sge", "job": {"present": (("JOB_ID",), ("SGE_TASK_ID", "SGE_JOB_SPOOL_DIR")), "job": ("JOB_ID",), "arrayJob": ("JOB_ID",), "arrayIndex": ("SGE_TASK_ID",), "noArrayIndex": ("undefined",), "elementId": "{job}.{index}", "cluster": ("SGE_CLUSTER_NAME", "SGE_CELL"), "node": ("HOSTNAME",), "submitHost": ("SGE_O_HOST",)}},
)  # type: tuple

RANKS = (
    {"launcher": "torchrun", "requires": ("TORCHELASTIC_RUN_ID",), "rank": "RANK", "size": "WORLD_SIZE", "localRank": "LOCAL_RANK", "restarts": {"count": "TORCHELASTIC_RESTART_COUNT", "most": "TORCHELASTIC_MAX_RESTARTS"}},
    {"launcher": "mpirun", "requires": ("OMPI_COMM_WORLD_RANK",), "rank": "OMPI_COMM_WORLD_RANK", "size": "OMPI_COMM_WORLD_SIZE", "localRank": "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"launcher": "mvapich", "requires": ("MV2_COMM_WORLD_RANK",), "rank": "MV2_COMM_WORLD_RANK", "size": "MV2_COMM_WORLD_SIZE", "localRank": "MV2_COMM_WORLD_LOCAL_RANK"},
    {"launcher": "pals", "requires": ("PALS_RANKID",), "rank": "PALS_RANKID", "size": "PALS_SIZE", "localRank": "PALS_LOCAL_RANKID", "unless": {"variable": "SLURM_STEP_ID", "begins": ""}},
    {"launcher": "jsrun", "requires": ("JSM_NAMESPACE_RANK",), "rank": "JSM_NAMESPACE_RANK", "size": "JSM_NAMESPACE_SIZE", "localRank": "JSM_NAMESPACE_LOCAL_RANK"},
    {"launcher": "flux", "requires": ("FLUX_TASK_RANK",), "rank": "FLUX_TASK_RANK", "size": "FLUX_JOB_SIZE", "localRank": "FLUX_TASK_LOCAL_ID"},
    {"launcher": "prterun", "requires": ("PMIX_RANK",), "rank": "PMIX_RANK", "unless": {"variable": "PMIX_NAMESPACE", "begins": "slurm."}},
    {"launcher": "mpiexec", "requires": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"), "rank": "PMI_RANK", "size": "PMI_SIZE", "localRank": "MPI_LOCALRANKID"},
    {"launcher": "mpiexec", "requires": ("PMI_RANK", "PMI_SIZE"), "rank": "PMI_RANK", "size": "PMI_SIZE", "unless": {"variable": "PMI_JOBID", "begins": ""}},
    {"launcher": "launcher", "requires": ("RANK", "WORLD_SIZE"), "rank": "RANK", "size": "WORLD_SIZE", "localRank": "LOCAL_RANK"},
    {"launcher": "srun", "rank": "SLURM_PROCID", "size": "SLURM_STEP_NUM_TASKS", "localRank": "SLURM_LOCALID", "below": {"variable": "SLURM_STEP_ID", "limit": 4294967280}, "requires": ("SLURM_STEP_ID", "PMI_RANK"), "equal": (("PMI_RANK", "SLURM_PROCID"), ("PMI_SIZE", "SLURM_STEP_NUM_TASKS"))},
    {"launcher": "srun", "rank": "SLURM_PROCID", "size": "SLURM_STEP_NUM_TASKS", "localRank": "SLURM_LOCALID", "below": {"variable": "SLURM_STEP_ID", "limit": 4294967280}, "requires": ("SLURM_STEP_ID",), "unless": {"variable": "PMI_RANK", "begins": ""}},
)  # type: tuple

OLDEST_DEBUGPY = {"3.14": "1.8.15"}  # type: dict
