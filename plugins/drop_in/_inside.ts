/**
 * The program in which a drop-in plugin runs: a thread of a process of Deno's without any permission,
 * whose main thread (`_watch.ts`) is told when the plugin works. Reads one JSON object a line from
 * stdin and answers each with one on stdout. Imported as text by `_process.ts`, so it imports nothing
 * itself.
 *
 * Before the plugin is loaded, everything goes that a pure function has no use for: all globals but
 * the language's own, code made from strings, the clock and random numbers.
 *
 * @module
 */

/** What a line of stdin asks for. */
interface Request {
  do: "load" | "call" | "begin" | "next" | "throw";
  /** The plugin's source, for `load`. */
  text?: string;
  /** The function, for `call` and `begin`. */
  name?: string;
  /** Its arguments. */
  args?: unknown[];
  /** Which steps, for `next` and `throw`. */
  steps?: number;
  /** What came out of a program, or the message of what went wrong. */
  value?: unknown;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const { stdin, stdout } = Deno;
const { postMessage } = globalThis as unknown as {
  postMessage(state: "works" | "waits" | "ends"): void;
};
const buffer = new Uint8Array(65_536);
/** Bytes of the next lines. */
let unread = new Uint8Array(0);

/** Kinds of permission, to show that none is there. */
const kinds = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

/** Globals of the language itself that do nothing to the outside. */
const kept = new Set([
  ..."Object Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol".split(
    " ",
  ),
  ..."Date Promise RegExp Error AggregateError EvalError RangeError ReferenceError".split(" "),
  ..."SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl BigInt".split(" "),
  ..."ArrayBuffer DataView Uint8Array Int8Array Uint16Array Int16Array Uint32Array".split(" "),
  ..."Int32Array BigUint64Array BigInt64Array Uint8ClampedArray Float32Array".split(" "),
  ..."Float64Array Map Set Iterator WeakMap WeakSet Proxy Reflect decodeURI".split(" "),
  ..."decodeURIComponent encodeURI encodeURIComponent escape unescape isFinite isNaN".split(" "),
  ..."TextDecoder TextEncoder URL URLSearchParams atob btoa structuredClone".split(" "),
]);

/** A long line comes in many parts: each is looked through once. */
function readLine(): string | null {
  let line = "";
  let part = unread;
  for (let end = part.indexOf(10); end < 0; end = part.indexOf(10)) {
    line += decoder.decode(part, { stream: true });
    const size = stdin.readSync(buffer);
    if (size === null) return null;
    part = buffer.slice(0, size);
  }
  const end = part.indexOf(10);
  line += decoder.decode(part.subarray(0, end));
  unread = part.slice(end + 1);
  return line;
}

function answer(value: unknown): void {
  let bytes: Uint8Array = encoder.encode(`${JSON.stringify(value)}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(stdout.writeSync(bytes));
}

/** Takes away what a pure function must not have. */
function strip(): void {
  const refuse = (what: string) => {
    return function (): never {
      throw new Error(`a plugin has no ${what}`);
    };
  };
  const noCode = refuse("code made from strings");
  const makers = [
    function () {},
    async function () {},
    function* () {},
    async function* () {},
  ];
  for (const maker of makers) {
    Object.defineProperty(Object.getPrototypeOf(maker), "constructor", { value: noCode });
  }
  const RealDate = Date;
  const noClock = refuse("clock");
  const PureDate = new Proxy(RealDate, {
    apply: noClock,
    construct(target, args, self) {
      return args.length === 0 ? noClock() : Reflect.construct(target, args, self);
    },
  });
  Object.defineProperty(RealDate, "now", { value: noClock });
  Object.defineProperty(RealDate.prototype, "constructor", { value: PureDate });
  Object.defineProperty(Math, "random", { value: refuse("random numbers") });
  // Without a date it formats that of now.
  Reflect.deleteProperty(Intl, "DateTimeFormat");
  for (const name of ["createObjectURL", "revokeObjectURL"]) {
    Reflect.deleteProperty(URL, name);
  }
  for (const name of Reflect.ownKeys(globalThis)) {
    if (typeof name === "string" && kept.has(name)) continue;
    if (Reflect.deleteProperty(globalThis, name)) continue;
    try {
      Object.defineProperty(globalThis, name, { value: undefined });
    } catch {
      // It can be neither deleted nor changed; without permissions it does nothing.
    }
  }
  Object.defineProperty(globalThis, "Date", { value: PureDate });
  const silent = () => {};
  const names = ["log", "info", "warn", "error", "debug", "trace"];
  const quiet = Object.fromEntries(names.map((name) => [name, silent]));
  Object.defineProperty(globalThis, "console", { value: quiet });
}

/** What was thrown, as plain data. */
function describe(error: unknown): Record<string, unknown> {
  if (typeof error !== "object" || error === null) return { name: "Error", message: String(error) };
  const { name, message, hint, cause } = error as Record<string, unknown>;
  return {
    name: String(name),
    message: String(message),
    ...(typeof hint === "string" ? { hint } : {}),
    ...(cause === undefined
      ? {}
      : { cause: String((cause as { message?: unknown } | null)?.message ?? cause) }),
  };
}

let plugin: Record<string, unknown> = {};
const running = new Map<number, Generator>();
let count = 0;

async function load(url: string): Promise<unknown> {
  const loaded = await import(url);
  const given = loaded.default;
  if (typeof given !== "object" || given === null) {
    throw new TypeError("it has no default export that is an object");
  }
  plugin = given;
  const functions = Object.keys(plugin).filter((name) => typeof plugin[name] === "function");
  return { data: plugin, functions };
}

function call(request: Request): unknown {
  const name = request.name ?? "";
  const member = Object.hasOwn(plugin, name) ? plugin[name] : undefined;
  if (typeof member !== "function") throw new TypeError(`it has no function ${name}`);
  const result = Reflect.apply(member, plugin, request.args ?? []);
  if (request.do === "call") {
    if (result instanceof Promise) throw new TypeError("it gave a promise");
    return { value: result === undefined ? null : result };
  }
  if (typeof result?.next !== "function" || typeof result.throw !== "function") {
    throw new TypeError("it is no generator: write it as *name() { … yield … }");
  }
  running.set(++count, result);
  return advance(count, () => result.next());
}

function advance(steps: number, move: () => IteratorResult<unknown>): unknown {
  const { done, value } = move();
  if (done) running.delete(steps);
  return { steps, done: done === true, value: value === undefined ? null : value };
}

function proceed(request: Request): unknown {
  const steps = request.steps ?? 0;
  const generator = running.get(steps);
  if (!generator) throw new TypeError("these steps have ended");
  if (request.do === "next") return advance(steps, () => generator.next(request.value));
  const wrong = new Error(String(request.value));
  try {
    return advance(steps, () => generator.throw(wrong));
  } catch (error) {
    if (error === wrong) return { steps, done: true, value: null, passedOn: true };
    throw error;
  }
}

async function main(): Promise<void> {
  const granted = kinds.filter((name) =>
    Deno.permissions.querySync({ name } as Deno.PermissionDescriptor).state === "granted"
  );
  const { createObjectURL } = URL;
  const { Blob } = globalThis;
  strip();
  answer({ ready: 1, granted });
  for (let line = readLine(); line !== null; line = readLine()) {
    postMessage("works");
    try {
      const request: Request = JSON.parse(line);
      if (request.do === "load") {
        const blob = new Blob([request.text ?? ""], { type: "application/typescript" });
        answer({ ok: await load(createObjectURL(blob)) });
      } else if (request.do === "call" || request.do === "begin") {
        answer({ ok: call(request) });
      } else {
        answer({ ok: proceed(request) });
      }
    } catch (error) {
      answer({ thrown: describe(error) });
    }
    postMessage("waits");
  }
  postMessage("ends");
}

await main();
