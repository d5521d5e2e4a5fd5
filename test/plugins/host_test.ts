/**
 * The runner of real programs: environment, limits, and what it says when a program can't be started.
 * Starts sh and env; one test starts Deno with a scoped permission.
 */

import assert from "node:assert/strict";
import { checkDeclared, commandLine, isOnPath, systemRunner } from "../../plugins/host.ts";
import { RdgError } from "../../plugins/error.ts";

const runner = systemRunner();

Deno.test("systemRunner() gives status, stdout and stderr, and lines as they come", async () => {
  const lines: string[] = [];
  const output = await runner(
    { program: "sh", args: ["-c", "echo a; echo b; echo c >&2; printf d; exit 3"] },
    { onLine: (line) => lines.push(line) },
  );
  assert.deepEqual(output, { code: 3, stdout: "a\nb\nd", stderr: "c\n" });
  assert.deepEqual(lines, ["a", "b", "d"]);
});

Deno.test("systemRunner() hands over stdin, and survives a program that doesn't read it", async () => {
  const stdin = "x".repeat(1_000_000);
  const { stdout } = await runner({ program: "wc", args: ["-c"], stdin });
  assert.equal(stdout.trim(), "1000000");
  assert.equal((await runner({ program: "true", args: [], stdin })).code, 0);
});

Deno.test("systemRunner() takes variables away by name and by beginning, and keeps some", async () => {
  const names = ["RDGX_A", "RDGX_KEEP", "RDGX_B", "RDGY"];
  for (const name of names) Deno.env.set(name, "1");
  try {
    const { stdout } = await runner({
      program: "env",
      args: [],
      without: ["RDGX_*"],
      keep: ["RDGX_KEEP"],
      env: { RDGX_B: "2", RDGY: null },
    });
    const left = stdout.split("\n").filter((line) => line.startsWith("RDG"));
    assert.deepEqual(left.sort(), ["RDGX_B=2", "RDGX_KEEP=1"]);
  } finally {
    for (const name of names) Deno.env.delete(name);
  }
});

Deno.test("systemRunner() ends a slow program, and doesn't wait for what it started", async () => {
  const begin = performance.now();
  await assert.rejects(
    runner({ program: "sh", args: ["-c", "echo busy >&2; sleep 30"], timeoutMs: 300 }),
    (error: unknown) =>
      error instanceof RdgError && error.exitCode === 6 && /within 0\.3 s/.test(error.message) &&
      error.cause === "busy\n",
  );
  assert.ok(performance.now() - begin < 5000);
});

Deno.test("systemRunner() says what to do about a program that can't be started", async () => {
  await assert.rejects(runner({ program: "no-such-program", args: [] }), {
    message: 'Cannot run "no-such-program": it is not on PATH',
    exitCode: 3,
  });
  await assert.rejects(runner({ program: "/etc/passwd", args: [] }), {
    message: 'Cannot run "/etc/passwd": the system does not let you',
    exitCode: 4,
  });
});

Deno.test("systemRunner() works under a scoped --allow-run with LD_LIBRARY_PATH set", async () => {
  const script = `
    import { systemRunner } from ${
    JSON.stringify(new URL("../../plugins/host.ts", import.meta.url).href)
  };
    const runner = systemRunner();
    const { stdout } = await runner({ program: "env", args: [] });
    console.log(stdout.split("\\n").filter((line) => line.startsWith("LD_")).join());
    await runner({ program: "sh", args: [] }).catch((error) => console.log(error.message));
  `;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-lock", "--allow-run=env", "--allow-env", "--allow-read", file],
      env: { LD_LIBRARY_PATH: "/opt/lib" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(
      text,
      'LD_LIBRARY_PATH=\nCannot run "sh": rdg may not start it\n',
      new TextDecoder().decode(stderr),
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("checkDeclared() refuses a program that the plugin didn't declare", () => {
  const plugin = { name: "demo", programs: ["squeue"] };
  checkDeclared({ program: "squeue", args: [] }, plugin);
  assert.throws(() => checkDeclared({ program: "rm", args: [] }, plugin), /declares "squeue"/);
});

Deno.test("commandLine() can be pasted, and cuts a carried program short", () => {
  assert.equal(commandLine({ program: "a", args: ["b c", "it's"] }), `a 'b c' 'it'\\''s'`);
  const line = commandLine({ program: "python3", args: ["-c", `import os\n${"x".repeat(500)}`] });
  assert.ok(line.length < 100);
  assert.equal(
    commandLine({ program: "tq", args: ["%A\x1f%i", "\x1b[2Jit's \\ \u202ex"] }),
    String.raw`tq $'%A\u001f%i' $'\u001b[2Jit\'s \\ \u202ex'`,
  );
});

Deno.test("isOnPath() finds executables only", () => {
  assert.equal(isOnPath("sh", "/nowhere:/bin:/usr/bin"), true);
  assert.equal(isOnPath("passwd", "/etc"), false);
  assert.equal(isOnPath("sh", ""), false);
});
