/**
 * Does to a generated file what its editor does before it attaches: reads it, finds an entry, puts in
 * folders and answers. One function an editor, written after the editor's documented rules. Starts
 * python3 for TOML and emacs for elisp.
 *
 * @module
 */

import assert from "node:assert/strict";
import { within } from "./_dap.ts";

/** JSON of any shape. */
// deno-lint-ignore no-explicit-any -- the files' shapes are what the tests are about
type Any = any;

/** What an editor knows when it attaches. */
export interface Situation {
  /** The entry's title. */
  name: string;
  /** Its short name. */
  id: string;
  /** The project's folder. */
  folder: string;
  /** What the person types, by the input's id. */
  answers: Record<string, string>;
}

/** Puts values in for what a pattern finds, in every string of a value. */
function fill(value: Any, pattern: RegExp, look: (name: string) => string | undefined): Any {
  if (Array.isArray(value)) return value.map((item) => fill(item, pattern, look));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fill(item, pattern, look)]),
    );
  }
  if (typeof value !== "string") return value;
  return value.replace(pattern, (all, name: string) => look(name) ?? all);
}

/** VS Code: strict JSON is a part of what it reads; every input must be declared. */
export function vscode(text: string, at: Situation): Any {
  const { configurations, inputs } = JSON.parse(text);
  const entry = configurations.find(({ name }: Any) => name === at.name);
  return fill(entry, /\$\{([^}]+)\}/g, (name) => {
    if (name === "workspaceFolder") return at.folder;
    const id = name.replace(/^input:/, "");
    assert.ok(inputs.some((input: Any) => input.id === id && input.type === "promptString"), name);
    return at.answers[id];
  });
}

/** nvim-dap: whole-line comments go, ids are letters, digits and `_`. */
export function neovim(text: string, at: Situation): Any {
  const { configurations } = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
  const entry = configurations.find(({ name }: Any) => name === at.name);
  const asked = fill(entry, /\$\{input:([A-Za-z0-9_]+)\}/g, (id) => at.answers[id]);
  return fill(asked, /\$\{(workspaceFolder)\}/g, () => at.folder);
}

/** Zed: a number as port, an IP address as host, task variables. */
export function zed(text: string, at: Situation): Any {
  const entry = JSON.parse(text).find(({ label }: Any) => label === at.name);
  const { label: _, adapter, ...rest } = fill(
    entry,
    /\$(ZED_WORKTREE_ROOT)/g,
    () => at.folder,
  );
  assert.equal(adapter, "Debugpy");
  assert.equal(typeof rest.connect.port, "number");
  assert.match(rest.connect.host, /^[\d.]+$/);
  return rest;
}

/** Sublime Text's Debugger: a number as port, no unknown variable. */
export function sublime(text: string, at: Situation): Any {
  const entry = JSON.parse(text).debugger_configurations.find(({ name }: Any) => name === at.name);
  assert.equal(typeof entry.connect.port, "number");
  return fill(entry, /\$\{([^}]+)\}/g, (name) => {
    assert.equal(name, "workspaceFolder");
    return at.folder;
  });
}

/** Kate: the profile over the run; a number as port; `${name}` are fields. */
export function kate(text: string, at: Situation): Any {
  const { run, configurations } = JSON.parse(text).dap.rdg;
  const merged = { ...run, ...configurations[at.name] };
  assert.equal(typeof merged.port, "number");
  const { command, ...request } = fill(merged.request, /\$\{([^}]+)\}/g, (id) => at.answers[id]);
  assert.equal(command, "attach");
  return request;
}

/** vimspector: `${name:default}` asks, `key#json` reads the text as JSON. */
export function vimspector(text: string, at: Situation): Any {
  const { adapters, configurations } = JSON.parse(text);
  const look = (name: string) => {
    if (name === "workspaceRoot") return at.folder;
    const [id, preset] = name.split(":");
    return at.answers[id!] ?? preset;
  };
  const { adapter, configuration } = configurations[at.name];
  const { host, port } = fill(adapters[adapter], /\$\{([^}]+)\}/g, look);
  const { "port#json": coerced, ...rest } = fill(
    configuration.connect,
    /\$\{([^}]+)\}/g,
    look,
  );
  const connect = coerced === undefined ? rest : { ...rest, port: JSON.parse(coerced) };
  assert.deepEqual({ host, port: Number(port) }, connect);
  return { ...fill(configuration, /\$\{([^}]+)\}/g, look), connect };
}

