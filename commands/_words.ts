/**
 * Takes a command line apart: which words are flags, which are not. Pure, and loads nothing:
 * `node:util`'s `parseArgs`, whose rules these are, costs 10 ms at every start.
 *
 * @module
 */

/** A flag as it was typed. */
export interface TypedFlag {
  /** Long name, without dashes; what was typed where no flag has that letter. */
  name: string;
  /** With dashes, for messages: `--port`, `-l`. */
  raw: string;
  /** What stood behind `=`, in the same word, or in the next one; undefined where nothing did. */
  value?: string;
}

/** How a command's flags are typed. */
export interface FlagForms {
  /** By long name: the one-letter form, and whether a value follows. */
  flags: Readonly<Record<string, { type: "boolean" | "string"; short?: string }>>;
  /** Everything from the first word that is no flag belongs to another program. */
  passThrough?: boolean | undefined;
}

/**
 * Takes a command line apart: `--port 5`, `--port=5`, `-lp`, `--` before words that only look like flags.
 *
 * @param argv The words.
 * @param forms How flags are typed.
 * @returns The flags in the order typed, unknown ones included, and the other words.
 */
export function readWords(
  argv: readonly string[],
  forms: FlagForms,
): { typed: TypedFlag[]; words: string[] } {
  const letters = new Map<string, string>();
  for (const [name, { short }] of Object.entries(forms.flags)) if (short) letters.set(short, name);
  const takesValue = (name: string) =>
    Object.hasOwn(forms.flags, name) && forms.flags[name]?.type === "string";
  const typed: TypedFlag[] = [];
  const words: string[] = [];
  let at = 0;
  /** Adds a flag; one that wants a value and has none joined to it takes the next word. */
  const add = (flag: TypedFlag, joined: string | undefined) => {
    const value = joined ?? (takesValue(flag.name) ? argv[++at] : undefined);
    typed.push(value === undefined ? flag : { ...flag, value });
  };
  for (; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") {
      words.push(...argv.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (forms.passThrough) {
        words.push(...argv.slice(at));
        break;
      }
      words.push(word);
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      add({ name, raw: `--${name}` }, equals < 0 ? undefined : word.slice(equals + 1));
    } else {
      for (let index = 1; index < word.length; index++) {
        const letter = word.charAt(index);
        const flag = { name: letters.get(letter) ?? letter, raw: `-${letter}` };
        const rest = word.slice(index + 1);
        if (takesValue(flag.name) && rest !== "") {
          add(flag, rest);
          break;
        }
        add(flag, undefined);
      }
    }
  }
  return { typed, words };
}
