/**
 * Drop-in plugins in an rdg that isn't a folder: run from a URL (the tree served on a port of the
 * system's choice), and what a compiled one would carry along. Starts Deno.
 */

import assert from "node:assert/strict";
import { root } from "../../support/python.ts";
import { start } from "../../support/rdg.ts";
import { examples, pluginHome } from "./_home.ts";

Deno.test("plugins work in an rdg that runs from a URL", async () => {
  await using home = await pluginHome({ debugpy: null });
  const asked = new Set<string>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      asked.add(pathname);
      try {
        const text = await Deno.readTextFile(`${root}${pathname}`);
        const type = pathname.endsWith(".ts") ? "application/typescript" : "text/plain";
        return new Response(text, {
          headers: { "content-type": pathname.endsWith(".json") ? "application/json" : type },
        });
      } catch {
        return new Response("", { status: 404 });
      }
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  // The packages' versions are known, or npm's registry would be asked for each of them.
  const lock = `${home.sandbox.dir}/deno.lock`;
  await Deno.copyFile(`${root}/deno.lock`, lock);
  const rdg = async (...words: string[]) => {
    await using child = start([
      ...[Deno.execPath(), "run", "-A", "-q", `--lock=${lock}`, `--import-map=${url}/deno.json`],
      ...[`${url}/main.ts`, ...words],
    ], { sandbox: home.sandbox });
    const { code } = await child.status(60_000);
    return { code, stdout: child.stdout, stderr: child.stderr };
  };
  try {
    await home.program(
      "tq",
      "printf 'job 7\\n  name  loop\\n  state  R\\n  nodes  n1\\n1 listed\\n'",
    );
    const added = await rdg("plugin", "add", "--yes", `${examples}/tinyq`);
    assert.equal(added.code, 0, added.stderr);
    assert(asked.has("/plugins/drop_in/_inside.ts") && asked.has("/plugins/drop_in/_mediator.ts"));
    const attach = await rdg("attach", "--scheduler", "tinyq");
    assert.match(attach.stderr, /Cannot ask which job[^]*with one of: 7$/m);
    const made = await rdg("plugin", "new", "scheduler", "other");
    assert.equal(made.code, 0, made.stderr);
    const tested = await rdg("plugin", "test", "./other");
    assert.deepEqual([tested.code, /all well$/m.test(tested.stderr)], [0, true]);
  } finally {
    await server.shutdown();
    const cached = `${home.sandbox.env.DENO_DIR}/remote/http/127.0.0.1_PORT${server.addr.port}`;
    await Deno.remove(cached, { recursive: true }).catch(() => {});
  }
});

Deno.test("what plugins need is in the module graph, so that it comes along when compiled", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${root}/main.ts`],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const names = new Set(
    modules.map(({ specifier }: { specifier: string }) => specifier.slice(`file://${root}`.length)),
  );
  for (
    const name of [
      "/plugins/drop_in/_inside.ts",
      "/plugins/drop_in/_mediator.ts",
      "/plugins/contract.ts",
      "/commands/plugin/scaffold/scheduler/testdata/1.0-jobs.txt",
      "/commands/plugin/scaffold/editor/plugin_test.ts",
    ]
  ) {
    assert(names.has(name), name);
  }
});
