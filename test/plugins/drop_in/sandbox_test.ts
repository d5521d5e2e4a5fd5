/**
 * The process of a plugin: what it can't reach even where the source check was got round, and how its
 * answers come. Starts Deno; one test serves a file on a port of the system's choice.
 */

import assert from "node:assert/strict";
import { command } from "../../../plugins/drop_in/_process.ts";
import { PluginFailure } from "../../../plugins/drop_in/failure.ts";
import { PluginThrew, Sandbox } from "../../../plugins/drop_in/sandbox.ts";
import { root } from "../../support/python.ts";

function open(members: string): Sandbox {
  return new Sandbox({ path: "/toy/plugin.ts", text: `export default {\n${members}\n};\n` });
}

/** What a function of a plugin throws. */
function thrown(sandbox: Sandbox, name: string): string {
  try {
    return `gave ${JSON.stringify(sandbox.call(name, []))}`;
  } catch (error) {
    assert(error instanceof PluginThrew, String(error));
    return `${error.thrown.name}: ${error.thrown.message}`;
  }
}

Deno.test("Sandbox gives data, names of functions, and answers", () => {
  const odd = String.raw`\"[[{{\\\" [`;
  using sandbox = open(
    `name: "toy", list: [1, "ä"], odd: ${
      JSON.stringify(odd.repeat(99))
    }, add(a: number, b: number) { return a + b; },
    nothing() {}, self() { return this.name; }`,
  );
  assert.deepEqual(sandbox.loaded, {
    data: { name: "toy", list: [1, "ä"], odd: odd.repeat(99) },
    functions: ["add", "nothing", "self"],
  });
  assert.equal(sandbox.call("add", [2, 3]), 5);
  assert.equal(sandbox.call("nothing", []), null);
  assert.equal(sandbox.call("self", []), "toy");
});

Deno.test("Sandbox runs steps in turns, long texts and errors of programs included", () => {
  using sandbox = open(`*twice(word: string) {
      const first = yield { word };
      let second = "";
      try { second = yield { first: first.length }; } catch (error) { second = error.message; }
      return [first.length, second];
    },
    *dies() { yield 1; }`);
  const text = "ab\n\u2028é".repeat(1_000_000);
  const one = sandbox.steps("twice", ["x"]);
  const other = sandbox.steps("twice", ["y"]);
  assert.deepEqual(one.next().value, { word: "x" });
  assert.deepEqual(other.next().value, { word: "y" });
  assert.deepEqual(one.next(text).value, { first: text.length });
  assert.deepEqual(one.throw(new Error("not on PATH")), {
    done: true,
    value: [text.length, "not on PATH"],
  });
  assert.deepEqual(other.next("z").value, { first: 1 });
  const dying = sandbox.steps("dies", []);
  dying.next();
  const mine = new Error("mine");
  assert.throws(() => dying.throw(mine), (error) => error === mine);
});

Deno.test("Sandbox leaves a plugin nothing but the language", () => {
  using sandbox = open(`
    globals() { return Object.getOwnPropertyNames(globalThis).filter((name) =>
      (globalThis as any)[name] !== undefined); },
    clock() { return new Date(); },
    clock2() { return Date(); },
    clock4() { return new Intl.DateTimeFormat().format(); },
    clock3() { return new (new Date(0).constructor as any)(); },
    date() { return new Date("2020-02-02").toISOString(); },
    random() { return Math.random(); },
    code() { return (() => 1).constructor("return 1")(); },
    code2() { return (function* () {}).constructor("yield 1")().next(); },
    code3() { return (async () => {}).constructor("return 1")(); },
    code4() { return Reflect.construct(Object.getPrototypeOf((async () => {}).constructor), ["1"]); }`);
  const globals = sandbox.call("globals", []) as string[];
  const gone =
    "Deno process Worker fetch eval Function WebAssembly setTimeout performance crypto " +
    "require Buffer self postMessage Temporal Blob SharedArrayBuffer";
  assert.deepEqual(globals.filter((name) => gone.split(" ").includes(name)), []);
  assert.equal(sandbox.call("date", []), "2020-02-02T00:00:00.000Z");
  for (const name of ["clock", "clock2", "clock3"]) {
    assert.equal(thrown(sandbox, name), "Error: a plugin has no clock");
  }
  assert.match(thrown(sandbox, "clock4"), /^TypeError: Intl\.DateTimeFormat is not a constructor$/);
  assert.equal(thrown(sandbox, "random"), "Error: a plugin has no random numbers");
  for (const name of ["code", "code2", "code3"]) {
    assert.equal(thrown(sandbox, name), "Error: a plugin has no code made from strings");
  }
  assert.doesNotMatch(thrown(sandbox, "code4"), /^gave/);
});

