/**
 * Where the checkout is, and where the tests keep what they install. Looks at nothing.
 *
 * @module
 */

/** Root of the checkout. */
export const root = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** What the tests install, and keep from one run to the next. */
export const cache = `${root}/.cache/test`;
