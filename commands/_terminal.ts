/**
 * What rdg writes for people (stderr) and for programs (stdout). The only place that writes to
 * either. Touches stdin, stdout and stderr, and the variables NO_COLOR, FORCE_COLOR and TERM.
 *
 * @module
 */

import { ExitCode, RdgError } from "../plugins/error.ts";

/** Styles that {@linkcode Terminal.style} knows. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/**
 * What switches a style on and off again (ECMA-48, "SGR"). `node:util`'s `styleText` does the same, but
 * loading that module costs 10 ms at every start.
 */
const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const satisfies Record<Style, readonly [number, number]>;

/** Goes to the line's start and empties it. */
const eraseLine = "\r\x1b[2K";

/** Where a command writes. */
export interface Terminal {
  /** Writes text to stdout, as it is. */
  out(text: string): void;
  /** Writes one line for the person to stderr. */
  say(line: string): void;
  /** Writes text to stderr as it is, to draw over a line; absent where that makes no sense. */
  draw?(text: string): void;
  /**
   * Shows one line below everything that is said, instead of the one before; null takes it away. Absent
   * where a line can't be drawn over.
   */
  status?(text: string | null): void;
  /** Marks text for stderr; as it is where colours aren't wanted. */
  style(style: Style, text: string): string;
  /** Marks text for stdout; absent where colours aren't wanted there. */
  mark?(style: Style, text: string): string;
  /** Whether a person can be asked: stdin and stderr are both terminals. */
  readonly interactive: boolean;
  /** Whether stderr is a terminal, so that a line may be drawn over. */
  readonly live: boolean;
  /** Whether stdout is a terminal as well; false where nothing tells. */
  readonly outLive?: boolean;
  /** Whether what stands on stdout can be drawn over: a terminal, and no dumb one. */
  readonly redraws?: boolean;
  /** Whether nobody reads stdout any more (`rdg … | head`): a command that goes on for ever ends. */
  readonly unread?: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Lines of the terminal; 24 where there is none. */
  readonly rows?: number;
}

/**
 * Makes the terminal of this process.
 *
 * @param env Looks up a variable.
 * @returns The terminal.
 */
export function systemTerminal(env: (name: string) => string | undefined): Terminal {
  const live = Deno.stderr.isTerminal();
  const wanted = (shown: boolean) => env("NO_COLOR") ? false : env("FORCE_COLOR") ? true : shown;
  const colour = wanted(live);
  const draw = (text: string) => void writeAll(Deno.stderr, text);
  const dumb = () => env("TERM") === "dumb";
  const hasSize = () => live || Deno.stdout.isTerminal();
  let shown = "";
  let unread = false;
  // The line below makes room for what is said, and comes back under it.
  const above = (write: () => void) => {
    if (shown) draw(eraseLine);
    write();
    if (shown) draw(shown);
  };
  return {
    out: (text) => above(() => unread ||= !writeAll(Deno.stdout, text)),
    say: (line) => above(() => void writeAll(Deno.stderr, `${line}\n`)),
    ...live ? { draw } : {},
    ...live && !dumb()
      ? {
        status: (text: string | null) => {
          if (shown || text) draw(`${eraseLine}${text ?? ""}`);
          shown = text ?? "";
        },
      }
      : {},
    style: (style, text) => colour ? styled(style, text) : text,
    mark: (style, text) => wanted(Deno.stdout.isTerminal()) ? styled(style, text) : text,
    live,
    get interactive() {
      return live && Deno.stdin.isTerminal();
    },
    get outLive() {
      return Deno.stdout.isTerminal();
    },
    get redraws() {
      return Deno.stdout.isTerminal() && !dumb();
    },
    get unread() {
      return unread;
    },
    // A terminal that knows no size says 0.
    get columns() {
      return hasSize() && Deno.consoleSize().columns || 80;
    },
    get rows() {
      return hasSize() && Deno.consoleSize().rows || 24;
    },
  };
}

function styled(style: Style, text: string): string {
  const [on, off] = styles[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/**
 * Writes the whole text. A reader that has gone away (`rdg … | head`) is no error.
 *
 * @param stream Where to.
 * @param text The text.
 * @returns Whether somebody reads it.
 * @throws {RdgError} `output` where it can't be written: a file on a full disk.
 */
export function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): boolean {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw new RdgError("Cannot write the output", {
      code: "output",
      exitCode: ExitCode.generic,
      hint: "see where the output goes, and whether there is room (df)",
      cause: error,
    });
  }
}
