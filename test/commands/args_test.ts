/** Reading a command line against a table of flags, and the help page of the same table. */

import assert from "node:assert/strict";
import {
  closest,
  type CommandMeta,
  helpPage,
  numberFlag,
  parseWords,
  table,
} from "../../commands/_args.ts";
import { RdgError } from "../../plugins/error.ts";

const meta: CommandMeta = {
  name: "try",
  summary: "Try it",
  usage: "[flags] COMMAND…",
  passThrough: true,
  flags: {
    lite: { type: "boolean", short: "l", help: "Be light" },
    post: { type: "boolean", short: "p", help: "Afterwards" },
    port: { type: "string", value: "N", help: "Listen there" },
    glob: { type: "string", multiple: true, help: "Some" },
    way: { type: "string", value: "WAY", choices: ["a", "b"], help: "How" },
  },
  examples: [["rdg try x", "tries x"]],
};
const plain: CommandMeta = { ...meta, passThrough: false };

function fails(call: () => unknown, message: RegExp, hint?: RegExp): void {
  assert.throws(call, (error) => {
    assert(error instanceof RdgError);
    assert.deepEqual([error.code, error.exitCode], ["usage", 2]);
    assert.match(error.message, message);
    if (hint) assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("parseWords() leaves everything from the first word to COMMAND", () => {
  for (
    const [argv, values, words] of [
      [["-lp", "python", "-l", "--port", "--"], { lite: true, post: true }, [
        "python",
        "-l",
        "--port",
        "--",
      ]],
      [["--port", "5", "x"], { port: "5" }, ["x"]],
      [["--port=5", "--", "-x", "--"], { port: "5" }, ["-x", "--"]],
      [["--glob=a", "--glob", "b", "x", "--glob=c"], { glob: ["a", "b"] }, ["x", "--glob=c"]],
      [["-", "x"], {}, ["-", "x"]],
      [["", "x"], {}, ["", "x"]],
      [["python", "--help"], {}, ["python", "--help"]],
      [["-l"], { lite: true }, []],
      [["--"], {}, []],
    ] as const
  ) {
    const parsed = parseWords(argv, meta);
    assert.deepEqual({ ...parsed.values }, values, argv.join(" "));
    assert.deepEqual(parsed.words, words, argv.join(" "));
  }
});

Deno.test("parseWords() takes flags anywhere where no program follows", () => {
  const parsed = parseWords(["a", "-l", "b", "--port", "7"], plain);
  assert.deepEqual([{ ...parsed.values }, parsed.words], [{ lite: true, port: "7" }, ["a", "b"]]);
});

Deno.test("parseWords() refuses what the table doesn't hold", () => {
  fails(
    () => parseWords(["--lit", "x"], meta),
    /unknown flag "--lit"/,
    /^--lite, or rdg try --help$/,
  );
  fails(() => parseWords(["-lz", "x"], meta), /unknown flag "-z"/, /^rdg try --help$/);
  fails(() => parseWords(["--port"], meta), /"--port" needs a value/, /^--port=N$/);
  fails(() => parseWords(["--port=", "x"], meta), /"--port" needs a value/);
  fails(
    () => parseWords(["--way=fast"], plain),
    /"--way=fast": there is no such way$/,
    /^one of a, b$/,
  );
  fails(() => parseWords(["--lite=no", "x"], meta), /"--lite" takes no value/);
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    fails(() => parseWords([`--${name}`, "x"], meta), /unknown flag/);
  }
});

Deno.test("numberFlag() takes numbers within the bounds", () => {
  const options = { flag: "port", min: 0, max: 10, whole: true };
  assert.equal(numberFlag(undefined, options), undefined);
  assert.equal(numberFlag("10", options), 10);
  assert.equal(numberFlag("0.5", { flag: "wait", min: 0, max: 1 }), 0.5);
  for (const text of ["", " ", "x", "11", "-1", "1.5", "1e0", "0x5", "NaN", "Infinity", true]) {
    fails(() => numberFlag(text, options), /want a whole number from 0 to 10$/);
  }
});

Deno.test("closest() finds what was meant, and nothing where nothing is near", () => {
  const words = ["debug", "attach", "sessions", "stack"];
  for (
    const [typed, wanted] of [
      ["debg", "debug"],
      ["dbeug", "debug"],
      ["atach", "attach"],
      ["session", "sessions"],
      ["stakc", "stack"],
      ["train", undefined],
      ["", undefined],
      ["x", undefined],
    ] as const
  ) assert.equal(closest(typed, words), wanted, typed);
});

Deno.test("helpPage() shows each flag within 80 columns", () => {
  const long = { type: "string", value: "SOMETHING-LONG-INDEED", help: "word ".repeat(40).trim() };
  const page = helpPage({
    ...meta,
    flags: { ...meta.flags, "a-very-long-name": long } as CommandMeta["flags"],
  });
  for (const line of page.split("\n")) assert(line.length <= 80 && line === line.trimEnd(), line);
  for (
    const text of ["-l, --lite ", "    --port=N ", "    --glob=VALUE ", "-h, --help ", "tries x"]
  ) {
    assert(page.includes(text), text);
  }
  assert.equal(page.match(/word/g)?.length, 40);
});

Deno.test("table() puts what is too wide for the column on a line of its own", () => {
  const wide = "x".repeat(40);
  assert.deepEqual(table([["a", "one"], [wide, "two"]]), [
    `  ${"a".padEnd(30)}  one`,
    `  ${wide}`,
    `${" ".repeat(34)}two`,
  ]);
});
