/**
 * What is kept of plugins: nobody is started for what is known, and nothing lasts that a changed file,
 * or another day, would make better. Starts Deno; works in a temporary folder.
 */

import assert from "node:assert/strict";
import { Manifests } from "../../../plugins/drop_in/manifests.ts";
import { python, root } from "../../support/python.ts";
import { makeSandbox, startRdg } from "../../support/rdg.ts";
import { examples, pluginHome, scheduler } from "../../commands/plugin/_home.ts";

Deno.test("Manifests keeps what it learned until the file changes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rdg-test-" });
  try {
    const [file, cache] = [`${folder}/toyq.ts`, `${folder}/cache/plugins.json`];
    await Deno.writeTextFile(file, scheduler());
    const first = new Manifests(cache);
    const known = first.of(file);
    assert("data" in known && known.data.name === "toyq");
    first.save();
    // What is kept says so: a later look starts nothing, or it would find the name of before.
    const kept = JSON.parse(await Deno.readTextFile(cache));
    kept.plugins[file].data.summary = "from what is kept";
    await Deno.writeTextFile(cache, JSON.stringify(kept));
    const second = new Manifests(cache).of(file);
    assert("data" in second && second.data.summary === "from what is kept");
    const anew = new Manifests(cache).of(file, { anew: true });
    assert("data" in anew && anew.data.summary === "Toy");
    await Deno.writeTextFile(file, scheduler({ name: '"other-name"' }));
    const third = new Manifests(cache).of(file);
    assert("data" in third && third.data.name === "other-name");
    // Rubbish in what is kept counts for nothing.
    for (const text of ["{", "[]", '{"version":"0.0.0"}', '{"plugins":{"x":3}}']) {
      await Deno.writeTextFile(cache, text);
      assert("data" in new Manifests(cache).of(file), text);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an rdg that may not start Deno says so, and that isn't kept", async () => {
  await using home = await pluginHome({ debugpy: null });
  const file = await home.put("toyq.ts", scheduler());
  const scoped = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "--no-prompt", "--allow-read", "--allow-write", "--allow-env"],
      ...["--allow-sys=uid,hostname", "--allow-run=true", `${root}/main.ts`, "sessions"],
    ],
    env: { ...home.sandbox.env, RDG_SCHEDULER: "local" },
    clearEnv: true,
  });
  const { code, stderr } = await scoped.output();
  assert.equal(code, 0);
  assert.equal(
    new TextDecoder().decode(stderr),
    `Passed over the plugin in ${file}: rdg may not start Deno, in which plugins run: ` +
      `--allow-run=${Deno.execPath()}\nNo sessions.\n`,
  );
  const listed = await home.rdg(["plugin", "list"]);
  assert.match(listed.stdout, /^toyq +scheduler /m);
});

Deno.test("rdg debug starts no plugin of which it knows what it needs", async () => {
  await using home = await pluginHome();
  const { sandbox } = home;
  await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  const cache = `${sandbox.cache}/plugins.json`;
  const kept = await Deno.readTextFile(cache);
  assert.match(kept, /TINYQ_JOB/);
  // Under another variable than the plugin's own: only what is kept can have told it.
  await Deno.writeTextFile(cache, kept.replaceAll("TINYQ_JOB", "KEPT_JOB"));
  await using program = startRdg(["debug", "--lite", python.path, "-c", "input()"], {
    sandbox,
    env: { KEPT_JOB: "31" },
  });
  await program.until(/Job ID: {2}31$/m);
});

Deno.test("the environment of a job carries no plugins where there are none", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await using child = startRdg(["debug", "sh", "-c", 'echo "$RDG_CONFIG"'], { sandbox });
  await child.status();
  assert.equal("schedulers" in JSON.parse(child.stdout), false);
});
