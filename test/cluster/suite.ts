/**
 * The frame of a test file on the real Slurm: one cluster for the file, with rdg installed, started
 * before the first test and taken down after the last; every test leaves no job behind. Where the
 * machine can't run the cluster, each test says that it was skipped, and why.
 *
 * @module
 */

import { type Cluster, startCluster } from "./cluster.ts";
import { installRdg } from "./install.ts";
import { endJobs } from "./jobs.ts";
import { whyNoCluster } from "./packages.ts";

/** What a file needs. */
export interface SuiteOptions {
  /** What the name of each test begins with: `rdg attach`. */
  subject?: string;
  /** Start sshd on the login node. */
  ssh?: boolean;
  /** Why the tests can't run for another reason than the cluster's, or null. */
  whyNot?: () => Promise<string | null>;
  /** Called once the cluster runs, and rdg is installed. */
  setUp: (cluster: Cluster) => Promise<void>;
  /** Called after each test, before its jobs are ended. */
  tidy?: () => Promise<void>;
  /** Called before the cluster is taken down. */
  tearDown?: () => Promise<void>;
}

/** Adds one test; `missing` says why it alone can't run. */
export type SuiteTest = (name: string, fn: () => Promise<void>, missing?: string | null) => void;

/**
 * Makes the frame; called once at the top of a test file.
 *
 * @param options What the file needs.
 * @returns Adds a test.
 */
export async function slurmSuite(options: SuiteOptions): Promise<SuiteTest> {
  const { ssh = false, subject } = options;
  const reason = await whyNoCluster({ ssh }) ?? await options.whyNot?.() ?? null;
  const skip = (name: string, why: string) =>
    Deno.test({ name: `${fullName(name, subject)} (skipped: ${why})`, ignore: true, fn: () => {} });
  if (reason !== null) return (name) => skip(name, reason);
  let cluster: Cluster | undefined;
  Deno.test.beforeAll(async () => {
    cluster = await startCluster({ ssh });
    await installRdg(cluster);
    await options.setUp(cluster);
  });
  Deno.test.afterAll(async () => {
    await options.tearDown?.();
    await cluster?.stop();
  });
  return (name, fn, missing = null) => {
    if (missing !== null) return skip(name, missing);
    Deno.test(fullName(name, subject), async () => {
      try {
        await fn();
      } finally {
        await options.tidy?.();
        await endJobs(cluster!);
      }
    });
  };
}

function fullName(name: string, subject: string | undefined): string {
  return subject === undefined ? name : `${subject} ${name}`;
}
