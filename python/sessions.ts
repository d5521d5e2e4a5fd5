/**
 * Reads the session records that `remote_debug` writes (RECORD.md), and removes those that nothing
 * stands behind any more. Touches `<state>/sessions` only.
 *
 * @module
 */

/** The version of the format that this reader understands. */
const formatVersion = 1;

/** How many files are read at the same time: network file systems answer slowly, but in parallel. */
const parallel = 64;

/** What a program's debugger is doing. */
export type SessionState = "armed" | "listening" | "attached" | "crashed";

/** One session, as RECORD.md describes it, and the file that it was read from. */
export interface Session {
  /** Path of the record; empty for one that came from a node. */
  path: string;
  /** Plugin name of the scheduler. */
  scheduler: string;
  /** Cluster; the host's name outside a job. */
  cluster: string;
  /** The job: id for the scheduler's programs, id as people see it, step. */
  job: { id: string; display: string; step: string | null };
  /** Who gave the rank: `srun`, `torchrun`. */
  launcher: string | null;
  /** Rank within the program, if a launcher gave one. */
  rank: number | null;
  /** Number of ranks. */
  worldSize: number | null;
  /** How often the launcher may still start the ranks anew; null where it doesn't say. */
  restartsLeft: number | null;
  /** The node as the scheduler calls it. */
  host: string;
  /** The machine's own name. */
  hostname: string;
  /** Process id, in its own namespace. */
  pid: number;
  /** Clock ticks since boot at which the process started; null where unknown. */
  startTime: number | null;
  /** `readlink /proc/self/ns/pid`. */
  pidNamespace: string | null;
  /** The kernel's name for that machine's boot; null where unknown, as in older records. */
  boot: string | null;
  /** The owner's number. */
  uid: number;
  /** The owner's name. */
  user: string;
  /** The command line. */
  command: string[];
  /** The interpreter's path. */
  executable: string;
  /** `wait`, `lite`, `post-mortem`. */
  modes: string[];
  /** Number of the signal that wakes it. */
  signal: number;
  /** Number of the signal that makes it write its stacks. */
  stackSignal: number;
  /** Descriptor that the stacks are written to. */
  stack: { fd: number; path: string } | null;
  /** What the debugger is doing. */
  state: SessionState;
  /** Whether the program stands still until an editor attaches; null in records of older versions. */
  waiting: boolean | null;
  /** Where an editor connects, once it listens. */
  address: { host: string; port: number } | null;
  /** Whether the port wants the token. */
  auth: boolean;
  /** The token. */
  token: string | null;
  /** A container's own network: only what it publishes is reached from outside. */
  ownNetwork: boolean;
  /** Folder to map to. */
  remotePath: string;
  /** Where the job was submitted from. */
  submitHost: string | null;
  /** One line about the crash. */
  exception: string | null;
  /** When it crashed, by its node's clock: seconds since 1970. */
  crashed: number | null;
  /** Seconds since 1970. */
  created: number;
  /** Seconds since 1970. */
  changed: number;
}

/** What was found. */
export interface Sessions {
  /** The sessions. */
  sessions: Session[];
  /** Records that were passed over, and why: lines for the person. */
  passedOver: string[];
}

/**
 * Says where the state folder is.
 *
 * @param env Looks up a variable.
 * @returns Its path, or null where neither HOME nor another variable tells.
 */
export function stateFolder(env: (name: string) => string | undefined): string | null {
  if (env("RDG_STATE_DIR")) return env("RDG_STATE_DIR")!;
  if (env("XDG_STATE_HOME")) return `${env("XDG_STATE_HOME")}/rdg`;
  return env("HOME") ? `${env("HOME")}/.local/state/rdg` : null;
}

/**
 * Writes a name the way it stands in a record's path.
 *
 * @param name A cluster, a job or a host.
 * @returns The name with every unusual character replaced.
 */
export function recordName(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._\-[\]]/g, "_");
  return safe.startsWith(".") ? `_${safe.slice(1)}` : safe || "_";
}

