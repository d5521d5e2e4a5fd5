/**
 * The README's page on containers: its lines, run with stand-ins. `apptainer` is a shell script that hands
 * its command the host's environment, or with `--cleanenv` nothing of it but what `APPTAINERENV_` names;
 * where bubblewrap is installed, the container also has a root of its own and its own process ids.
 */

import assert from "node:assert/strict";
import { which } from "../cluster/packages.ts";
import { python, root } from "../support/python.ts";
import { type Child, makeSandbox, rdg, type Sandbox, start } from "../support/rdg.ts";
import { blocksOf } from "./_blocks.ts";

const standIn = `#!/bin/bash
[ "$1" = exec ] || exit 64
shift
if [ "$1" = --cleanenv ]; then
  shift
  keep=()
  for name in \${!APPTAINERENV_@}; do keep+=("\${name#APPTAINERENV_}=\${!name}"); done
  shift
  exec env -i HOME="$HOME" PATH="$PATH" RDG_STATE_DIR="$RDG_STATE_DIR" "\${keep[@]}" "$@"
fi
shift
exec "$@"
`;

const blocks = blocksOf(await Deno.readTextFile(`${root}/README.md`))
  .map(({ lines }) => lines.join("\n")).filter((text) => text.includes("apptainer exec"));

/** A project in which `rdg`, `python` and `apptainer` are on PATH. */
async function project(): Promise<Sandbox> {
  const sandbox = await makeSandbox();
  await sandbox.write("train.py", "print('trained', flush=True)\n");
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  await Deno.symlink(python.path, `${bin}/python`);
  const words = rdg.map((word) => `'${word}'`).join(" ");
  const programs = { rdg: `#!/bin/sh\nexec ${words} "$@"\n`, apptainer: standIn };
  for (const [name, text] of Object.entries(programs)) {
    await Deno.writeTextFile(`${bin}/${name}`, text, { mode: 0o755 });
  }
  const env = { ...sandbox.env, PATH: `${bin}:${sandbox.env["PATH"]}` };
  return Object.assign(sandbox, { env });
}

for (const text of blocks) {
  const kind = text.includes("--cleanenv") ? "that clears the environment" : "as it comes";
  Deno.test(`README: a container ${kind}: the program in it is armed`, async () => {
    await using sandbox = await project();
    await using child = start(["sh", "-ec", text], { sandbox });
    assert.equal((await child.status()).code, 0, child.stderr);
    assert.match(child.stderr, /Armed and ready/);
    assert.equal(child.stdout, "trained\n");
  });
}

Deno.test("README: both container blocks are there; a cleared environment alone arms nothing", async () => {
  assert.equal(blocks.length, 2);
  await using sandbox = await project();
  const text = "rdg debug --lite apptainer exec --cleanenv image.sif python train.py";
  await using child = start(["sh", "-ec", text], { sandbox });
  assert.equal((await child.status()).code, 0, child.stderr);
  assert.doesNotMatch(child.stderr, /Armed/);
});

const loop =
  "import os, time\nprint('runs', os.getpid(), flush=True)\nwhile True:\n    time.sleep(0.1)\n";

/** Starts loop.py under `--lite` with a read-only root and, unless said otherwise, process ids of its own. */
async function startContained(
  sandbox: Sandbox,
  { ids = ["--unshare-pid"], options = [] }: { ids?: string[]; options?: string[] } = {},
): Promise<Child> {
  await sandbox.write("loop.py", loop);
  const base = sandbox.dir.replace(/\/project$/, "");
  const words = ["rdg", "debug", "--lite", "bwrap", "--die-with-parent", ...ids];
  const mounts = "--ro-bind / / --dev /dev --proc /proc --bind".split(" ");
  const all = [...words, ...mounts, base, base, ...options, "python", "loop.py"];
  const child = start(all, { sandbox });
  await child.until(/runs/, { stream: "stdout" });
  return child;
}

const bwrap = await which("bwrap");

/** Adds a test that needs bubblewrap. */
function inBubblewrap(name: string, fn: () => Promise<void>): void {
  const missing = bwrap ? "" : " (skipped: apt-get install -y bubblewrap)";
  Deno.test({ name: `${name} (bubblewrap)${missing}`, ignore: bwrap === null, fn });
}

inBubblewrap("rdg attach wakes two programs that both call themselves process 2", async () => {
  await using sandbox = await project();
  await using _first = await startContained(sandbox);
  await using _second = await startContained(sandbox);
  await using attach = start(["rdg", "attach", "local", "--all", "--timeout", "20", "--json"], {
    sandbox,
  });
  assert.equal((await attach.status(60_000)).code, 0, attach.stderr);
  const { sessions } = JSON.parse(attach.stdout) as { sessions: { pid: number; port: number }[] };
  assert.equal(sessions[0]?.pid, sessions[1]?.pid);
  assert.equal(new Set(sessions.map(({ port }) => port)).size, 2);
});

inBubblewrap(
  "a container with a network of its own: that is said, inside and outside",
  async () => {
    await using sandbox = await project();
    const options = ["--unshare-net", "--unshare-uts", "--hostname", "inside"];
    await using child = await startContained(sandbox, { options });
    await using attach = start(["rdg", "attach", "local", "--timeout", "20"], { sandbox });
    assert.equal((await attach.status(60_000)).code, 0, attach.stderr);
    for (const text of [attach.stdout, child.stderr]) {
      assert.match(text, /^This container has a network of its own: .*\n.*--network=host/m);
      assert.match(text, new RegExp(`^Node: ${Deno.hostname()}$`, "m"));
    }
  },
);

inBubblewrap("rdg attach says that a container hides rdg's files", async () => {
  await using sandbox = await project();
  const hidden = ["--tmpfs", `${sandbox.cache}/python`];
  await using child = await startContained(sandbox, { ids: [], options: hidden });
  // bubblewrap stays above the program; without process ids of its own that says how it is called.
  await child.until(/runs \d+/, { stream: "stdout" });
  const pid = /runs (\d+)/.exec(child.stdout)![1]!;
  await using attach = start(["rdg", "attach", "local", pid], { sandbox });
  assert.equal((await attach.status(60_000)).code, 1, attach.stderr);
  assert.match(attach.stderr, /has lost that: its container doesn't show it \/.*_site/);
});

Deno.test("README: SIGTERM ends a program that waits for an editor, at once", async () => {
  await using sandbox = await project();
  await using child = start(["rdg", "debug", "python", "train.py"], { sandbox });
  await child.until(/waiting for debugger/);
  await child.kill("SIGTERM");
  assert.equal((await child.status()).signal, "SIGTERM");
});
