/**
 * The contract's checks on any editor: what it writes into a new file, and that it takes it out again.
 * Pure but for asking the plugin.
 *
 * @module
 */

import { attachProfile } from "../../init/profile.ts";
import type { EditorData } from "../../../plugins/drop_in/forms.ts";
import { editorResults } from "../../../plugins/drop_in/results.ts";
import type { Caller } from "../../../plugins/drop_in/stand_in.ts";
import type { PluginCheck } from "../test.ts";

/** What `rdg init` wants in a project of the tests'. */
export const profile = attachProfile({
  localRoot: "/home/ada/project",
  realRoot: "/home/ada/project",
});

/** The same where the project is reached through a symbolic link. */
const linked = attachProfile({ localRoot: "/home/ada/link", realRoot: "/pfs/ada/project" });

/** What no editor's file looks like. */
const rubbish = "\u0000{[<\ufffd\r\n\t= \"'";

/**
 * Makes the checks.
 *
 * @param data What the plugin says of itself.
 * @returns The checks.
 */
export function editorChecks({ files }: EditorData): PluginCheck[] {
  const checks = files.flatMap(({ path, fresh }): PluginCheck[] => {
    const file = (fresh ?? path.replaceAll("*", "x")).replace("${folder}", "project");
    const apply = (caller: Caller, oldText: string | null, wanted = profile) =>
      caller.call("apply", [{ file, oldText, profile: wanted }], editorResults.apply);
    return [{
      title: `apply() makes ${file}, and changes nothing in its own result`,
      run(caller) {
        for (const wanted of [profile, linked]) {
          const { text } = apply(caller, null, wanted);
          if (text === null || text.trim() === "") throw new Error("it makes no text");
          const again = apply(caller, text, wanted);
          if (again.text !== text) throw new Error("applied to its own result it gives another");
        }
        return apply(caller, null);
      },
    }, {
      title: `remove() takes ${file} away again`,
      run(caller) {
        const oldText = apply(caller, null).text;
        const request = { file, oldText, profile };
        const { text } = caller.call("remove", [request], editorResults.remove);
        if (text !== null) throw new Error("of a file that it made itself, something is left");
        return text;
      },
    }, {
      title: `rubbish in ${file} stays as it is, or is refused`,
      run(caller) {
        const all = [];
        for (const name of ["apply", "remove"] as const) {
          const request = { file, oldText: rubbish, profile };
          try {
            const { text } = caller.call(name, [request], editorResults[name]);
            if (!text?.includes(rubbish)) throw new Error(`${name}() drops what it can't read`);
            all.push(text);
          } catch (error) {
            if (!(error instanceof SyntaxError)) throw error;
            all.push(error.message);
          }
        }
        return all;
      },
    }];
  });
  checks.push({
    title: "instructions() gives lines",
    run: (caller) => caller.call("instructions", [profile], editorResults.instructions),
  });
  return checks;
}
