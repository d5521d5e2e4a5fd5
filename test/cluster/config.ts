/**
 * The texts that a small Slurm is configured with. Pure.
 *
 * Several slurmd on one machine, as in slurm.conf(5), "NodeName": each has a port of its own.
 * `config_overrides` lets a node claim more processors than the machine has, `linuxproc` and
 * `task/none` need no cgroups.
 *
 * @module
 */

/** What slurm.conf depends on. */
export interface SlurmOptions {
  /** Folder that holds all of the cluster's state. */
  root: string;
  /** Name of the cluster. */
  clusterName: string;
  /** Name of the machine that slurmctld runs on, as `hostname` prints it there. */
  controller: string;
  /** Port of slurmctld. */
  controllerPort: number;
  /** The nodes, each with its port. */
  nodes: readonly { name: string; port: number }[];
  /** Processors that each node claims to have. */
  cpus: number;
}

/**
 * Writes slurm.conf.
 *
 * @param options Names, ports and folders.
 * @returns The text.
 */
export function slurmConf(options: SlurmOptions): string {
  const { root } = options;
  return [
    `ClusterName=${options.clusterName}`,
    `SlurmctldHost=${options.controller}(127.0.0.1)`,
    `SlurmctldPort=${options.controllerPort}`,
    "SlurmUser=root",
    "SlurmdUser=root",
    "AuthType=auth/munge",
    `AuthInfo=socket=${root}/munge/socket`,
    `StateSaveLocation=${root}/state`,
    `SlurmdSpoolDir=${root}/spool/%n`,
    `SlurmctldPidFile=${root}/run/slurmctld.pid`,
    `SlurmdPidFile=${root}/run/slurmd-%n.pid`,
    `SlurmctldLogFile=${root}/log/slurmctld.log`,
    `SlurmdLogFile=${root}/log/slurmd-%n.log`,
    `PlugStackConfig=${root}/plugstack.conf`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "MpiDefault=none",
    "JobAcctGatherType=jobacct_gather/none",
    "AccountingStorageType=accounting_storage/none",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_CPU_Memory",
    "SlurmdParameters=config_overrides",
    "SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1",
    "ReturnToService=2",
    "KillWait=5",
    "MinJobAge=300",
    "DefMemPerCPU=10",
    ...options.nodes.map(({ name, port }) =>
      `NodeName=${name} NodeHostname=${name} NodeAddr=127.0.0.1 Port=${port} ` +
      `CPUs=${options.cpus} RealMemory=1000 State=UNKNOWN`
    ),
    "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    "PartitionName=dark Nodes=ALL Hidden=YES MaxTime=INFINITE State=UP",
    "",
  ].join("\n");
}

/**
 * Writes the cluster's /etc/hosts.
 *
 * @param names Short names of its machines.
 * @param base What stands in /etc/hosts already.
 * @returns The text.
 */
export function hostsFile(names: readonly string[], base: string): string {
  return [
    ...names.map((name) => `127.0.0.1 ${name}.cluster.test ${name}`),
    base.trimEnd(),
    "",
  ].join("\n");
}

/**
 * Writes sshd_config of the login node: one port, one user, keys only.
 *
 * @param options Folder, port and the user's name.
 * @returns The text.
 */
export function sshdConfig(options: { root: string; port: number; user: string }): string {
  const { root } = options;
  return [
    `Port ${options.port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${root}/ssh/host_key`,
    `PidFile ${root}/run/sshd.pid`,
    `AuthorizedKeysFile ${root}/ssh/authorized_keys`,
    `AllowUsers ${options.user}`,
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "StrictModes no",
    "PermitUserEnvironment no",
    "AcceptEnv SLURM_CONF DENO_DIR",
    `SetEnv SLURM_CONF=${root}/slurm.conf`,
    "Subsystem sftp internal-sftp",
    "",
  ].join("\n");
}
