import assert from "node:assert/strict";
import type { Environment, RunSpec } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { chooseScheduler, currentScheduler, jobId, schedulers } from "../../plugins/schedulers.ts";
import { environment, pure, sample } from "./schedulers/_feed.ts";

const serial = environment(sample("sge/8.1.9-env-serial.txt"));
const element = environment(sample("sge/8.1.9-env-array.txt"));

/** Environments of jobs, after the manuals; Grid Engine's are captured. */
const jobs: Readonly<Record<string, Environment>> = {
  slurm: { SLURM_JOB_ID: "36" },
  pbs: {
    PBS_JOBID: "1234[5].server",
    PBS_ENVIRONMENT: "PBS_BATCH",
    PBS_NODENUM: "0",
    PBS_O_HOST: "login1",
  },
  torque: {
    PBS_JOBID: "189[3].srv",
    PBS_ARRAYID: "3",
    PBS_ENVIRONMENT: "PBS_BATCH",
    PBS_NODENUM: "0",
    PBS_VNODENUM: "0",
    PBS_NUM_PPN: "4",
    PBS_VERSION: "TORQUE-6.1.1",
    PBS_O_HOST: "login1",
  },
  lsf: { LSB_JOBID: "22005", LSB_JOBINDEX: "0", LSB_SUB_HOST: "login1" },
  flux: { FLUX_JOB_ID: "ƒD2e73NP", FLUX_URI: "local:///run/flux/local" },
  htcondor: { _CONDOR_JOB_AD: "/scratch/.job.ad", BATCH_SYSTEM: "HTCondor" },
  sge: serial,
  local: { HOME: "/home/alice", PBS_O_HOST: "x", JOB_ID: "77", SGE_ROOT: "/var/lib/gridengine" },
};

pure("currentScheduler() knows every scheduler by its job's environment", () => {
  for (const [name, env] of Object.entries(jobs)) {
    assert.equal(currentScheduler(env).name, name);
  }
  assert.equal(currentScheduler({}).name, "local");
  assert.equal(currentScheduler({ SLURM_JOB_ID: "" }).name, "local");
  assert.deepEqual(Object.keys(jobs).sort(), schedulers.map(({ name }) => name).sort());
});

pure("currentScheduler() takes the outer Slurm job of a Flux instance", () => {
  assert.equal(currentScheduler({ ...jobs["flux"], ...jobs["slurm"] }).name, "slurm");
});

pure("currentScheduler() can be given other schedulers", () => {
  const [slurm] = schedulers;
  const mine = { ...slurm!, name: "mine", job: { present: [["MINE"]], job: ["MINE"] } };
  assert.equal(currentScheduler({ MINE: "1" }, [mine]).name, "mine");
  assert.equal(currentScheduler({ SLURM_JOB_ID: "1" }, [mine]).name, "local");
});

pure("jobId() is the unique id, that of an array's element included", () => {
  const identity = (env: Environment) => jobId(currentScheduler(env), env);
  assert.equal(identity(serial), "1");
  assert.equal(identity(element), "2.2");
  assert.equal(identity(jobs["lsf"]!), "22005");
  assert.equal(identity({ LSB_JOBID: "22011", LSB_JOBINDEX: "7" }), "22011[7]");
  assert.equal(identity({ LSB_JOBID: "$&", LSB_JOBINDEX: "$1" }), "$&[$1]", "as it stands");
  assert.equal(identity(jobs["pbs"]!), "1234[5].server");
  assert.equal(identity(jobs["torque"]!), "189[3].srv");
  assert.equal(identity(jobs["flux"]!), "ƒD2e73NP");
  assert.equal(identity({ SLURM_JOB_ID: "37", SLURM_ARRAY_TASK_ID: "1" }), "37");
  assert.equal(identity(jobs["htcondor"]!), undefined);
  assert.equal(identity({}), undefined);
});

function choose(
  options: { name?: string; env?: Environment; programs?: readonly string[] },
): string {
  const { name, env = {}, programs = [] } = options;
  return chooseScheduler({ name, env, isOnPath: (program) => programs.includes(program) }).name;
}

pure("chooseScheduler() goes by name, environment, programs, in this order", () => {
  const env = { ...jobs["lsf"], RDG_SCHEDULER: "flux" };
  assert.equal(choose({ name: "sge", env, programs: ["squeue"] }), "sge");
  assert.equal(choose({ env, programs: ["squeue"] }), "flux");
  assert.equal(choose({ env: jobs["lsf"]!, programs: ["squeue"] }), "lsf");
  assert.equal(choose({ programs: ["squeue"] }), "slurm");
  assert.equal(choose({ name: "local", programs: ["squeue"] }), "local");
  assert.equal(choose({ env: { RDG_SCHEDULER: "" } }), "local");
  assert.equal(choose({}), "local");
});