/**
 * Says what a session's record is called.
 *
 * @param session What the record holds.
 * @returns The file's name. Containers on one node begin to count at 1, each of them.
 */
export function recordFile(
  { host, pid, pidNamespace }: Pick<Session, "host" | "pid" | "pidNamespace">,
): string {
  const own = pidNamespace === null || pidNamespace === initialNamespace
    ? ""
    : `-${recordName(pidNamespace.slice(5, -1))}`;
  return `${recordName(host)}${own}-${pid}.json`;
}

/** The kernel's name for the process ids of those that are in no container. */
const initialNamespace = "pid:[4026531836]";

/**
 * Reads session records.
 *
 * @param state The state folder.
 * @param options `job` reads only that job's records (its unique id); `uid` is mine, records of
 * others are passed over.
 * @returns The sessions by job, rank, node and process, and what was passed over. A folder that isn't there
 * is no error.
 */
export async function readSessions(
  state: string,
  options: { job?: string | undefined; uid: number | null },
): Promise<Sessions> {
  const files: string[] = [];
  const root = `${state}/sessions`;
  const wrong = await whyNotMine(root, options.uid);
  if (wrong) return { sessions: [], passedOver: [`${root}: ${wrong}`] };
  for (const cluster of await names(root, "folders")) {
    const jobs = options.job === undefined
      ? await names(`${root}/${cluster}`, "folders")
      : [recordName(options.job)];
    const folders = jobs.map((job) => `${root}/${cluster}/${job}`);
    await inParallel(folders, async (folder) => {
      for (const name of await names(folder, "files")) {
        if (name.endsWith(".json") && !name.startsWith(".")) files.push(`${folder}/${name}`);
      }
    });
  }
  const found: Sessions = { sessions: [], passedOver: [] };
  await inParallel(files, async (path) => {
    const result = await readRecord(path, options.uid);
    if (typeof result === "string") found.passedOver.push(`${path}: ${result}`);
    else if (result) found.sessions.push(result);
  });
  found.sessions.sort(compareSessions);
  found.passedOver.sort();
  return found;
}

/**
 * Says why a folder may hold what another user put there: somebody may have prepared one in /tmp. The
 * agent writes only where nothing of that holds, so nothing of mine is passed over.
 */
async function whyNotMine(folder: string, uid: number | null): Promise<string | null> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    return error instanceof Deno.errors.PermissionDenied
      ? "you may not look into it, or into a folder above it"
      : String(error);
  }
  if (!info.isDirectory) return "it is a link, or no folder";
  if (uid !== null && info.uid !== null && info.uid !== uid) return "it belongs to another user";
  if (((info.mode ?? 0) & 0o022) !== 0) return "others may write into it";
  return null;
}

/**
 * Order of job, rank, node, process; jobs' numbers by their value. Of a job's processes those that have
 * crashed come first, the one that did so first of all: what it met is why the others failed.
 */
export function compareSessions(a: Session, b: Session): number {
  const crashed = ({ crashed }: Session) => crashed ?? Number.MAX_SAFE_INTEGER;
  return byNumber.compare(a.job.display, b.job.display) || crashed(a) - crashed(b) ||
    (a.rank ?? -1) - (b.rank ?? -1) ||
    byNumber.compare(a.host, b.host) || a.pid - b.pid;
}

const byNumber = new Intl.Collator("en", { numeric: true });

/** A session, or why it was passed over, or null when it has gone in the meantime. */
async function readRecord(path: string, uid: number | null): Promise<Session | string | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    return error instanceof Error ? error.message : String(error);
  }
  return parseRecord(text, { path, uid });
}

/**
 * Reads one record.
 *
 * @param text The file's content.
 * @param options Its path, and my user number: another's record is passed over.
 * @returns The session, or why it can't be used.
 */
