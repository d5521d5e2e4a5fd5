/**
 * Emacs with dap-mode, an editor that opens no further sessions: through `rdg connect --merge` it stops
 * in every rank, without it in the lowest one. Starts emacs.
 */

import assert from "node:assert/strict";
import { attachProfile } from "../../../../commands/init/profile.ts";
import { editors } from "../../../../plugins/editors.ts";
import { launchFile } from "../../../../plugins/editors/vscode.ts";
import { has, pipe } from "../../../plugins/editors/_resolve.ts";
import { leave, line, Ranks } from "./ranks.ts";

/** Starts the entry that `rdg init` writes, and lets every stop go on until enough threads stopped. */
const script = `
(package-initialize)
(require 'lsp-mode) (require 'dap-mode) (require 'dap-mouse) (require 'dap-ui) (require 'dap-python)
(setq lsp-auto-configure nil dap-auto-configure-features nil dap-auto-show-output nil
      dap-output-window-max-height 1 lsp-session-file (getenv "RDG_SESSION_FILE")
      dap-breakpoints-file (getenv "RDG_BREAKPOINTS_FILE"))
(defvar names nil)
(defun look (session line)
  "Note the threads that stopped at LINE, and let all that stopped go on."
  (let ((seen nil))
    (maphash (lambda (thread frames) (when (> (length frames) 0) (push (cons thread frames) seen)))
             (dap--debug-session-thread-stack-frames session))
    (dolist (one seen)
      (remhash (car one) (dap--debug-session-thread-stack-frames session))
      (when (= (gethash "line" (elt (cdr one) 0)) line)
        (dolist (thread (append (dap--debug-session-threads session) nil))
          (when (= (gethash "id" thread) (car one))
            (cl-pushnew (gethash "name" thread) names :test #'equal))))
      (dap--send-message (dap--make-request "continue" (list :threadId (car one)))
                         (dap--resp-handler) session))))
(let ((folder (getenv "RDG_FOLDER")))
  (lsp-workspace-folders-add folder)
  (find-file (expand-file-name "train.py" folder))
  (goto-char (point-min))
  (forward-line (1- (string-to-number (getenv "RDG_LINE"))))
  (dap-breakpoint-add)
  (let ((entry (assoc "rdg: Attach (dap-mode)" (dap-launch-find-parse-launch-json))))
    (dap-debug (copy-tree (cdr entry))))
  (with-timeout (25 (princ (format "only %S" names)))
    (while (< (length names) (string-to-number (getenv "RDG_COUNT")))
      (accept-process-output nil 0.1)
      (when (dap--cur-session)
        (look (dap--cur-session) (string-to-number (getenv "RDG_LINE"))))))
  (princ (concat "stopped: " (mapconcat #'identity (sort names #'string<) ", "))))
`;

const missing =
  await has("emacs", ["-q", "--batch", "-f", "package-initialize", "-l", "dap-python"])
    ? null
    : "no dap-mode: apt-get install emacs-nox elpa-dap-mode";
const suffix = missing === null ? "" : ` (skipped: ${missing})`;

for (
  const [words, wanted] of [
    [["--merge"], "rank 0: MainThread, rank 1: MainThread"],
    [["--all"], "MainThread"],
  ] as const
) {
  Deno.test({
    name: `rdg connect ${words[0]} stops Emacs's dap-mode in ${wanted}${suffix}`,
    ignore: missing !== null,
    fn: () => stopsIn(words, wanted),
  });
}

async function stopsIn(words: readonly string[], wanted: string): Promise<void> {
  await using ranks = await Ranks.start({ size: 2 });
  const { dir } = ranks.sandbox;
  const { child, ready } = await ranks.connect(...words);
  const profile = attachProfile({ localRoot: dir, realRoot: dir });
  const entries = profile.entries.map((entry) =>
    entry.id === "attach" ? { ...entry, port: ready.port } : entry
  );
  const plugin = editors.find(({ name }) => name === "dap-mode")!;
  const { text } = plugin.apply({
    file: launchFile,
    oldText: null,
    profile: { ...profile, entries },
  });
  await Deno.mkdir(`${dir}/.vscode`);
  await Deno.writeTextFile(`${dir}/${launchFile}`, text!);
  await ranks.sandbox.write("attach.el", script);
  const out = await pipe("emacs", {
    args: ["-q", "--batch", "-l", `${dir}/attach.el`],
    stdin: "",
    env: {
      HOME: dir,
      RDG_FOLDER: dir,
      RDG_LINE: String(line),
      RDG_COUNT: String(wanted.split(", ").length),
      RDG_SESSION_FILE: `${dir}/session`,
      RDG_BREAKPOINTS_FILE: `${dir}/breakpoints`,
    },
  });
  assert.equal(out.slice(out.lastIndexOf("stopped: ")), `stopped: ${wanted}`, child.stderr);
  await leave(child);
}