/** Helix: `{0}` is the first parameter; texts of digits become numbers; `cwd` is added. */
export async function helix(text: string, at: Situation): Promise<Any> {
  const { language } = await readToml(text);
  const python = language.find(({ name }: Any) => name === "python");
  const template = python.debugger.templates.find(({ name }: Any) => name === `rdg-${at.id}`);
  assert.equal(python.debugger.transport, "tcp");
  const given = template.completion.map(({ name }: Any) => at.answers[name]);
  const numbers = (value: Any): Any =>
    Array.isArray(value)
      ? value.map(numbers)
      : typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, numbers(item)]))
      : typeof value === "string" && /^\d+$/.test(value)
      ? Number(value)
      : value;
  const args = numbers(fill(template.args, /\{(\d+)\}/g, (index) => given[Number(index)]));
  return { ...args, cwd: at.folder };
}

/** Reads TOML with Python's own parser. */
export async function readToml(text: string): Promise<Any> {
  const script = "import json,sys,tomllib;print(json.dumps(tomllib.loads(sys.stdin.read())))";
  return JSON.parse(await pipe("python3", { args: ["-c", script], stdin: text }));
}

/**
 * dape: functions are called, variables looked up, in order, inside plists and vectors too (the rules
 * of its own evaluation). Answers come from functions that take the place of Emacs's prompts.
 */
export async function dape(text: string, at: Situation): Promise<Any> {
  const { localTunnelPort, computeNodePort } = at.answers;
  const script = `
(require 'cl-lib) (require 'json)
(defvar dape-configs nil)
(provide 'dape)
(with-temp-buffer (insert ${JSON.stringify(text)}) (eval-buffer))
(defvar asked nil)
(defun answer (prompt)
  (push prompt asked)
  (cond ${
    Object.entries({
      "Remote Path": at.answers.remoteWorkspaceFolder,
      Node: at.answers.computeNodeHost,
      Token: at.answers.rdgToken,
    }).map(([word, value]) => `((string-prefix-p "${word}" prompt) ${JSON.stringify(value ?? "")})`)
      .join(" ")
  } (t (error "unexpected prompt %s" prompt))))
(fset 'read-string (lambda (prompt &rest _) (answer prompt)))
(fset 'read-passwd (lambda (prompt &rest _) (answer prompt)))
(fset 'read-number (lambda (prompt &rest _) (push prompt asked)
  (if (string-prefix-p "Local" prompt) ${localTunnelPort ?? 0} ${computeNodePort ?? 0})))
(fset 'project-current (lambda (&rest _) nil))
(setq default-directory ${JSON.stringify(at.folder + "/")})
(defun plist? (v) (and (consp v) (keywordp (car v))))
(defun ev (v)
  (cond ((functionp v) (funcall-interactively v))
        ((plist? v) (ev-plist v))
        ((vectorp v) (cl-map 'vector #'ev v))
        ((and (symbolp v) (not (eq (symbol-value v) v))) (ev (symbol-value v)))
        (t v)))
(defun ev-plist (p)
  (cl-loop for (k v) on p by #'cddr append (list k (if (eq k 'modes) v (ev v)))))
(let* ((all (ev-plist (cdr (assq 'rdg-${at.id} dape-configs)))))
  (princ (json-encode
    (list :host (plist-get all 'host) :port (plist-get all 'port)
          :asked (vconcat asked)
          :names (vconcat (mapcar (lambda (c) (symbol-name (car c))) dape-configs))
          :args (cl-loop for (k v) on all by #'cddr
                         when (keywordp k) append (list k v))))))
`;
  const file = await Deno.makeTempFile({ suffix: ".el" });
  try {
    await Deno.writeTextFile(file, script);
    const out = JSON.parse(await pipe("emacs", { args: ["-Q", "--batch", "-l", file], stdin: "" }));
    assert.equal(new Set(out.asked).size, out.asked.length, "asked twice");
    assert.deepEqual(out.args.connect, { host: out.host, port: out.port });
    assert.deepEqual(out.names, ["rdg-attach", "rdg-tunnel", "rdg-node"]);
    return out.args;
  } finally {
    await Deno.remove(file);
  }
}

/** Runs a program and returns its stdout. */
export async function pipe(
  name: string,
  options: { args: string[]; stdin: string; env?: Record<string, string>; cwd?: string },
): Promise<string> {
  const { stdin, ...rest } = options;
  const child = new Deno.Command(name, {
    ...rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
    const { success, stdout, stderr } = await within(child.output(), name);
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(`${name} failed: ${decode(stderr).slice(0, 2000)}`);
    return decode(stdout);
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch { /* It has ended. */ }
    throw error;
  }
}

/** Whether a program can be started. */
export async function has(name: string, args: string[] = ["--version"]): Promise<boolean> {
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(name, options).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
