/**
 * Joins the files of `node/` that a helper needs into the text that is carried to a node. Pure.
 *
 * @module
 */

import beside from "./node/beside.py" with { type: "text" };
import discover from "./node/discover.py" with { type: "text" };
import inject from "./node/inject.py" with { type: "text" };
import lines from "./node/lines.py" with { type: "text" };
import outside from "./node/outside.py" with { type: "text" };
import pieces from "./node/pieces.py" with { type: "text" };
import processText from "./node/process.py" with { type: "text" };
import question from "./node/question.py" with { type: "text" };
import records from "./node/records.py" with { type: "text" };
import remoteExec from "./node/remote_exec.py" with { type: "text" };
import stack from "./node/stack.py" with { type: "text" };
import tracer from "./node/tracer.py" with { type: "text" };
import wake from "./node/wake.py" with { type: "text" };

/** The files by the name under which they import each other, each after those that it imports. */
const modules = {
  pieces,
  process: processText,
  records,
  tracer,
  beside,
  lines,
  "remote_exec": remoteExec,
  inject,
  outside,
  question,
  discover,
  stack,
  wake,
};

/** What a process that runs already is armed with. */
const injection = ["beside", "lines", "remote_exec", "inject"] as const;

/** What each helper consists of; it begins with its own `main()`. */
const parts = {
  wake: ["pieces", "process", "records", "tracer", ...injection, "wake"],
  stack: [
    ...["pieces", "process", "tracer", ...injection],
    ...["outside", "question", "discover", "stack"],
  ],
} as const satisfies Record<string, readonly (keyof typeof modules)[]>;

/** A helper that is carried to the nodes. */
export type HelperName = keyof typeof parts;

/**
 * The text of a helper: a Python program for `python -I -S -c`.
 *
 * @param name Which one.
 * @returns The program, ASCII only.
 */
export function helperSource(name: HelperName): string {
  const carried = parts[name].map((part) => `("${part}", ${literal(modules[part])}),`);
  return [
    "import sys, types",
    "for name, source in (",
    ...carried,
    "):",
    "    module = sys.modules[name] = types.ModuleType(name)",
    '    exec(compile(source, "rdg-" + name + ".py", "exec"), module.__dict__)',
    "module.main()",
    "",
  ].join("\n");
}

/** A text as a literal of Python, in ASCII: a node's locale may know nothing else. */
function literal(text: string): string {
  // JSON's is Python's as well, but for characters that JSON writes as two halves.
  return JSON.stringify(text).replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`;
  });
}
