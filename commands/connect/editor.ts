/**
 * What the editor has to do, or can be made to do by itself. Writes the one file that VS Code's Python
 * debugger waits for in its integrated terminal; looks for editors' files in the project.
 *
 * @module
 */

/** Looks a variable up. */
type Env = (name: string) => string | undefined;

/**
 * Makes VS Code attach: in its terminals, its Python debugger waits for the file that
 * VSCODE_DEBUGPY_ADAPTER_ENDPOINTS names, and attaches to the port in it when it is created
 * (vscode-python-debugger, noConfigDebugInit.ts).
 *
 * @param port The local port.
 * @param env Looks a variable up.
 * @returns The file; null outside of such a terminal, or where it can't be written.
 */
export async function tellVsCode(port: number, env: Env): Promise<string | null> {
  const path = env("VSCODE_DEBUGPY_ADAPTER_ENDPOINTS");
  if (!path) return null;
  try {
    // Only a new file counts; an old one is taken away first.
    await forget(path);
    const text = JSON.stringify({ client: { host: "127.0.0.1", port } });
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
    return path;
  } catch {
    return null;
  }
}

/** Takes the file away again. */
export async function forget(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** One editor: how it shows, and what to do in it. */
const editors: readonly { title: string; env?: [string, string]; file?: string; press: string }[] =
  [
    {
      title: "VS Code",
      env: ["TERM_PROGRAM", "vscode"],
      file: ".vscode/launch.json",
      press: 'press F5 with "rdg: Attach" chosen (Run and Debug)',
    },
    { title: "Neovim", env: ["NVIM", ""], press: ":DapContinue, and choose rdg: Attach" },
    {
      title: "Zed",
      env: ["ZED_TERM", ""],
      file: ".zed/debug.json",
      press: "press F4, and choose rdg: Attach",
    },
    { title: "Emacs", env: ["INSIDE_EMACS", ""], press: "M-x dape, rdg" },
    { title: "Vim", file: ".vimspector.json", press: "press F5, and choose rdg: Attach" },
    { title: "Helix", file: ".helix/languages.toml", press: ":debug-remote, or <space>G" },
  ];

/**
 * Says what to press.
 *
 * @param env Looks a variable up.
 * @param folder The project's folder.
 * @returns A sentence without a final period.
 */
export async function whatToPress(env: Env, folder: string): Promise<string> {
  const inside = editors.find(({ env: sign }) =>
    sign && (env(sign[0]) ?? "").includes(sign[1]) && env(sign[0]) !== undefined
  );
  if (inside) return `In ${inside.title}: ${inside.press}`;
  for (const { title, file, press } of editors) {
    if (file && await exists(`${folder}/${file}`)) return `In ${title}: ${press}`;
  }
  return 'Start "rdg: Attach" in your editor ("rdg init" makes the configuration)';
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
