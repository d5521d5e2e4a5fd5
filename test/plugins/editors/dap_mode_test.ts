/**
 * Emacs with dap-mode attaches by itself: it reads the generated launch.json, connects to a real
 * debugpy and stops at a breakpoint in the local file. Starts emacs and python3.
 *
 * @module
 */

import assert from "node:assert/strict";
import { attachProfile } from "../../../commands/init/profile.ts";
import { editors } from "../../../plugins/editors.ts";
import { launchFile } from "../../../plugins/editors/vscode.ts";
import { breakpointLine, program, startProgram } from "./_dap.ts";
import { has, pipe } from "./_resolve.ts";

/** Opens the local file, sets the breakpoint, starts the entry, waits for the stop, says where. */
const script = `
(package-initialize)
(require 'lsp-mode) (require 'dap-mode) (require 'dap-mouse) (require 'dap-ui) (require 'dap-python)
(setq lsp-auto-configure nil dap-auto-configure-features nil dap-auto-show-output nil
      dap-output-window-max-height 1 lsp-session-file (getenv "RDG_SESSION_FILE")
      dap-breakpoints-file (getenv "RDG_BREAKPOINTS_FILE"))
(defvar stop nil)
(add-hook 'dap-stack-frame-changed-hook
          (lambda (session)
            (let ((frame (dap--debug-session-active-frame session)))
              (when frame
                (setq stop (list :path (gethash "path" (gethash "source" frame))
                                 :line (gethash "line" frame)))
                (dap-continue session (dap--debug-session-thread-id session))))))
(let ((folder (getenv "RDG_FOLDER")))
  (lsp-workspace-folders-add folder)
  (find-file (expand-file-name "train.py" folder))
  (goto-char (point-min))
  (forward-line (1- (string-to-number (getenv "RDG_LINE"))))
  (dap-breakpoint-add)
  (let ((entry (assoc "rdg: Attach (dap-mode)" (dap-launch-find-parse-launch-json))))
    (dap-debug (copy-tree (cdr entry))))
  (with-timeout (25 (error "no stop"))
    (while (not stop) (accept-process-output nil 0.05)))
  (accept-process-output nil 0.2)
  (princ (json-encode stop)))
`;

/** Why the test can't run; undefined where it can. */
const missing =
  await has("emacs", ["-q", "--batch", "-f", "package-initialize", "-l", "dap-python"])
    ? undefined
    : "no dap-mode: apt-get install emacs-nox elpa-dap-mode";

Deno.test({
  name: "dapMode.apply() gives an entry that Emacs attaches and stops with" +
    (missing === undefined ? "" : ` (skipped: ${missing})`),
  ignore: missing !== undefined,
  fn: attachWithEmacs,
});

async function attachWithEmacs(): Promise<void> {
  const top = await Deno.realPath(await Deno.makeTempDir({ prefix: "rdg-dap-mode-" }));
  try {
    const [local, remote] = [`${top}/desk/proj`, `${top}/pfs/proj`];
    for (const folder of [`${local}/.vscode`, remote]) {
      await Deno.mkdir(folder, { recursive: true });
    }
    for (const folder of [local, remote]) await Deno.writeTextFile(`${folder}/train.py`, program);
    await using debuggee = await startProgram("train.py", { cwd: remote, auth: false });
    const profile = attachProfile({ localRoot: local, realRoot: local });
    const entries = profile.entries.map((entry) =>
      entry.id === "attach" ? { ...entry, port: debuggee.port } : entry
    );
    // As in a project that uses both: VS Code's entries with comments stand in the same file.
    let text = '// a comment\n{\n  /* another */ "configurations": [],\n}\n';
    for (const name of ["vscode", "dap-mode"]) {
      const plugin = editors.find((candidate) => candidate.name === name)!;
      text = plugin.apply({ file: launchFile, oldText: text, profile: { ...profile, entries } })
        .text!;
    }
    await Deno.writeTextFile(`${local}/${launchFile}`, text);
    await Deno.writeTextFile(`${top}/attach.el`, script);
    const out = await pipe("emacs", {
      args: ["-q", "--batch", "-l", `${top}/attach.el`],
      stdin: "",
      env: {
        HOME: top,
        RDG_FOLDER: local,
        RDG_LINE: String(breakpointLine),
        RDG_SESSION_FILE: `${top}/session`,
        RDG_BREAKPOINTS_FILE: `${top}/breakpoints`,
      },
    });
    assert.deepEqual(JSON.parse(out.slice(out.lastIndexOf("{"))), {
      path: `${local}/train.py`,
      line: breakpointLine,
    });
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}
