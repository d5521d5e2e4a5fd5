/**
 * The README's page on containers: its lines, run with stand-ins. `apptainer` is a shell script that hands
 * its command the host's environment, or with `--cleanenv` nothing of it but what `APPTAINERENV_` names;
 * where bubblewrap is installed, the container also has a root of its own and its own process ids.
 */

import assert from "node:assert/strict";
import { which } from "../cluster/packages.ts";
import { python, root } from "../support/python.ts";
import { makeSandbox, rdg, type Sandbox, start } from "../support/rdg.ts";
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

const bwrap = await which("bwrap");
Deno.test({
  name: `rdg attach wakes a program with process ids of its own (bubblewrap)${
    bwrap ? "" : " (skipped: apt-get install -y bubblewrap)"
  }`,
  ignore: bwrap === null,
  fn: async () => {
    await using sandbox = await project();
    await sandbox.write(
      "loop.py",
      "import time\nprint('runs', flush=True)\nwhile True:\n    time.sleep(0.1)\n",
    );
    const base = sandbox.dir.replace(/\/project$/, "");
    const words = ["debug", "--lite", "bwrap", "--die-with-parent", "--unshare-pid"];
    const mounts = [
      "--ro-bind",
      "/",
      "/",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
      "--bind",
      base,
      base,
    ];
    await using child = start(["rdg", ...words, ...mounts, "python", "loop.py"], { sandbox });
    await child.until(/runs/, { stream: "stdout" });
    await using attach = start(["rdg", "attach", "local", "--timeout", "20"], { sandbox });
    assert.equal((await attach.status(60_000)).code, 0, attach.stderr);
    assert.match(attach.stdout, /Python Debugger Info/);
  },
});

Deno.test("README: SIGTERM ends a program that waits for an editor, at once", async () => {
  await using sandbox = await project();
  await using child = start(["rdg", "debug", "python", "train.py"], { sandbox });
  await child.until(/waiting for debugger/);
  await child.kill("SIGTERM");
  assert.equal((await child.status()).signal, "SIGTERM");
});
