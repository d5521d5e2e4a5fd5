/**
 * The page about schedulers, from the plugins' own descriptions. Pure.
 *
 * @module
 */

import { table } from "../_args.ts";
import { schedulers } from "../../plugins/schedulers.ts";

/**
 * The page.
 *
 * @returns Its lines.
 */
export function schedulersPage(): readonly string[] {
  return [
    "Schedulers",
    "",
    ...table(schedulers.map(({ name, summary }) => [name, summary])),
    "",
    "Which one: the one whose job rdg runs in, else the one whose programs are on",
    "PATH. --scheduler NAME or RDG_SCHEDULER overrides. rdg doctor says which one it",
    "is, and whether it answers. Another scheduler: rdg plugin new scheduler NAME.",
    "",
    "A scheduler's own signal command is never used to wake a program, unless you ask",
    "for it (--via=scancel): it also reaches, and ends, processes without a handler.",
  ];
}