Deno.test("Sandbox loads nothing from elsewhere, even past the check of the source", async () => {
  // Only the process is tried here: what would come of a source that the check let through.
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    asked++;
    return new Response("export default 1", { headers: { "content-type": "text/javascript" } });
  });
  let asked = 0;
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, "export default 1");
  try {
    for (
      const specifier of [
        "npm:left-pad",
        "jsr:@std/path",
        `http://127.0.0.1:${server.addr.port}/x.js`,
        `file://${file}`,
        "https://esm.sh/left-pad",
      ]
    ) {
      for (
        const text of [
          `import x from "${specifier}"; export default { x };`,
          `export default { x: (await import("${specifier}")).default };`,
        ]
      ) {
        const answer = await askInside(text);
        assert.equal(answer[0].granted.length, 0);
        assert.match(JSON.stringify(answer[1]), /"thrown"/, `${specifier}: ${answer}`);
      }
    }
    assert.equal(asked, 0);
    const answer = await askInside(
      'import fs from "node:fs"; export default { a: fs.readFileSync("/etc/passwd") };',
    );
    assert.match(JSON.stringify(answer[1]), /"thrown"/);
  } finally {
    await server.shutdown();
    await Deno.remove(file);
  }
});

Deno.test("Sandbox takes nothing for an answer but what has its form", () => {
  for (
    const answer of [
      "3",
      "[]",
      "{}",
      '{"ok":3}',
      '{"ok":{"steps":"x","done":true}}',
      '{"thrown":3}',
      '{"thrown":{"name":"x"}}',
      '{"thrown":{"name":"x","message":"y","cause":[]}}',
      `{"ok":${"[".repeat(1000)}${"]".repeat(1000)}}`,
    ]
  ) {
    using sandbox = open(`*list() { JSON.stringify = () => ${JSON.stringify(answer)}; }`);
    const steps = sandbox.steps("list", []);
    assert.throws(() => steps.next(), /its process answered with what is no answer/, answer);
    assert.throws(() => sandbox.call("list", []), /its process has ended/);
  }
});

Deno.test("rdg plugin sandbox, the way of a compiled rdg, gives every permission back", async () => {
  const own = [Deno.execPath(), "run", "-A", "-q", "--no-prompt", `${root}/main.ts`];
  const answer = await askInside(
    'import fs from "node:fs"; export default { a: fs.readFileSync("/etc/passwd") };',
    [...own, "plugin", "sandbox"],
  );
  assert.deepEqual(answer[0], { ready: 1, granted: [] });
  assert.match(JSON.stringify(answer[1]), /"thrown"/);
  const works = await askInside("export default { a: 1 };", [...own, "plugin", "sandbox"]);
  assert.deepEqual(works[1], { ok: { data: { a: 1 }, functions: [] } });
});

Deno.test("Sandbox ends what a plugin can do with its process; the next start is as good as new", () => {
  using sandbox = open("loop() { while (true); }, fine() { return 1; }");
  assert.throws(() => sandbox.call("loop", []), PluginFailure);
  assert.throws(() => sandbox.call("fine", []), /its process has ended/);
  using large = open(
    `bytes() { const all = []; while (true) all.push(new Uint8Array(5e7).fill(1)); },
    fine() { return 1; }`,
  );
  assert.throws(() => large.call("bytes", []), /bytes\(\) used more than 512 MB and was ended/);
  using other = open("fine() { return 1; }");
  assert.equal(other.call("fine", []), 1);
});

Deno.test("a plugin's process ends with rdg, even in the middle of a loop", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import { Sandbox } from ${JSON.stringify(`${root}/plugins/drop_in/sandbox.ts`)};
    const text = "export default { loop() { while (true); } };";
    const sandbox = new Sandbox({ path: "/toy/plugin.ts", text });
    console.log("loops");
    sandbox.call("loop", []);`,
  );
  const rdg = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", file],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await rdg.stdout.getReader().read();
  const plugin = await eventually(async () => {
    const found = await new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", `${rdg.pid}`] })
      .output();
    return Number(new TextDecoder().decode(found.stdout).trim());
  });
  rdg.kill("SIGKILL");
  await rdg.status;
  await eventually(async () => {
    const state = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", `${plugin}`] })
      .output();
    return /^(?:Z|$)/.test(new TextDecoder().decode(state.stdout).trim());
  });
  await Deno.remove(file);
});

/** Asks until there is an answer, for ten seconds. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it never came");
}

/** Starts a plugin's process as `Sandbox` does, and loads a source into it as it is. */
async function askInside(text: string, words?: readonly string[]) {
  const own = command();
  const [program = "", ...args] = words ?? [own.program, ...own.args];
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${JSON.stringify({ do: "load", text })}\n`));
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}
