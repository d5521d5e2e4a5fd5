/**
 * How a place in a program is written for a person: short paths, and which frames are a library's.
 * Pure.
 *
 * @module
 */

import type { Frame } from "../../python/dump.ts";

/** The parts of a path after which a library's own path begins. */
const libraryPath =
  /^.*\/(?:(?:site|dist)-packages|lib(?:64)?\/(?:python|pypy)\d\.\d+[a-z]?|debugpy\/cpython-[^/]*)\/(.+)$/;

/** A run of library frames of which only the first and the last are shown. */
const shortRun = 3;

/** A frame that is shown, or several that aren't. */
export type Line =
  | { frame: Frame; times: number }
  | { folded: number };

/**
 * Tells library code from the person's own.
 *
 * @param frame The frame.
 * @returns Whether it is of the standard library, an installed package, or rdg.
 */
export function isLibrary({ file }: Frame): boolean {
  return libraryPath.test(file) || file.startsWith("<frozen ") ||
    /\/remote_debug\/\w+\.py$/.test(file);
}

/**
 * Makes the function that writes a frame's place.
 *
 * @param frames All frames that are shown: two files of the same name are told apart by their folders.
 * @returns Takes a frame; gives `train.py:88`, or "" where there is no place.
 */
export function placer(frames: Iterable<Frame>): (frame: Frame) => string {
  const paths = new Map<string, Set<string>>();
  for (const frame of frames) {
    if (isLibrary(frame)) continue;
    const name = frame.file.split("/").at(-1)!;
    paths.set(name, (paths.get(name) ?? new Set()).add(frame.file));
  }
  return (frame) => {
    const { file, line } = frame;
    if (file === "") return "";
    const number = line === null ? "?" : line;
    const library = libraryPath.exec(file);
    if (library) return `${library[1]}:${number}`;
    const parts = file.split("/");
    const same = paths.get(parts.at(-1)!)?.size ?? 0;
    return `${same > 1 ? parts.slice(-2).join("/") : parts.at(-1)}:${number}`;
  };
}

/**
 * Says in one line where a stack is: the innermost frame of the person's own, and what it is waiting
 * in.
 *
 * @param frames The stack, the innermost frame first.
 * @param place Writes a frame's place.
 * @returns `step train.py:88 → all_reduce torch/distributed/distributed_c10d.py:2501`.
 */
export function whereIs(frames: readonly Frame[], place: (frame: Frame) => string): string {
  const words = (frame: Frame) => `${frame.function} ${place(frame)}`.trimEnd();
  const innermost = frames[0];
  if (!innermost) return "(no Python frame)";
  const own = frames.find((frame) => frame.file !== "" && !isLibrary(frame));
  if (!own || own === innermost) return words(innermost);
  return `${words(own)} → ${words(innermost)}`;
}

/**
 * Shortens a run of frames: equal ones that follow each other become one, and of many library frames
 * the first (what was called) and the last are kept.
 *
 * @param frames The frames, the outermost first.
 * @param options `all` folds nothing.
 * @returns What is to be shown, in the same order.
 */
export function fold(frames: readonly Frame[], options: { all: boolean }): Line[] {
  const lines: { frame: Frame; times: number }[] = [];
  for (const frame of frames) {
    const last = lines.at(-1);
    if (last && sameFrame(last.frame, frame)) last.times++;
    else lines.push({ frame, times: 1 });
  }
  if (options.all) return lines;
  const folded: Line[] = [];
  for (let start = 0; start < lines.length;) {
    let end = start;
    while (end < lines.length && isLibrary(lines[end]!.frame)) end++;
    const run = lines.slice(start, end);
    const count = run.reduce((sum, { times }) => sum + times, 0);
    if (start === 0 && run.length > 1 && end < lines.length) {
      // How the program or the thread came to be started says little.
      folded.push({ folded: count });
    } else if (run.length > shortRun) {
      const [first, last] = [run[0]!, run.at(-1)!];
      folded.push(first, { folded: count - first.times - last.times }, last);
    } else folded.push(...run);
    if (end < lines.length) folded.push(lines[end]!);
    start = end + 1;
  }
  return folded;
}

function sameFrame(a: Frame, b: Frame): boolean {
  return a.file === b.file && a.line === b.line && a.function === b.function;
}
