/**
 * JSON that a scheduler printed, or should have. Pure; touches nothing.
 *
 * @module
 */

/**
 * Reads a text.
 *
 * @param text What was printed.
 * @returns The value; undefined where it is no JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object with members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
