/** The Python modules' own unit tests (unit/), run by every interpreter that is found. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { outcome } from "../support/outcome.ts";
import { interpreters, root, tooOld } from "../support/python.ts";
import { makeSandbox } from "../support/rdg.ts";

const unit = fileURLToPath(new URL("./unit", import.meta.url));
const env = { PYTHONPATH: `${root}/python`, PYTHONDONTWRITEBYTECODE: "1" };

for (const { path, version } of interpreters) {
  Deno.test(`the Python modules pass their unit tests (${version})`, async () => {
    await using sandbox = await makeSandbox({ debugpy: null });
    const words = [path, "-W", "error", "-m", "unittest", "discover", "-s", unit];
    const { code, stderr } = await outcome(words, { sandbox, env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Ran [1-9]\d+ tests/m);
  });
}

for (const { path, version } of tooOld) {
  Deno.test(`what every Python below the command runs, parses (${version})`, async () => {
    await using sandbox = await makeSandbox({ debugpy: null });
    const code = "import sys; [compile(open(p).read(), p, 'exec') for p in sys.argv[1:]]";
    const files = ["__init__.py", "_old.py", "_site/sitecustomize.py"]
      .map((name) => `${root}/python/remote_debug/${name}`);
    const { code: status, stderr } = await outcome([path, "-c", code, ...files], { sandbox });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}
