/** Putting the Python files on disk, and the environment that arms. */

import assert from "node:assert/strict";
import { pythonFiles } from "../../python/files.ts";
import { type AgentConfig, agentEnvironment, installAgent } from "../../python/launch.ts";
import { RdgError } from "../../plugins/error.ts";

const config: AgentConfig = {
  format: 1,
  pid: 5,
  start: null,
  spawned: false,
  modes: ["lite"],
  stopOnEntry: false,
  port: 0,
  bind: "0.0.0.0",
  signal: 0,
  stackSignal: 0,
  waitTimeout: null,
  programs: [],
  subprocess: false,
  ranks: null,
  quiet: false,
  auth: true,
  job: null,
  machine: null,
  follow: false,
  command: ["python"],
};

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "rdg-launch-" }));
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(folder)) found.push(name);
  return found;
}

/** Checks that all files lie beside a site folder, for their owner only. */
async function complete(site: string): Promise<void> {
  const folder = site.slice(0, -"/_site".length);
  for (const [name, text] of Object.entries(pythonFiles)) {
    assert.equal(await Deno.readTextFile(`${folder}/${name}`), text, name);
    assert.equal((await Deno.stat(`${folder}/${name}`)).mode! & 0o777, 0o600);
  }
}

Deno.test("installAgent() fills the cache once, for many at a time", () =>
  withFolder(async (folder) => {
    const places = { cache: `${folder}/cache/rdg`, temporary: folder, uid: Deno.uid() };
    const sites = await Promise.all(Array.from({ length: 20 }, () => installAgent(places)));
    assert.equal(new Set(sites).size, 1);
    await complete(sites[0]!);
    assert.equal((await names(`${folder}/cache/rdg/python`)).length, 1);
    const { mtime } = await Deno.stat(sites[0]!);
    assert.equal(await installAgent(places), sites[0]);
    assert.deepEqual((await Deno.stat(sites[0]!)).mtime, mtime);
  }));

Deno.test("installAgent() mends a folder that a cleaner has been through", () =>
  withFolder(async (folder) => {
    const places = { cache: `${folder}/rdg`, temporary: folder, uid: Deno.uid() };
    const site = await installAgent(places);
    for (let round = 0; round < 10; round++) {
      const damage = round % 2 ? "/_site/sitecustomize.py" : "/_arm.py";
      await Deno.remove(site.slice(0, -"/_site".length) + damage);
      const sites = await Promise.all([1, 2, 3, 4].map(() => installAgent(places)));
      assert.deepEqual(new Set(sites), new Set([site]));
      await complete(site);
    }
    await Deno.truncate(`${site}/sitecustomize.py`);
    await complete(await installAgent(places));
    assert.equal((await names(`${folder}/rdg/python`)).length, 1);
  }));

Deno.test("installAgent() goes to a private temporary folder where the cache can't be used", () =>
  withFolder(async (folder) => {
    for (const cache of ["/dev/null/rdg", `${folder}/a:b/rdg`, null]) {
      const site = await installAgent({ cache, temporary: folder, uid: Deno.uid() });
      assert(site.startsWith(`${folder}/rdg-${Deno.uid()}/python/`), site);
      await complete(site);
    }
    assert.equal((await Deno.stat(`${folder}/rdg-${Deno.uid()}`)).mode! & 0o777, 0o700);
  }));

Deno.test("installAgent() refuses a temporary folder that others own, may enter, or have linked", () =>
  withFolder(async (folder) => {
    const uid = Deno.uid() ?? 0;
    const mine = `${folder}/rdg-${uid}`;
    const places = { cache: null, temporary: folder, uid };
    async function refused(): Promise<void> {
      await assert.rejects(installAgent(places), (error) => {
        assert(error instanceof RdgError);
        assert.deepEqual([error.code, error.exitCode], ["permission", 4]);
        assert.match(String(error.cause), /is not a private folder of this user/);
        assert.match(error.hint ?? "", /XDG_CACHE_HOME/);
        return true;
      });
      assert.deepEqual(await names(mine), []);
    }
    await Deno.mkdir(mine, { mode: 0o700 });
    await Deno.chmod(mine, 0o755);
    await refused();
    await Deno.remove(mine);
    await Deno.mkdir(`${folder}/elsewhere`, { mode: 0o700 });
    await Deno.symlink(`${folder}/elsewhere`, mine);
    await refused();
    await Deno.remove(mine);
    await Deno.mkdir(mine, { mode: 0o700 });
    // Another user's: by changing the owner where that may be done, else by being another one.
    if (uid === 0) await Deno.chown(mine, 12345, 12345);
    else {
      await Deno.rename(mine, `${folder}/rdg-${uid + 1}`);
      places.uid = uid + 1;
    }
    await assert.rejects(installAgent(places), /Cannot put rdg's Python files/);
  }));

Deno.test("agentEnvironment() puts rdg's folder first, takes an older one out, and keeps the rest", () => {
  const site = "/new/remote_debug/_site";
  for (
    const [pythonPath, wanted] of [
      [undefined, site],
      ["", site],
      ["/a", `${site}:/a`],
      ["/a:", `${site}:/a:`],
      [":/a", `${site}::/a`],
      ["/old/remote_debug/_site:/a", `${site}:/a`],
      ["/old/remote_debug/_site", site],
      ["/a/_site", `${site}:/a/_site`],
    ] as const
  ) {
    const { PYTHONPATH } = agentEnvironment(config, { site, pythonPath });
    assert.equal(PYTHONPATH, wanted, pythonPath);
  }
});

Deno.test("agentEnvironment() carries the configuration, the process id where _old.py finds it", () => {
  const changes = agentEnvironment(config, { site: "/s", pythonPath: undefined });
  assert.deepEqual(JSON.parse(changes["RDG_CONFIG"] ?? ""), config);
  assert.match(changes["RDG_CONFIG"] ?? "", /"pid":5,/);
  assert.equal(changes["RDG_CLAIM"], null);
  const long = agentEnvironment({ ...config, command: ["a", "b".repeat(9000), "c"] }, {
    site: "/s",
    pythonPath: undefined,
  });
  assert.deepEqual(JSON.parse(long["RDG_CONFIG"] ?? "").command, ["a"]);
});
