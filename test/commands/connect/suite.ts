/**
 * The frame of a test file of `rdg connect`: the test cluster with sshd as its login node, and a laptop of
 * its own user. Every test leaves no job, no file of the laptop's and no closed port behind.
 *
 * @module
 */

import type { Cluster } from "../../cluster/cluster.ts";
import { counting, writeProgram } from "../../cluster/jobs.ts";
import { slurmSuite, type SuiteTest } from "../../cluster/suite.ts";
import { type Laptop, makeLaptop, whyNoLaptop } from "./laptop.ts";

/** What a file needs. */
export interface LaptopSuiteOptions {
  /** What the name of each test begins with; `rdg connect` when left out. */
  subject?: string;
  /** Programs to write into the user's home, by name; `count.py` when left out. */
  programs?: Readonly<Record<string, string>>;
  /** Start an sshd on node n1 as well. */
  nodeSshd?: boolean;
  /** Why the tests can't run for another reason than the cluster's or the laptop's, or null. */
  whyNot?: () => Promise<string | null>;
  /** Called once everything runs. */
  setUp: (cluster: Cluster, laptop: Laptop) => Promise<void> | void;
  /** Called after each test. */
  tidy?: () => Promise<void>;
  /** Called before everything is taken down. */
  tearDown?: () => Promise<void>;
}

/**
 * Makes the frame; called once at the top of a test file.
 *
 * @param options What the file needs.
 * @returns Adds a test.
 */
export async function laptopSuite(options: LaptopSuiteOptions): Promise<SuiteTest> {
  const { subject = "rdg connect", programs = { "count.py": counting } } = options;
  let laptop: Laptop | undefined;
  return await slurmSuite({
    subject,
    ssh: true,
    whyNot: async () => await whyNoLaptop() ?? await options.whyNot?.() ?? null,
    setUp: async (cluster) => {
      for (const [name, text] of Object.entries(programs)) {
        await writeProgram(cluster, { name, text });
      }
      laptop = await makeLaptop(cluster);
      if (options.nodeSshd) await laptop.startNodeSshd();
      await options.setUp(cluster, laptop);
    },
    tidy: async () => {
      await options.tidy?.();
      await laptop!.openPorts();
      await laptop!.tidy();
    },
    tearDown: async () => {
      await options.tearDown?.();
      await laptop?.close();
    },
  });
}
