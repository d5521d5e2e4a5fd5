/**
 * Each command's main paths, run under exactly the list that `deno.json` has for it, with nobody to
 * ask: it must do its work, ask for nothing else, and need everything on the list. The real CLI as a
 * child, with stand-ins for the schedulers' programs.
 */

import assert from "node:assert/strict";
import { permissionFlags } from "../../commands/install/launcher.ts";
import { root } from "../support/python.ts";
import { makeSandbox, start, type StartOptions } from "../support/rdg.ts";
import { type Asked, beyond, parseAudit, permissionSets, unused } from "./_audit.ts";
import { type Path, paths, type Stage } from "./_paths.ts";
import { fakePrograms } from "./_programs.ts";

/** Flags after the list: with all programs allowed, those that the list lacks show themselves. */
const rounds = { "its list": [], "any program": ["--allow-run"] } as const;

/** Runs one path, and returns what was asked for. */
async function walk(command: string, path: Path, flags: readonly string[]): Promise<Asked[]> {
  await using sandbox = await makeSandbox();
  const base = sandbox.dir.replace(/\/project$/, "");
  const programs = await fakePrograms(`${base}/bin`);
  const audit = `${base}/audit.jsonl`;
  const pids: number[] = [];
  const fixed = ["-q", "--no-prompt", `--lock=${root}/deno.lock`, "--frozen"];
  const list = [...fixed, `-P=${command}`, ...flags];
  const words = (more: readonly string[]) => [
    ...[Deno.execPath(), "run", ...list, `${root}/main.ts`, command],
    ...more,
  ];
  const around = (env: Record<string, string> = {}): StartOptions => ({
    sandbox,
    // Who has no name in the environment needs the most.
    env: {
      ...{ PATH: programs.path, DENO_AUDIT_PERMISSIONS: audit, PWD: sandbox.dir },
      ...{ USER: "", LOGNAME: "", ...env },
    },
  });
  const stage: Stage = {
    sandbox,
    start(more, env) {
      const child = start(words(more), around(env));
      pids.push(child.pid);
      return child;
    },
    async run(more, env) {
      await using child = stage.start(more, env);
      const { code } = await child.status();
      return { code, stdout: child.stdout, stderr: child.stderr };
    },
    words(more, env) {
      const all = { ...sandbox.env, ...around(env).env };
      const pairs = Object.entries(all).filter(([, value]) => value !== "")
        .map(([name, value]) => `${name}=${value}`);
      return ["env", "-i", "-C", sandbox.dir, ...pairs, ...words(more)];
    },
  };
  await path(stage);
  const started = await Promise.all(pids.map((pid) => programs.startedBy(pid)));
  const runs = started.flatMap((names) => [...names]);
  const text = await Deno.readTextFile(audit).catch(() => "");
  return [...parseAudit(text), ...runs.map((value): Asked => ({ kind: "run", value }))];
}

for (const [command, ways] of Object.entries(paths)) {
  Deno.test(`rdg ${command} works under its list of permissions, and needs all of it`, async (t) => {
    const set = permissionSets[command];
    assert.ok(set, `deno.json has a list for ${command}`);
    const asked: Asked[] = [];
    for (const [name, path] of Object.entries(ways)) {
      for (const [round, flags] of Object.entries(rounds)) {
        if (set.all && flags.length > 0) continue;
        await t.step(`${name}, under ${round}`, async () => {
          const now = await walk(command, path, flags);
          assert.deepEqual(beyond(now, set), []);
          if (flags.length === 0) asked.push(...now);
        });
      }
    }
    await t.step("the list holds nothing that is never used", () => {
      assert.deepEqual(unused(asked, set), []);
    });
    if (!set.write) return;
    await t.step("the right to write is used: without it, some path fails", async () => {
      const failures: unknown[] = [];
      // The later ones are those that write something of their own.
      for (const path of Object.values(ways).reverse()) {
        // A flag takes the place of the list's item. --deny-write alone is lost where a list of programs
        // is given (2.9.6): Deno then denies just those programs' files.
        const flags = ["--allow-write=/nowhere"];
        await walk(command, path, flags).catch((error) => failures.push(error));
        if (failures.length > 0) return;
      }
      assert.fail("every path went well");
    });
  });
}

Deno.test("each command of rdg has a list of permissions, and a path that is run under it", async () => {
  const main = await Deno.readTextFile(`${root}/main.ts`);
  const commands = [...main.matchAll(/import\("\.\/commands\/(\w+)\/command\.ts"\)/g)]
    .map(([, name = ""]) => name).sort();
  assert.ok(commands.includes("debug"));
  assert.deepEqual(Object.keys(permissionSets).sort(), commands);
  assert.deepEqual(Object.keys(paths).sort(), commands);
});

Deno.test("the README has the same lists as deno.json", async () => {
  const readme = await Deno.readTextFile(`${root}/README.md`);
  const [, section = ""] = /^## Permissions$([^]*?)^## /m.exec(readme) ?? [];
  const told: Record<string, string[]> = {};
  let command = "";
  for (const [, name = "", flags = ""] of section.matchAll(/^\| (?:`(\w+)`)? *\| (`--.*?) \|/gm)) {
    command = name || command;
    const words = [...flags.matchAll(/`(--[^`]+)`/g)].map(([, flag = ""]) => flag);
    told[command] = [...told[command] ?? [], ...words].sort();
  }
  const lists = Object.entries(permissionSets).map(([name, set]) =>
    [name, permissionFlags(set).sort()] as const
  );
  assert.deepEqual(told, Object.fromEntries(lists));
});

Deno.test("beyond() and unused() tell a list's lack and excess", () => {
  const asked: Asked[] = parseAudit([
    '{"v":1,"permission":"read","value":"/x"}',
    '{"v":1,"permission":"write","value":"/x"}',
    '{"v":1,"permission":"env","value":"HOME"}',
    '{"v":1,"permission":"net","value":"127.0.0.1:5"}',
    '{"v":1,"permission":"write","value":"/y"}',
  ].join("\n"));
  assert.deepEqual(beyond(asked, { read: true, env: true }), ["net: 127.0.0.1:5", "write: /y"]);
  const list = { read: true, write: true, net: ["127.0.0.1"], env: ["HOME", "PATH"], ffi: true };
  assert.deepEqual(unused(asked, list), ["env: PATH", "ffi"]);
});
