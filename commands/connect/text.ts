/**
 * Words of others, put into sentences. Pure.
 *
 * @module
 */

/** The last line of a text, without its period. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!.replace(/\.$/, "");
}

/** A text with a capital at its beginning. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
