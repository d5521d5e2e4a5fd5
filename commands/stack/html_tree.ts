/**
 * The tree and the flame-style picture of the page. Pure.
 *
 * @module
 */

import type { Frame } from "../../python/dump.ts";
import type { Branch } from "./merge.ts";
import { fold, isLibrary } from "./places.ts";
import type { Process } from "./snapshot.ts";

/** One rank among thousands still has a bar to point at: this wide, in pixels. */
const minWidth = 13;

/** How processes and places are written. */
export interface Painter {
  /** Says who some processes are. */
  who: (processes: readonly Process[]) => string;
  /** Writes a frame's place. */
  place: (frame: Frame) => string;
}

/** A run of frames in which nobody parts, and what comes below it. */
interface Run {
  frames: Frame[];
  /** The last branch of the run. */
  end: Branch;
}

/**
 * Draws a tree as bars below bars, each as wide as its share of the threads.
 *
 * @param root The tree.
 * @param painter How names are written.
 * @returns HTML.
 */
export function picture(root: Branch, painter: Painter): string {
  const total = root.threads;
  return `<div class="picture" style="min-width:${leaves(root) * minWidth}px">${cells(root)}</div>`;

  function cells(branch: Branch): string {
    if (branch.children.length === 0) return "";
    const parts = branch.children.map((child) => {
      const { frames, end } = runOf(child);
      const color = heat(child.threads / Math.max(1, total));
      const bars = marked(frames).map(({ frame, hidden, more }) =>
        more > 0
          ? `<div class="bar more">… ${more}</div>`
          : `<div class="bar${hidden ? " inner" : ""}${isLibrary(frame) ? " library" : ""}" ` +
            `title="${escape(titleOf(frame, child))}">${label(frame)}</div>`
      ).join("");
      const width = leaves(end) * minWidth;
      const style = `flex:${child.threads} 1 0;min-width:${width}px;--heat:${color}`;
      return `<div class="cell" style="${style}">${bars}${cells(end)}</div>`;
    });
    // Stacks that end here leave their share of the row empty.
    const rest = branch.threads - branch.children.reduce((sum, { threads }) => sum + threads, 0);
    if (rest > 0) parts.push(`<div class="rest" style="flex:${rest} 1 0"></div>`);
    return `<div class="row">${parts.join("")}</div>`;
  }

  function titleOf({ function: name, file, line }: Frame, branch: Branch): string {
    return `${name}\n${file}${line === null ? "" : `:${line}`}\n${painter.who(branch.processes)}`;
  }

  function label(frame: Frame): string {
    return `<b>${escape(frame.function)}</b> ${escape(painter.place(frame))}`;
  }
}

/**
 * Writes a tree as nested lists that can be closed.
 *
 * @param root The tree.
 * @param painter How names are written.
 * @returns HTML.
 */
export function tree(root: Branch, { who, place }: Painter): string {
  return branches(root);

  function branches(branch: Branch): string {
    const parts = branch.children.map((child) => {
      const { frames, end } = runOf(child);
      return { size: child.processes.length, html: part(child, frames, end) };
    });
    if (branch.ends.length > 0 && branch.frame && parts.length > 0) {
      const html = `<p class="here">${escape(who(branch.ends))} <span>right here</span></p>`;
      parts.push({ size: branch.ends.length, html });
    }
    return parts.sort((a, b) => a.size - b.size).map(({ html }) => html).join("");
  }

  function part(child: Branch, frames: readonly Frame[], end: Branch): string {
    const threads = child.threads > child.processes.length ? `, ${child.threads} threads` : "";
    const rows = marked(frames).map(({ frame, hidden, more }) =>
      more > 0
        ? `<li class="more">… ${more} library frames</li>`
        : `<li class="frame${hidden ? " inner" : ""}${isLibrary(frame) ? " library" : ""}" ` +
          `title="${escape(frame.file)}"><b>${escape(frame.function)}</b> ` +
          `<span>${escape(place(frame))}</span></li>`
    ).join("");
    return `<details open><summary>${escape(who(child.processes))}${threads}</summary>` +
      `<ul>${rows}</ul>${branches(end)}</details>`;
  }
}

/**
 * Makes a text safe to stand in HTML, between tags and within quotes.
 *
 * @param text Any text.
 * @returns The text with the five characters replaced, and no control characters.
 */
export function escape(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return text
    // deno-lint-ignore no-control-regex -- these are what has to go
    .replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "?")
    .replaceAll(/[&<>"'\n]/g, (character) => names[character] ?? `&#${character.charCodeAt(0)};`);
}

function runOf(branch: Branch): Run {
  const frames: Frame[] = [];
  let end = branch;
  while (true) {
    frames.push(end.frame!);
    if (end.children.length !== 1 || end.ends.length > 0) return { frames, end };
    end = end.children[0]!;
  }
}

/** Number of places side by side at the widest. */
function leaves({ children, ends }: Branch): number {
  if (children.length === 0) return 1;
  return children.reduce((sum, child) => sum + leaves(child), ends.length > 0 ? 1 : 0);
}

/** All frames of a run, those that are folded at first marked, with a word in their place. */
function marked(frames: readonly Frame[]): { frame: Frame; hidden: boolean; more: number }[] {
  const rows: { frame: Frame; hidden: boolean; more: number }[] = [];
  let at = 0;
  for (const line of fold(frames, { all: false })) {
    const count = "folded" in line ? line.folded : line.times;
    const first = frames[at]!;
    if ("folded" in line) rows.push({ frame: first, hidden: false, more: count });
    for (let i = 0; i < count; i++) {
      rows.push({ frame: frames[at++]!, hidden: "folded" in line || i > 0, more: 0 });
    }
  }
  return rows;
}

/** 1 for a single one among many, 0 for all. */
function heat(share: number): string {
  return (1 - Math.sqrt(Math.min(1, share))).toFixed(2);
}
