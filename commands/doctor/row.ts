/**
 * A row of the doctor's screen, and the limit that each check has. Touches nothing.
 *
 * @module
 */

/** How a thing is: it works, it is worth knowing, or something will fail. */
export type Status = "ok" | "note" | "problem";

/** Headings of the screen, in its order. */
export const groups = ["rdg", "here", "python", "home", "cluster", "editor"] as const;

/** One of the headings. */
export type Group = typeof groups[number];

/** One line of the screen. */
export interface Row {
  /** The heading that it stands under. */
  group: Group;
  /** Its name: lower-case letters and `-`. */
  name: string;
  /** How it is. */
  status: Status;
  /** What was found, one line. */
  text: string;
  /** What to do about it, one line; absent where nothing has to be done. */
  todo?: string;
  /** What was found, for `--json`. */
  data?: Readonly<Record<string, unknown>> | undefined;
}

/** Group and name of rows to come. */
export type Place = Pick<Row, "group" | "name">;

/**
 * A row of something that works.
 *
 * @param place Group and name.
 * @param text What was found.
 * @param data The same for programs.
 * @returns The row.
 */
export function ok(place: Place, text: string, data?: Row["data"]): Row {
  return { ...place, status: "ok", text, ...data ? { data } : {} };
}

/**
 * A row of something that is worth knowing.
 *
 * @param place Group and name.
 * @param text What was found.
 * @param more What to do, if anything, and the same for programs.
 * @returns The row.
 */
export function note(
  place: Place,
  text: string,
  more: { todo?: string; data?: Row["data"] } = {},
): Row {
  return { ...place, status: "note", text, ...more };
}

/**
 * A row of something that will fail.
 *
 * @param place Group and name.
 * @param text What was found.
 * @param more What to do, and the same for programs.
 * @returns The row.
 */
export function problem(
  place: Place,
  text: string,
  more: { todo: string; data?: Row["data"] },
): Row {
  return { ...place, status: "problem", text, ...more };
}

/**
 * Waits for a check, but not for ever: a file system that hangs must not keep the other rows.
 *
 * @param place Group and name of the row that stands in for a check that takes too long or fails.
 * @param check The check.
 * @param options Limit in milliseconds, and what to do when it is over.
 * @returns The rows.
 */
export async function within(
  place: Place,
  check: () => Promise<Row[]>,
  options: { limitMs: number; todo: string },
): Promise<Row[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Row[]>((resolve) => {
    timer = setTimeout(
      () => resolve([problem(place, `no answer within ${options.limitMs / 1000} s`, options)]),
      options.limitMs,
    );
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [problem(place, `could not be looked at: ${reason.split("\n")[0]}`, options)];
  } finally {
    clearTimeout(timer);
  }
}
