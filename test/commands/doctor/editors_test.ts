/** What the doctor says of editors' files, from a disk of literals. */

import assert from "node:assert/strict";
import { editorRows } from "../../../commands/doctor/editors.ts";
import { run } from "../../../commands/init/command.ts";
import type { Role } from "../../../commands/doctor/role.ts";
import { local } from "../../../plugins/schedulers/local.ts";
import { type Disk, literalHost, literalParts, memoryFiles } from "../init/_host.ts";

const laptop: Role = { kind: "laptop", scheduler: local, job: null, node: null, reason: "r" };
const launch = "/home/ada/proj/.vscode/launch.json";

Deno.test("rdg doctor sees rdg's entries in a file behind a link", async () => {
  const { host } = literalHost({});
  const options = { editors: ["vscode"], remove: false, print: false, dryRun: false, force: false };
  const rows = async (disk: Disk) =>
    (await editorRows(laptop, host, memoryFiles(disk))).map(({ text }) => text);
  const disk: Disk = {
    "/home/ada/proj": null,
    "/dot/launch.json": "{}",
    [launch]: { link: "/dot/launch.json" },
  };
  assert.deepEqual(await rows(disk), ["nothing of rdg's in /home/ada/proj"]);
  await run(options, host, literalParts(disk));
  assert.deepEqual(await rows(disk), [
    ".vscode/launch.json: rdg's entries are there and current",
  ]);
  disk[launch] = { link: "/gone" };
  assert.deepEqual(await rows(disk), ["nothing of rdg's in /home/ada/proj"]);
});
