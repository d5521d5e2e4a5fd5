/**
 * The main thread of a plugin's process: starts `_inside.ts` in a thread of its own, and ends the process
 * when it takes too much memory, or when rdg is gone, which keeps its time. V8's own limit counts objects only, not the bytes of buffers nor what
 * `Intl` holds (seen with Deno 2.9.6: 800 MB under a limit of 256). Imported as text by `_process.ts`,
 * so it imports nothing itself.
 *
 * @module
 */

/** Memory of the whole process, in MB; Deno alone takes some 80. */
const maxMb = 512;

/** Who started it. */
const parent = Deno.ppid;

/** How often it is looked at while the plugin works, in milliseconds. */
const intervalMs = 20;

/**
 * Becomes a plugin's process.
 *
 * @param inside The text of `_inside.ts`, as an address.
 * @returns When nobody asks any more.
 */
export function watch(inside: string): Promise<void> {
  const worker = new Worker(inside, { type: "module" });
  let timer: ReturnType<typeof setInterval> | undefined;
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => {
      clearInterval(timer);
      if (data === "works") timer = setInterval(look, intervalMs);
      if (data !== "ends") return;
      worker.terminate();
      resolve();
    });
  });
}

function look(): void {
  if (Deno.ppid !== parent) Deno.exit(1);
  if (Deno.memoryUsage().rss <= maxMb * 1024 * 1024) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`used more than ${maxMb} MB`));
  Deno.exit(1);
}

const [inside] = Deno.args;
if (inside?.startsWith("data:")) await watch(inside);