export function parseRecord(
  text: string,
  options: { path: string; uid: number | null },
): Session | string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return "it is cut short or no record";
  }
  if (typeof data !== "object" || data === null) return "it is no record";
  const record = data as Record<string, unknown>;
  if (typeof record.format === "number" && record.format > formatVersion) {
    return `it was written by a newer rdg (${record.rdg}); update this one`;
  }
  const job = record.job as Partial<Session["job"]> | null | undefined;
  const good = record.format === formatVersion && isText(record.scheduler) &&
    isText(record.cluster) && isText(job?.id) && isText(job?.display) && isText(record.host) &&
    isText(record.executable) && isPid(record.pid) && isNumber(record.uid) &&
    isSignal(record.signal) && isSignal(record.stackSignal) &&
    Array.isArray(record.modes) && Array.isArray(record.command) &&
    record.command.every(isText) && states.includes(record.state as string) &&
    isAddress(record.address);
  if (!good) return "its content is not what a record holds";
  if (options.uid !== null && record.uid !== options.uid) return "it belongs to somebody else";
  const nullable = (value: unknown) => isText(value) ? value : null;
  const number = (value: unknown) => isNumber(value) ? value : null;
  const stack = record.stack as Partial<NonNullable<Session["stack"]>> | null | undefined;
  return {
    path: options.path,
    scheduler: record.scheduler as string,
    cluster: record.cluster as string,
    job: { id: job!.id!, display: job!.display!, step: nullable(job!.step) },
    launcher: nullable(record.launcher),
    rank: number(record.rank),
    worldSize: number(record.worldSize),
    restartsLeft: number(record.restartsLeft),
    host: record.host as string,
    hostname: nullable(record.hostname) ?? record.host as string,
    pid: record.pid as number,
    startTime: number(record.startTime),
    pidNamespace: nullable(record.pidNamespace),
    boot: nullable(record.boot),
    uid: record.uid as number,
    user: nullable(record.user) ?? "",
    command: record.command as string[],
    executable: record.executable as string,
    modes: record.modes as string[],
    signal: record.signal as number,
    stackSignal: record.stackSignal as number,
    stack: isNumber(stack?.fd) && isText(stack?.path) ? { fd: stack.fd, path: stack.path } : null,
    state: record.state as SessionState,
    waiting: typeof record.waiting === "boolean" ? record.waiting : null,
    address: record.address as Session["address"] ?? null,
    auth: record.auth === true,
    token: nullable(record.token),
    ownNetwork: record.ownNetwork === true,
    remotePath: nullable(record.remotePath) ?? "",
    submitHost: nullable(record.submitHost),
    exception: nullable(record.exception),
    crashed: number(record.crashed),
    created: number(record.created) ?? 0,
    changed: number(record.changed) ?? 0,
  };
}

/**
 * Removes records, and the folders that become empty by it.
 *
 * @param sessions Sessions that nothing stands behind any more.
 * @returns Those whose record was removed.
 */
export async function sweep(sessions: readonly Session[]): Promise<Set<Session>> {
  const swept = new Set<Session>();
  await inParallel(sessions, async (session) => {
    const { path, uid, startTime, boot } = session;
    // Another process may have got the number, and with it the file, since that was read.
    const now = await readRecord(path, uid);
    if (now === null || typeof now === "string") return;
    if (now.startTime !== startTime || now.boot !== boot) return;
    await Deno.remove(path).then(() => swept.add(session), () => {});
  });
  const folders = new Set(sessions.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
  await inParallel([...folders], async (folder) => {
    // A folder that still holds something stays.
    await Deno.remove(folder).catch(() => {});
  });
  return swept;
}

const states: readonly string[] = ["armed", "listening", "attached", "crashed"];

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isPid(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}

function isSignal(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65;
}

function isAddress(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  const { host, port } = value as Record<string, unknown>;
  return isText(host) && isPid(port) && (port as number) < 65536;
}

/** Names within a folder; none where it doesn't exist or may not be read. */
async function names(folder: string, kind: "folders" | "files"): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (kind === "folders" ? entry.isDirectory : entry.isFile) found.push(entry.name);
    }
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!gone && !(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  return found;
}

/** Does something for each item, a limited number at a time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
