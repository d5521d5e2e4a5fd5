/**
 * The records of one job, looked at again and again for all its ranks at once: one question each time,
 * and nothing is transferred while nothing has changed. Reads files on the login node, through the link.
 *
 * @module
 */

import { quoteWord } from "../../../plugins/host.ts";
import { parseRecord, recordName, type Session } from "../../../python/sessions.ts";
import type { Link } from "../link.ts";

/** A look at the records. */
export class JobRecords {
  readonly #folder: string;
  #sum = "";
  #sessions: Session[] = [];

  /**
   * @param state The state folder on the login node.
   * @param session A session of the job.
   */
  constructor(state: string, { cluster, job }: Session) {
    this.#folder = `${state}/sessions/${recordName(cluster)}/${recordName(job.id)}`;
  }

  /**
   * Looks.
   *
   * @param link The login node.
   * @returns The job's sessions; null where they can't be read now.
   */
  async read(link: Link): Promise<Session[] | null> {
    const output = await link.script(this.#script()).catch(() => null);
    if (output?.code !== 0) return null;
    const [head = "", ...lines] = output.stdout.trim().split("\n");
    if (head.startsWith("same ")) return this.#sessions;
    if (!head.startsWith("sum ")) return null;
    const sessions = lines.flatMap((line) => {
      const session = parseRecord(line, { path: this.#folder, uid: link.facts.uid });
      return typeof session === "string" ? [] : [session];
    });
    // A record that came cut short is read again.
    this.#sum = sessions.length === lines.length ? head.slice(4) : "";
    this.#sessions = sessions;
    return sessions;
  }

  /** Files are replaced, never written into: names, inodes, sizes and times tell all. */
  #script(): string {
    return [
      `cd ${quoteWord(this.#folder)} 2>/dev/null || { echo "sum gone"; exit 0; }`,
      "s=$(ls -lni --time-style=full-iso 2>/dev/null || date)",
      's=$(printf "%s" "$s" | cksum)',
      `if [ "$s" = ${quoteWord(this.#sum)} ]; then echo "same $s"; exit 0; fi`,
      'echo "sum $s"',
      "find . -type f -name '[!.]*.json' -exec awk 1 {} +",
      ":",
    ].join("\n");
  }
}
