/**
 * What rdg writes for people (stderr) and for programs (stdout). The only place that writes to
 * either. Touches stdin, stdout and stderr, and the variables NO_COLOR, FORCE_COLOR and TERM.
 *
 * @module
 */

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

/** Where a command writes. */
export interface Terminal {
  /** Writes text to stdout, as it is. */
  out(text: string): void;
  /** Writes one line for the person to stderr. */
  say(line: string): void;
  /** Writes text to stderr as it is, to draw over a line; absent where that makes no sense. */
  draw?(text: string): void;
  /** Marks text for stderr; as it is where colours aren't wanted. */
  style(style: Style, text: string): string;
  /** Whether a person can be asked: stdin and stderr are both terminals. */
  readonly interactive: boolean;
  /** Whether stderr is a terminal, so that a line may be drawn over. */
  readonly live: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
}

/**
 * Makes the terminal of this process.
 *
 * @param env Looks up a variable.
 * @returns The terminal.
 */
export function systemTerminal(env: (name: string) => string | undefined): Terminal {
  const live = Deno.stderr.isTerminal();
  const colour = env("NO_COLOR") ? false : env("FORCE_COLOR") ? true : live;
  return {
    out: (text) => writeAll(Deno.stdout, text),
    say: (line) => writeAll(Deno.stderr, `${line}\n`),
    ...live ? { draw: (text: string) => writeAll(Deno.stderr, text) } : {},
    style: (style, text) => colour ? styled(style, text) : text,
    live,
    get interactive() {
      return live && Deno.stdin.isTerminal();
    },
    get columns() {
      return live ? Deno.consoleSize().columns : 80;
    },
  };
}

function styled(style: Style, text: string): string {
  const [on, off] = styles[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** Writes the whole text; a reader that has gone away (`rdg … | head`) is no error. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
