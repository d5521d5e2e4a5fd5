/** The Python files that travel with rdg are those of the folder. */

import assert from "node:assert/strict";
import { pythonFiles } from "../../python/files.ts";

const folder = new URL("../../python/remote_debug/", import.meta.url);

Deno.test("pythonFiles holds every file of remote_debug/, as it is", async () => {
  const found: Record<string, string> = {};
  for (const part of ["", "_site/"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(part, folder))) {
      if (!isFile || name.endsWith(".pyc")) continue;
      found[part + name] = await Deno.readTextFile(new URL(part + name, folder));
    }
  }
  assert.deepEqual(Object.keys(pythonFiles).sort(), Object.keys(found).sort());
  assert.deepEqual(pythonFiles, found);
});

Deno.test("pythonFiles holds nothing that old Pythons can't read", () => {
  for (const name of ["__init__.py", "_old.py", "_site/sitecustomize.py"]) {
    // deno-lint-ignore no-control-regex
    assert.match(pythonFiles[name] ?? "", /^[\x00-\x7f]+$/, name);
  }
});
