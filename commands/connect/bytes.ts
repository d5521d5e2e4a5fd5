/**
 * Pieces of a stream of bytes, joined and searched. Pure.
 *
 * @module
 */

/** Joins two pieces. */
export function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Where a piece begins in another; -1 where it isn't. */
export function indexOf(bytes: Uint8Array, piece: Uint8Array): number {
  for (let at = 0; at + piece.length <= bytes.length; at++) {
    let i = 0;
    while (i < piece.length && bytes[at + i] === piece[i]) i++;
    if (i === piece.length) return at;
  }
  return -1;
}
