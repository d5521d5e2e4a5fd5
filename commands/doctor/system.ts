/**
 * This machine: Deno, the C library, limits, signals, what keeps one process from looking into another.
 * Runs one `sh`, which reads `/proc`: Deno itself may do that only with all permissions.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { defaultSignal, defaultStackSignal } from "../_signals.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";

/** Oldest Deno that rdg is for. */
const oldestDeno: readonly [number, number] = [2, 9];

/** What the machine says. Null: it doesn't. */
export interface SystemFacts {
  /** Version of glibc; null for another C library. */
  glibc: string | null;
  /** `ulimit -v` in KiB; null without a limit. */
  memoryKib: number | null;
  /** Signals that every thread holds back, as a mask. */
  blocked: bigint;
  /** Signals that are ignored, as a mask. */
  ignored: bigint;
  /** `kernel.yama.ptrace_scope`; null where the kernel has no such thing. */
  ptraceScope: number | null;
  /** Paths of programs by name. */
  programs: ReadonlyMap<string, string>;
}

/** Programs that are of use where they are. */
const helpers = ["gdb", "lldb", "py-spy", "uv", "ssh"];

/**
 * `$PPID` is rdg, whose signals are those of whoever started it. All its threads are looked at: the one
 * that starts a program holds every signal back for a moment.
 */
const script = [
  'echo "glibc $(getconf GNU_LIBC_VERSION 2>/dev/null)"',
  'echo "memory $(ulimit -v 2>/dev/null)"',
  "sed -n 's/^SigBlk:[^0-9a-f]*/blocked /p;s/^SigIgn:[^0-9a-f]*/ignored /p' " +
  '"/proc/$PPID/task/"*/status 2>/dev/null',
  'echo "ptrace $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null)"',
  `for p in ${
    helpers.join(" ")
  }; do x=$(command -v "$p" 2>/dev/null) && echo "program $p $x"; done`,
  ":",
].join("\n");

/**
 * Asks the machine.
 *
 * @param host The world.
 * @returns What it says.
 */
export async function systemFacts(host: Host): Promise<SystemFacts> {
  const output = await host.runner({ program: "sh", args: ["-c", script], timeoutMs: 10_000 });
  return readSystem(output.stdout);
}

/**
 * Reads what the script prints.
 *
 * @param stdout The lines.
 * @returns What they say.
 */
export function readSystem(stdout: string): SystemFacts {
  const one = (key: string) => new RegExp(`^${key} (.*)$`, "m").exec(stdout)?.[1]?.trim() ?? "";
  const mask = (key: string) => {
    const found = [...stdout.matchAll(new RegExp(`^${key} ([0-9a-f]{1,16})$`, "gm"))];
    return found.length === 0
      ? 0n
      : found.map(([, digits]) => BigInt(`0x${digits}`)).reduce((one, two) => one & two);
  };
  const number = (text: string) => /^\d+$/.test(text) ? Number(text) : null;
  const programs = new Map<string, string>();
  for (const [, name = "", path = ""] of stdout.matchAll(/^program (\S+) (\/.*)$/gm)) {
    programs.set(name, path);
  }
  return {
    glibc: /^glibc ([\d.]+)$/.exec(one("glibc"))?.[1] ?? null,
    memoryKib: number(one("memory")),
    blocked: mask("blocked"),
    ignored: mask("ignored"),
    ptraceScope: number(one("ptrace")),
    programs,
  };
}

/**
 * The rows of rdg itself and of what it runs on.
 *
 * @param versions Of rdg and of Deno.
 * @param facts The machine's; null where nothing can be asked.
 * @returns A row, and one about memory where that can be asked.
 */
export function programRows(
  versions: { rdg: string; deno: string },
  facts: SystemFacts | null,
): Row[] {
  const place: Place = { group: "rdg", name: "version" };
  const text = `rdg ${versions.rdg} on Deno ${versions.deno}` +
    (facts?.glibc ? `, glibc ${facts.glibc}` : "");
  const data = { ...versions, glibc: facts?.glibc ?? null };
  const [major = 0, minor = 0] = versions.deno.split(".").map(Number);
  const [wanted, least] = oldestDeno;
  const old = major < wanted || (major === wanted && minor < least);
  const rows: Row[] = [
    old
      ? problem(place, `${text}: rdg wants ${oldestDeno.join(".")} or newer`, {
        todo: "deno upgrade, or npm install -g deno",
        data,
      })
      : ok(place, text, data),
  ];
  if (facts === null) return rows;
  const limit: Place = { group: "rdg", name: "memory" };
  if (facts.memoryKib === null) rows.push(ok(limit, "no limit of address space (ulimit -v)"));
  else {
    const size = `${(facts.memoryKib / 1024 / 1024).toFixed(1)} GiB`;
    rows.push(
      note(limit, `address space is limited to ${size} (ulimit -v): Deno may not start`, {
        todo: "python -m remote_debug … does what rdg debug does without Deno",
        data: { limitKib: facts.memoryKib },
      }),
    );
  }
  return rows;
}

/**
 * The row of rdg's two signals.
 *
 * @param facts The machine's.
 * @returns The row.
 */
export function signalRow(facts: SystemFacts): Row {
  const place: Place = { group: "here", name: "signals" };
  const pair = [[defaultSignal, "RTMIN+6"], [defaultStackSignal, "RTMIN+7"]] as const;
  const inMask = (mask: bigint) =>
    pair.filter(([number]) => (mask >> BigInt(number - 1)) & 1n).map(([, name]) => name);
  const named = (list: string[]) => `${list.join(" and ")} ${list.length > 1 ? "are" : "is"}`;
  const blocked = inMask(facts.blocked);
  if (blocked.length > 0) {
    return problem(place, `${named(blocked)} blocked in this environment`, {
      todo: "find what blocks it, or rdg debug --signal RTMIN+8 --stack-signal RTMIN+9",
      data: { blocked },
    });
  }
  const ignored = inMask(facts.ignored);
  if (ignored.length > 0) {
    return note(
      place,
      `${named(ignored)} ignored here by whoever started this; rdg debug takes that back`,
      { data: { ignored } },
    );
  }
  return ok(place, "RTMIN+6 (wake) and RTMIN+7 (stacks) are free");
}

/**
 * The row of looking into processes that rdg has not prepared.
 *
 * @param facts The machine's.
 * @returns The row.
 */
export function ptraceRow(facts: SystemFacts): Row {
  const place: Place = { group: "here", name: "ptrace" };
  const here = ["py-spy", "gdb", "lldb"].filter((name) => facts.programs.has(name));
  const tools = here.length > 0 ? `; here: ${here.join(", ")}` : "; no py-spy, no gdb here";
  const data = { ptraceScope: facts.ptraceScope, programs: Object.fromEntries(facts.programs) };
  const scope = facts.ptraceScope ?? 0;
  if (scope === 0) return ok(place, `processes of yours may be looked into${tools}`, data);
  const who = scope === 1
    ? "only a process's own parent may look into it"
    : scope === 2
    ? "only an administrator may look into processes"
    : "nobody may look into processes";
  return note(place, `${who} (ptrace_scope is ${scope})${tools}`, {
    todo: "start programs with rdg debug: prepared ones need no ptrace",
    data,
  });
}
