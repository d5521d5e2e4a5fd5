/**
 * What a person sees while rdg waits for something else: on a terminal a line that moves, from half a
 * second on, so that short waits don't flicker; elsewhere a plain line now and then.
 *
 * @module
 */

import type { Terminal } from "./_terminal.ts";

/** When something is shown, in milliseconds from the begin of the wait. */
export interface Pace {
  /** The line on a terminal. */
  drawMs: number;
  /** Pause between two pictures of it. */
  frameMs: number;
  /** The plain line elsewhere. */
  sayMs: number;
  /** Pause between two plain lines. */
  againMs: number;
}

const usualPace: Pace = { drawMs: 500, frameMs: 120, sayMs: 3000, againMs: 30_000 };

/** ASCII: not every terminal on a cluster shows more. */
const frames = "|/-\\";

/** From when on the line tells for how long it has been waiting, in milliseconds. */
const countMs = 2000;

/**
 * Does something, and says what it waits for where that takes a while.
 *
 * @param what What is waited for: `Waiting for squeue`.
 * @param work Does it; what it is given says that something else is waited for from now on.
 * @param options Where to show it, and another pace than the usual one.
 * @returns What the work returns.
 */
export async function whileWaiting<T>(
  what: string,
  work: (tell: (what: string) => void) => Promise<T>,
  options: { terminal: Terminal; pace?: Pace },
): Promise<T> {
  const { terminal, pace = usualPace } = options;
  const phase = { what, begin: performance.now() };
  const show = terminal.status ? draw(phase, terminal) : sayNowAndThen(phase, { terminal, pace });
  const first = terminal.status ? pace.drawMs : pace.sayMs;
  let timer = setTimeout(function look() {
    show();
    timer = setTimeout(look, terminal.status ? pace.frameMs : Math.min(pace.againMs, pace.sayMs));
  }, first);
  try {
    return await work((next) => {
      if (next !== phase.what) Object.assign(phase, { what: next, begin: performance.now() });
    });
  } finally {
    clearTimeout(timer);
    terminal.status?.(null);
  }
}

/** What is waited for now, and since when. */
interface Phase {
  what: string;
  begin: number;
}

function draw(phase: Phase, terminal: Terminal): () => void {
  let frame = 0;
  return () => {
    const elapsed = performance.now() - phase.begin;
    const mark = frames[frame++ % frames.length];
    const time = elapsed < countMs ? "" : ` ${seconds(elapsed)}`;
    const room = Math.max(1, terminal.columns - 4 - time.length);
    const text = phase.what.length > room ? phase.what.slice(0, room - 1) : phase.what;
    terminal.status!(terminal.style("dim", `${mark} ${text}…${time}`));
  };
}

function sayNowAndThen(
  phase: Phase,
  { terminal, pace }: { terminal: Terminal; pace: Pace },
): () => void {
  let said = { what: "", at: 0 };
  return () => {
    const now = performance.now();
    const again = said.what === phase.what;
    const due = again ? now - said.at >= pace.againMs : now - phase.begin >= pace.sayMs;
    if (!due) return;
    terminal.say(again ? `${phase.what}… (${seconds(now - phase.begin)})` : `${phase.what}…`);
    said = { what: phase.what, at: now };
  };
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}
