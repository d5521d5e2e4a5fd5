/** The command line as a whole: pages, versions, guesses, exit codes. The real CLI as a child. */

import assert from "node:assert/strict";
import denoConfig from "../deno.json" with { type: "json" };
import { makeSandbox, runRdg } from "./support/rdg.ts";

Deno.test("rdg --help lists the commands", async (t) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const pages = [];
  for (const words of [[], ["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await runRdg(words, { sandbox });
    assert.deepEqual([code, stderr], [0, ""]);
    pages.push(stdout);
  }
  assert.equal(new Set(pages).size, 1);
  await t.assertSnapshot(pages[0]);
});

Deno.test("rdg debug --help shows its page", async (t) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const pages = [];
  for (
    const words of [["debug", "--help"], ["debug", "-lh"], ["help", "debug"], ["--help", "debug"]]
  ) {
    const { code, stdout, stderr } = await runRdg(words, { sandbox });
    assert.deepEqual([code, stderr], [0, ""]);
    pages.push(stdout);
  }
  assert.equal(new Set(pages).size, 1);
  await t.assertSnapshot(pages[0]);
});

Deno.test("rdg --version tells the version of deno.json and of the Python package", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  for (const flag of ["--version", "-V"]) {
    assert.deepEqual(await runRdg([flag], { sandbox }), {
      code: 0,
      stdout: `rdg ${denoConfig.version}\n`,
      stderr: "",
    });
  }
  const init = new URL("../python/remote_debug/__init__.py", import.meta.url);
  assert.match(
    await Deno.readTextFile(init),
    new RegExp(`^__version__ = "${denoConfig.version}"$`, "m"),
  );
});

Deno.test("rdg guesses the command that was meant; the exit code is 2", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  for (
    const [word, hint] of [
      ["debg", "rdg debug"],
      ["nothing-like-it", "rdg --help"],
      ["toString", "rdg --help"],
      ["hepl", "rdg help"],
      ["version", "rdg --version"],
      ["-v", "rdg --version"],
    ] as const
  ) {
    assert.deepEqual(await runRdg([word], { sandbox }), {
      code: 2,
      stdout: "",
      stderr: `Cannot run "rdg ${word}": there is no such command\nTry: ${hint}\n`,
    });
  }
  assert.equal((await runRdg(["--help", "nothing"], { sandbox })).code, 2);
  assert.deepEqual(await runRdg(["--json", "sessions"], { sandbox }), {
    code: 2,
    stdout: "",
    stderr: 'Cannot run "rdg --json": a command comes first\nTry: rdg COMMAND --json\n',
  });
});

Deno.test("rdg --verbose adds the stack trace to an error", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const quiet = await runRdg(["debug", "nosuchprogram"], { sandbox });
  const verbose = await runRdg(["debug", "--verbose", "nosuchprogram"], { sandbox });
  assert.deepEqual([quiet.code, verbose.code], [3, 3]);
  assert.doesNotMatch(quiet.stderr, /^ {4}at /m);
  assert(verbose.stderr.startsWith(quiet.stderr.trimEnd()));
  assert.match(verbose.stderr, /^ {4}at .*become\.ts/m);
});

Deno.test("rdg --help into a closed pipe is no error", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const line = '"$@" | true; echo "${PIPESTATUS[0]}"';
  const main = new URL("../main.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", line, "_", Deno.execPath(), "run", "-A", "-q", main, "--help"],
    env: sandbox.env,
    clearEnv: true,
  }).output();
  assert.deepEqual([stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)), ["0\n", ""]);
});

Deno.test("rdg says that stdout can't be written to, without a stack trace, once", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const main = new URL("../main.ts", import.meta.url).pathname;
  for (const words of [["--help"], ["sessions", "--json"], ["completion", "bash"]]) {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", '"$@" >/dev/full', "_", Deno.execPath(), "run", "-A", "-q", main, ...words],
      env: sandbox.env,
      clearEnv: true,
    }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /^Cannot write the output\n {2}No space left on device.*\nTry: see where .*\n$/,
    );
  }
});
