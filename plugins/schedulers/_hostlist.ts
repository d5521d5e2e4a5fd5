/**
 * Lists of hosts in the short form of Slurm and Flux (RFC 29): `n[1-3,07-09],login`. Pure.
 *
 * @module
 */

/** More names than this are not made of one text: it must be rubbish. */
const maxHosts = 1_000_000;

/**
 * Writes out a list of hosts in the order given, as `scontrol show hostnames` does: zero padding is
 * kept, several brackets combine, commas inside brackets don't split. Duplicates stay.
 *
 * @param text A list; empty for none.
 * @returns One name a host. An item that can't be understood (an open bracket, a range that runs
 * backwards, more than a million names) stays as it was written.
 */
export function expandHostlist(text: string): string[] {
  const hosts: string[] = [];
  for (const item of splitOutside(text)) {
    const names = expandItem(item, maxHosts - hosts.length);
    if (names) { for (const name of names) hosts.push(name); }
    else hosts.push(item);
  }
  return hosts;
}

/** Splits at the commas and blanks that stand in no bracket; leaves out what is empty. */
function splitOutside(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let item = "";
  for (const char of text) {
    if (char === "[") depth++;
    if (char === "]") depth--;
    if (depth <= 0 && /[,\s]/.test(char)) {
      items.push(item);
      item = "";
    } else {
      item += char;
    }
  }
  return [...items, item].filter((word) => word !== "");
}

/** The names that one item stands for; undefined when it can't be read or has more than `limit`. */
function expandItem(item: string, limit: number): string[] | undefined {
  let names = [""];
  let rest = item;
  while (rest) {
    const match = /^([^[\]]*)(?:\[([^[\]]*)\])?/.exec(rest);
    if (!match || match[0] === "") return undefined;
    rest = rest.slice(match[0].length);
    const [, text = "", list] = match;
    const tails = list === undefined ? [""] : expandRanges(list, limit);
    if (!tails || names.length * tails.length > limit) return undefined;
    names = names.flatMap((name) => tails.map((tail) => name + text + tail));
  }
  return names;
}

/** The numbers of `1-3,07-09`, padded as the lower end is; undefined for anything else. */
function expandRanges(list: string, limit: number): string[] | undefined {
  const numbers: string[] = [];
  for (const range of list.split(",")) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range);
    if (!match) return undefined;
    const [, low = "", high = low] = match;
    const count = Number(high) - Number(low) + 1;
    if (count < 1 || numbers.length + count > limit) return undefined;
    for (let n = Number(low); n <= Number(high); n++) {
      numbers.push(String(n).padStart(low.length, "0"));
    }
  }
  return numbers;
}