pure("chooseScheduler() tells relatives apart by the programs that only one has", () => {
  const common = ["qstat", "qselect", "qsub", "qsig"];
  assert.equal(choose({ programs: [...common, "pbsnodes", "pbs_rstat"] }), "pbs");
  assert.equal(choose({ programs: [...common, "pbsnodes", "qchkpt", "pbs_track"] }), "torque");
  assert.equal(choose({ programs: [...common, "pbsnodes", "pbs_track"] }), "torque");
  assert.equal(choose({ programs: [...common, "pbsnodes"] }), "pbs");
  assert.equal(choose({ programs: [...common, "qconf", "qhost"] }), "sge");
  assert.equal(choose({ programs: common }), "local");
  // Slurm's wrappers for people who come from PBS.
  assert.equal(choose({ programs: [...common, "pbsnodes", "squeue"] }), "slurm");
});

pure("chooseScheduler() answers an unknown name with the nearest one", () => {
  const failure = (options: Parameters<typeof choose>[0]) => {
    let caught: unknown;
    assert.throws(() => choose(options), (error) => {
      caught = error;
      return error instanceof RdgError && error.exitCode === ExitCode.usage;
    });
    return caught as RdgError;
  };
  const slip = failure({ name: "slrum" });
  assert.equal(slip.message, 'Cannot use "--scheduler=slrum": there is no such scheduler');
  assert.equal(slip.hint, "--scheduler=slurm");
  assert.equal(failure({ name: "PBS" }).hint, "--scheduler=pbs");
  const variable = failure({ env: { RDG_SCHEDULER: "torqe" } });
  assert.match(variable.message, /"RDG_SCHEDULER=torqe"/);
  assert.equal(variable.hint, "RDG_SCHEDULER=torque");
  assert.match(failure({ name: "kubernetes" }).hint!, /one of: slurm, torque, pbs, .*local$/);
});

pure("every scheduler keeps to the contract", () => {
  assert.equal(new Set(schedulers.map(({ name }) => name)).size, schedulers.length);
  assert.equal(schedulers.at(-1)!.name, "local");
  for (const plugin of schedulers) {
    assert.equal(plugin.contract, 1);
    assert.equal(plugin.kind, "scheduler");
    assert.match(plugin.name, /^[a-z][a-z0-9-]*$/);
    assert.ok(plugin.summary.length > 0 && plugin.summary.length <= 100, plugin.summary);
    for (const program of plugin.programs) assert.match(program, /^[\w.-]+$/);
    const { job } = plugin;
    if (plugin.name !== "local") {
      assert.ok(job.present.length > 0 && job.present.every((names) => names.length > 0));
      assert.ok(job.job.length > 0 || job.jobFile, `${plugin.name} has an id`);
      assert.ok(plugin.detect.length > 0);
    }
    if (job.elementId) {
      assert.match(job.elementId, /\{job\}.*\{index\}/);
      assert.ok(job.arrayIndex);
    }
  }
  const decisive = schedulers.flatMap(({ detect: [first] }) => first ?? []);
  assert.equal(new Set(decisive).size, decisive.length, "no decisive program is shared");
});

pure("every scheduler asks for declared programs only, with plain arguments", () => {
  const target = { job: "1", nodes: ["n1"], jobNodes: ["n1"] };
  for (const plugin of schedulers) {
    const specs: (RunSpec | null | undefined)[] = [
      plugin.list({ user: "alice" }).next().value as RunSpec | undefined,
      plugin.lookup?.("1").next().value as RunSpec | undefined,
      plugin.clusterName?.().next().value as RunSpec | undefined,
      plugin.output?.("1").next().value as RunSpec | undefined,
      plugin.helper?.(target, ["python3", "-c", "print(1)"]),
      plugin.broadcast?.({ job: "1", signal: 40 }),
    ];
    for (const spec of specs) {
      if (!spec || !("program" in spec)) continue;
      assert.ok(plugin.programs.includes(spec.program), `${plugin.name}: ${spec.program}`);
      assert.ok(spec.args.every((word) => typeof word === "string" && !word.includes("\0")));
    }
  }
});

pure("no scheduler takes a failing program for an empty list", () => {
  for (const plugin of schedulers) {
    const steps = plugin.list({ user: "alice" });
    if (steps.next().done) continue;
    const failed = { code: 1, stdout: "", stderr: "cannot connect to the server" };
    assert.throws(() => steps.next(failed), (error) => {
      assert.ok(error instanceof RdgError, plugin.name);
      assert.equal(error.exitCode, ExitCode.scheduler);
      assert.match(String(error.cause), /cannot connect to the server/);
      assert.ok(error.hint);
      return true;
    });
  }
});
