/** Which words completion offers, from tables and sources of literals. */

import assert from "node:assert/strict";
import type { CommandMeta } from "../../../commands/_args.ts";
import { complete, type Sources } from "../../../commands/completion/candidates.ts";

const command = (name: string, more: Partial<CommandMeta>): CommandMeta => ({
  name,
  summary: `Do ${name}`,
  usage: "[flags]",
  flags: {},
  examples: [],
  ...more,
});

const metas = [
  command("debug", {
    usage: "[flags] COMMAND…",
    passThrough: true,
    flags: {
      lite: { type: "boolean", short: "l", help: "Lite" },
      port: { type: "string", short: "p", value: "N", help: "Port" },
      program: { type: "string", value: "GLOB", multiple: true, help: "Programs" },
      signal: { type: "string", value: "SIGNAL", help: "Signal" },
    },
  }),
  command("attach", {
    usage: "[flags] [JOB] [PID]",
    flags: {
      rank: { type: "string", value: "LIST", help: "Ranks" },
      pid: { type: "string", value: "LIST", help: "Processes" },
      via: { type: "string", value: "WAY", choices: ["ssh", "scancel", "direct"], help: "Way" },
      html: { type: "string", value: "FILE", help: "Page" },
    },
  }),
  command("connect", { usage: "[flags] [[USER@]LOGIN] [JOB]" }),
  command("doctor", { usage: "[flags] [PYTHON…] [LOGIN]" }),
  command("init", {
    usage: "[--editor=NAME,…] [--remove]",
    flags: { editor: { type: "string", value: "NAME,…", multiple: true, help: "Editors" } },
  }),
  command("completion", { usage: "bash|zsh|fish" }),
];

const table = Object.fromEntries(
  metas.map((meta) => [meta.name, {
    summary: meta.summary,
    load: () => Promise.resolve({ meta }),
  }]),
);

const list = (...values: string[]) => values.map((value) => ({ value, about: `about ${value}` }));

const sources: Sources = {
  jobs: () => Promise.resolve(list("36_1", "36_2", "4711")),
  ranks: (job) => Promise.resolve(list(...job === "36_1" ? ["0", "1", "10"] : ["7"])),
  pids: (job) => Promise.resolve(list(...job === "36_1" ? ["101", "102"] : ["900"])),
  nodes: () => Promise.resolve(list("n1", "n2")),
  hosts: () => Promise.resolve(list("login", "login2")),
  schedulers: () => Promise.resolve(list("slurm", "sge")),
  editors: () => Promise.resolve(list("vscode", "vim", "zed")),
  topics: () => Promise.resolve(list("modes", "security")),
};

async function offered(line: string): Promise<string> {
  const { candidates, then } = await complete(line.split(" "), { table, sources });
  return [...candidates.map(({ value }) => value), ...then === "nothing" ? [] : [`:${then}`]]
    .join(" ");
}

const cases: readonly (readonly [string, string])[] = [
  ["", "debug attach connect doctor init completion help"],
  ["d", "debug doctor"],
  ["--", "--help --version"],
  ["nothing ", ""],
  ["help m", "modes"],
  ["help c", "connect completion"],
  ["help modes ", ""],
  ["attach -", "--rank --pid --via --html --help --verbose"],
  ["attach --rank 0 --r", ""],
  ["attach --v", "--via --verbose"],
  ["attach --via s", "ssh scancel"],
  ["attach --via=s", "--via=ssh --via=scancel"],
  ["attach --help=", ""],
  ["attach ", "36_1 36_2 4711"],
  ["attach 36", "36_1 36_2"],
  ["attach 36_1 ", "101 102"],
  ["attach --via ssh 36_1 10", "101 102"],
  ["attach 36_1 101 ", ""],
  ["attach 36_1 --rank ", "0 1 10"],
  ["attach 36_1 --rank 0,1", "0,1 0,10"],
  ["attach 36_1 --rank=0,1", "--rank=0,1 --rank=0,10"],
  ["attach --rank ", "7"],
  ["attach 36_1 --pid 101,", "101,101 101,102"],
  ["attach --html ", ":files"],
  ["attach -- --v", ""],
  ["connect ", "login login2 36_1 36_2 4711"],
  ["connect login ", "36_1 36_2 4711"],
  ["connect login 4711 ", ""],
  ["doctor ", "python python3 login login2 :files"],
  ["doctor python l", "login login2 :files"],
  ["init --editor ", "vscode vim zed"],
  ["init --editor=zed,v", "--editor=zed,vscode --editor=zed,vim"],
  ["init --editor=zed --e", "--editor"],
  ["completion ", "bash zsh fish"],
  ["completion z", "zsh"],
  ["debug ", ":command 1"],
  ["debug --signal RTMIN+1", "RTMIN+10"],
  ["debug -l --port 5 py", ":command 4"],
  ["debug -lp 5 py", ":command 3"],
  ["debug python --si", ":command 1"],
  ["debug --program ", ":files"],
  ["debug -- --x", ":command 2"],
];

for (const [line, wanted] of cases) {
  Deno.test(`complete() after "rdg ${line}" offers ${wanted || "nothing"}`, async () => {
    assert.equal(await offered(line), wanted);
  });
}

Deno.test("complete() leaves out words that would break a shell's line", async () => {
  const bad = ["good", "with blank", "new\nline", "tab\there", "$(x)", "'", ""];
  const { candidates } = await complete(["attach", ""], {
    table,
    sources: { ...sources, jobs: () => Promise.resolve(list(...bad)) },
  });
  assert.deepEqual(candidates.map(({ value }) => value), ["good"]);
});

Deno.test("complete() keeps what it says about a word on one line", async () => {
  const { candidates } = await complete(["attach", ""], {
    table,
    sources: { ...sources, jobs: () => Promise.resolve([{ value: "1", about: "a\tb\nc" }]) },
  });
  assert.deepEqual(candidates, [{ value: "1", about: "a?b?c" }]);
});
