/**
 * Unified diffs, in the form that `patch` and `git apply` take. Pure; Myers' algorithm.
 *
 * @module
 */

/** One line of a diff: kept, taken out or added. */
interface Line {
  mark: " " | "-" | "+";
  text: string;
}

const context = 3;

/**
 * Renders what changes from one text to another.
 *
 * @param before The old text; `null` for no file.
 * @param after The new text; `null` for no file.
 * @param name What the file is called in the header.
 * @returns The diff with a final newline; nothing when the texts are equal.
 */
export function unifiedDiff(
  name: string,
  { before, after }: { before: string | null; after: string | null },
): string {
  if (before === after) return "";
  const lines = compare(split(before ?? ""), split(after ?? ""));
  const head = [
    `--- ${before === null ? "/dev/null" : `a/${name}`}`,
    `+++ ${after === null ? "/dev/null" : `b/${name}`}`,
  ];
  return [...head, ...hunks(lines)].join("\n") + "\n";
}

/** Lines with their ends, so that `\r\n` against `\n` shows. */
function split(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function compare(a: readonly string[], b: readonly string[]): Line[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  const room = Math.min(a.length, b.length) - head;
  while (tail < room && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const kept = (text: string): Line => ({ mark: " ", text });
  return [
    ...a.slice(0, head).map(kept),
    ...shortestEdit(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(kept),
  ];
}

/** Myers' greedy search, forwards, then the way back through what was remembered. */
function shortestEdit(a: readonly string[], b: readonly string[]): Line[] {
  const reach = new Map<number, number>([[1, 0]]);
  const steps: Map<number, number>[] = [];
  for (let d = 0; d <= a.length + b.length; d++) {
    steps.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? 0) < (reach.get(k + 1) ?? 0));
      let x = down ? reach.get(k + 1) ?? 0 : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, steps);
    }
  }
  return [];
}

function walkBack(
  a: readonly string[],
  b: readonly string[],
  steps: readonly Map<number, number>[],
): Line[] {
  const lines: Line[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = steps.length - 1; d >= 0; d--) {
    const reach = steps[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && (reach.get(k - 1) ?? 0) < (reach.get(k + 1) ?? 0));
    const from = down ? k + 1 : k - 1;
    const fromX = reach.get(from) ?? 0;
    while (
      x > Math.max(0, down ? fromX : fromX + 1) && y > Math.max(0, (down ? fromX : fromX + 1) - k)
    ) {
      lines.push({ mark: " ", text: a[--x]! });
      y--;
    }
    if (d === 0) break;
    if (down) lines.push({ mark: "+", text: b[--y]! });
    else lines.push({ mark: "-", text: a[--x]! });
  }
  return lines.reverse();
}

function hunks(lines: readonly Line[]): string[] {
  const changed = lines.flatMap(({ mark }, index) => mark === " " ? [] : [index]);
  const out: string[] = [];
  for (let first = 0; first < changed.length;) {
    let last = first;
    while (last + 1 < changed.length && changed[last + 1]! - changed[last]! <= 2 * context) last++;
    const from = Math.max(0, changed[first]! - context);
    const to = Math.min(lines.length, changed[last]! + context + 1);
    out.push(range(lines, from, to), ...lines.slice(from, to).flatMap(render));
    first = last + 1;
  }
  return out;
}

function range(lines: readonly Line[], from: number, to: number): string {
  const side = (mark: "-" | "+") => {
    const before = lines.slice(0, from).filter((line) => line.mark !== mark).length;
    const count = lines.slice(from, to).filter((line) => line.mark !== mark).length;
    return `${count === 0 ? before : before + 1},${count}`;
  };
  return `@@ -${side("+")} +${side("-")} @@`;
}

function render({ mark, text }: Line): string[] {
  return text.endsWith("\n")
    ? [mark + text.slice(0, -1)]
    : [mark + text, "\\ No newline at end of file"];
}
