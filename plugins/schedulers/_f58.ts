/**
 * Flux's job ids: 64-bit numbers, beyond what a JavaScript number holds, in several spellings
 * (RFC 19). Pure; touches nothing.
 *
 * @module
 */

/** Bitcoin's base 58: no 0, O, I, l. */
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/**
 * Brings a job id into the one spelling `f` and base 58, which needs no character beyond ASCII.
 *
 * @param id Base 58 (`ƒD2e73NP`, `fD2e73NP`), decimal, hexadecimal (`0x…`) or dotted hexadecimal.
 * @returns The id as `f…`; what is none of these stays as it is. A path of ids (nested instances,
 * `/ƒA/ƒB`) is brought there part by part.
 */
export function canonicalFluxId(id: string): string {
  if (id.includes("/")) return id.split("/").map((part) => part && canonicalFluxId(part)).join("/");
  const value = decode(id.trim());
  return value === undefined || value >= 1n << 64n ? id : `f${encode(value)}`;
}

function decode(id: string): bigint | undefined {
  if (/^\d+$/.test(id) || /^0x[\da-f]+$/i.test(id)) return BigInt(id);
  if (/^([\da-f]{4}\.){3}[\da-f]{4}$/i.test(id)) return BigInt(`0x${id.replaceAll(".", "")}`);
  const digits = /^[fƒ](.+)$/u.exec(id)?.[1];
  if (digits === undefined || digits.length > 11) return undefined;
  let value = 0n;
  for (const digit of digits) {
    const at = alphabet.indexOf(digit);
    if (at < 0) return undefined;
    value = value * 58n + BigInt(at);
  }
  return value;
}

function encode(value: bigint): string {
  let text = "";
  do {
    text = alphabet[Number(value % 58n)] + text;
    value /= 58n;
  } while (value > 0n);
  return text;
}
