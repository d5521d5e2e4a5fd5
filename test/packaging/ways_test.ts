/**
 * The ways to install rdg, each to a breakpoint in a real program: from a registry and from a plain
 * URL with a cold cache, by `deno install -g`, by `rdg install`, as one bundled file. The registry is
 * one of the tests' own, on loopback, that takes what `deno publish` sends.
 */

import assert from "node:assert/strict";
import { stage } from "../../.ci/stage.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { root } from "../support/python.ts";
import { makeSandbox, type Sandbox } from "../support/rdg.ts";
import { type Registry, startRegistry } from "./_registry.ts";
import { fetching, filesOf, must, toBreakpoint } from "./_ways.ts";

const deno = Deno.execPath();
const { version } = denoConfig;

/** A registry with rdg in it, as the release publishes it. */
async function published(sandbox: Sandbox): Promise<Registry> {
  const registry = startRegistry({ scope: "rdg", name: "cli", version });
  const folder = `${sandbox.dir}/../staged`;
  await stage(folder);
  await must([deno, "publish", "--token=none", "--no-provenance", "--allow-dirty", "--no-check"], {
    sandbox,
    cwd: folder,
    env: fetching(sandbox, { JSR_URL: registry.url }),
  });
  return registry;
}

Deno.test("deno publish takes the checkout as it is, slow types and all", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await must([deno, "publish", "--dry-run", "--allow-dirty"], {
    sandbox,
    cwd: root,
    env: fetching(sandbox),
  });
});

Deno.test("rdg runs from a registry, from a URL and by its launchers, with a cold cache", async (t) => {
  await using sandbox = await makeSandbox();
  await using registry = await published(sandbox);
  const around = (cache: string) => ({
    sandbox,
    env: fetching(sandbox, { JSR_URL: registry.url, DENO_DIR: `${sandbox.cache}/${cache}` }),
  });
  const url = `${registry.url}@rdg/cli/${version}/main.ts`;

  await t.step("what is published is what is needed", () => {
    const paths = [...registry.files.keys()];
    for (const path of ["/main.ts", "/deno.json", "/README.md", "/LICENSE", "/CHANGELOG.md"]) {
      assert.ok(paths.includes(path), path);
    }
    assert.deepEqual(paths.filter((path) => /^\/test|\.pyc|generate|^\/\./.test(path)), []);
    const texts = [...registry.files].filter(([path]) => path.endsWith(".ts"))
      .map(([, bytes]) => new TextDecoder().decode(bytes));
    assert.deepEqual(texts.filter((text) => /from "(@inquirer|jsonc-parser)/.test(text)), []);
    assert.deepEqual(texts.filter((text) => /with \{ type: "text" \}/.test(text)), []);
  });

  await t.step("deno run -A jsr:@rdg/cli debug", async () => {
    await toBreakpoint([deno, "run", "-A", "jsr:@rdg/cli"], around("jsr"));
  });

  await t.step("deno run -A URL debug", async () => {
    await toBreakpoint([deno, "run", "-A", url], around("url"));
  });

  await t.step("deno install -g -A -n rdg jsr:@rdg/cli", async () => {
    const folder = `${sandbox.dir}/../global`;
    const words = [deno, "install", "-g", "-A", "-n", "rdg", "--root", folder, "jsr:@rdg/cli"];
    await must(words, around("global"));
    await toBreakpoint([`${folder}/bin/rdg`], around("global"));
  });

  await t.step("deno run -A jsr:@rdg/cli install", async () => {
    const folder = `${sandbox.dir}/../own bin`;
    const words = [deno, "run", "-A", "jsr:@rdg/cli", "install", "--dir", folder];
    await must(words, around("own"));
    assert.equal(await must([`${folder}/rdg`, "--version"], around("own")), `rdg ${version}\n`);
    await toBreakpoint([`${folder}/rdg`], around("own"));
    const listed = await must([`${folder}/rdg`, "sessions", "--json"], around("own"));
    assert.deepEqual(JSON.parse(listed), { sessions: [] });
  });

  await t.step("the launcher goes on without the registry", async () => {
    await registry[Symbol.asyncDispose]();
    const rdg = `${sandbox.dir}/../own bin/rdg`;
    await toBreakpoint([rdg], around("own"));
    await must([rdg, "init", "--editor=vscode"], around("own"));
  });
});

Deno.test("rdg runs from a checkout by deno install -g and by its own launcher", async (t) => {
  await using sandbox = await makeSandbox();
  const around = { sandbox, env: fetching(sandbox) };

  await t.step("deno install -g -A -n rdg main.ts", async () => {
    const folder = `${sandbox.dir}/../global`;
    const main = `${root}/main.ts`;
    await must([deno, "install", "-g", "-A", "-n", "rdg", "--root", folder, main], around);
    await toBreakpoint([`${folder}/bin/rdg`], around);
  });

  await t.step("deno run -A main.ts install", async () => {
    const folder = `${sandbox.dir}/../bin`;
    await must([deno, "run", "-A", `${root}/main.ts`, "install", "--dir", folder], around);
    await toBreakpoint([`${folder}/rdg`], around);
    await must([`${folder}/rdg`, "init", "--editor=vscode"], around);
    assert.match(await Deno.readTextFile(`${sandbox.dir}/.vscode/launch.json`), /rdg: Attach/);
  });
});

Deno.test("rdg runs as one bundled file, far from the checkout, and without packages", async () => {
  await using sandbox = await makeSandbox();
  const file = `${sandbox.dir}/../rdg.js`;
  const task = denoConfig.tasks.bundle.command.replace("dist/rdg.js", file).split(" ").slice(1);
  assert.ok(task.includes(file));
  await must([deno, ...task], {
    sandbox,
    cwd: root,
    env: fetching(sandbox),
  });
  const env = { DENO_DIR: `${sandbox.cache}/bundle` };
  const rdg = [deno, "run", "-A", "--no-remote", "--no-npm", file];
  await toBreakpoint(rdg, { sandbox, env });
  assert.equal(await must([...rdg, "init", "--editor=vscode"], { sandbox, env }), "");
  assert.match(await Deno.readTextFile(`${sandbox.dir}/.vscode/launch.json`), /rdg: Attach/);
  assert.match(
    await must([...rdg, "install", "--print"], { sandbox, env }),
    /--no-config .*rdg\.js/,
  );
});

Deno.test("a compiled rdg would hold every module, plugin and Python file", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const words = [deno, "info", "--json", "--config", `${root}/deno.json`, `${root}/main.ts`];
  const { modules } = JSON.parse(await must(words, { sandbox, env: fetching(sandbox) }));
  const held = new Set(modules.map(({ specifier }: { specifier: string }) => specifier));
  const code = (await filesOf(["commands", "plugins"], ".ts"))
    .filter((path) => !denoConfig.publish.exclude.includes(path));
  const python = await filesOf(["python/remote_debug", "python/node"], ".py");
  assert.ok(code.length > 80 && python.length > 25);
  assert.deepEqual([...code, ...python].filter((path) => !held.has(`file://${root}/${path}`)), []);
});
