/** @module */
import type { Hub } from "../hub.ts";
export class Merged {
  constructor(_o: Record<string, unknown>) {}
  memberOf() {
    return undefined;
  }
  update() {}
  async serve() {}
  async end(_w: string) {}
}
