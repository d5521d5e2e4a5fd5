/**
 * Emacs with dape: an elisp file of rdg's own, loaded by one line in the person's configuration. It
 * knows no project: the folder is asked of Emacs when a session starts.
 *
 * The file lies in `~/.config/rdg/`: making `~/.emacs.d` would make Emacs overlook a configuration in
 * `~/.config/emacs`.
 *
 * @module
 */

import type {
  AttachEntry,
  AttachInput,
  AttachProfile,
  EditorPlugin,
  InputReference,
} from "../contract.ts";
import { findInput, inputsOf } from "./_attach.ts";
import { applyDropIn, removeDropIn } from "./_drop_in.ts";

const file = "~/.config/rdg/dape.el";

/** A string as elisp writes it. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** The function that asks for an input and keeps the answer in the variable of the same name. */
function asking(input: AttachInput, port: boolean): string {
  const symbol = `rdg-${input.id}`;
  const prompt = quote(`${input.description}: `);
  const read = port
    ? `(read-number ${prompt} ${Number(input.default ?? 5678)})`
    : input.password
    ? `(read-passwd ${prompt})`
    : `(read-string ${prompt} nil nil ${quote(input.default ?? "")})`;
  return [
    `(defvar ${symbol} ${port ? "0" : '""'})`,
    `(defun rdg-ask-${input.id} ()`,
    `  (interactive)`,
    `  (setq ${symbol} ${read}))`,
    "",
  ].join("\n");
}

/**
 * One entry for `dape-configs`. dape evaluates functions and variables in the order in which they
 * stand: the first mention of an input asks, the later ones take the answer.
 */
function config(entry: AttachEntry): string {
  const known = new Set<string>();
  const value = (given: string | number | boolean | InputReference): string => {
    if (typeof given === "string") return quote(given);
    if (typeof given === "number") return String(given);
    if (typeof given === "boolean") return given ? "t" : "nil";
    if (known.has(given.input)) return `rdg-${given.input}`;
    known.add(given.input);
    return `rdg-ask-${given.input}`;
  };
  const { remoteRoot } = entry;
  const remote = typeof remoteRoot === "object" && "resolved" in remoteRoot
    ? "rdg-real-root"
    : remoteRoot === undefined
    ? undefined
    : value(remoteRoot);
  const lines = [
    `host ${value(entry.host)}`,
    `port ${value(entry.port)}`,
    `:request "attach"`,
    `:type "python"`,
    `:connect (:host ${value(entry.host)} :port ${value(entry.port)})`,
    ...(remote === undefined
      ? []
      : [`:pathMappings [(:localRoot rdg-local-root :remoteRoot ${remote})]`]),
    ...Object.entries(entry.extra ?? {}).map(([key, given]) => `:${key} ${value(given)}`),
  ];
  return [
    `(add-to-list 'dape-configs`,
    `  '(rdg-${entry.id} modes (python-mode python-ts-mode)`,
    ...lines.map((line) => `    ${line}`),
  ].join("\n") + "))";
}

function elisp(profile: AttachProfile): string {
  const inputs = new Map<string, string>();
  for (const entry of profile.entries) {
    for (const input of inputsOf(entry, profile)) {
      const port = typeof entry.port === "object" && entry.port.input === input.id;
      inputs.set(input.id, asking(findInput(profile, input.id), port));
    }
  }
  return `;;; dape.el --- attach to programs in cluster jobs -*- lexical-binding: t -*-
;; Written by "rdg init"; "rdg init --remove --editor=dape" takes it away again.

(require 'project)

(defun rdg-local-root ()
  "The project's folder, or the current one."
  (interactive)
  (let ((project (project-current)))
    (directory-file-name
     (expand-file-name (if project (project-root project) default-directory)))))

(defun rdg-real-root ()
  "The same with its symbolic links resolved."
  (interactive)
  (file-truename (rdg-local-root)))

${[...inputs.values()].join("\n")}
(with-eval-after-load 'dape
${profile.entries.toReversed().map(config).join("\n").replace(/^(?=.)/gm, "  ")})

;;; dape.el ends here
`;
}

/** Emacs with dape. */
export const dape: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "dape",
  title: "Emacs (dape)",
  aliases: ["emacs"],
  summary: `Emacs with dape: ${file}`,
  programs: [],
  detect: {
    env: { INSIDE_EMACS: "" },
    programs: ["emacs"],
    home: ["~/.emacs.d/elpa/dape-*", "~/.config/emacs/elpa/dape-*"],
  },
  files: [{ path: file }],
  apply: ({ oldText, profile, force }) => applyDropIn(oldText, elisp(profile), { force, file }),
  remove: ({ oldText, profile, force }) => removeDropIn(oldText, elisp(profile), { force, file }),
  press: ({ id }) => `M-x dape, rdg-${id}`,
  instructions(profile) {
    return [
      `Add to your Emacs configuration: (load "${file}" t)`,
      `Then, in a Python buffer: M-x dape, rdg-${profile.entries[0]?.id}.`,
    ];
  },
};
