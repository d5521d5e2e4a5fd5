/** Post-mortem under a real pytest, where no exception of a test reaches any hook. */

import assert from "node:assert/strict";
import { attach, evaluate, resume, stopped } from "../../support/debugging.ts";
import { newestPython, pytestFor, python } from "../../support/python.ts";
import { makeSandbox, startRdg } from "../../support/rdg.ts";

const tests = `import os
import pytest
def helper(n):
    secret = n + 1
    assert secret == 0
def test_fine():
    assert os.environ.get("PYTEST_PLUGINS") is None
def test_first():
    helper(41)
def test_skipped():
    pytest.skip("not today")
@pytest.mark.xfail
def test_expected():
    assert False
def test_second():
    raise ValueError("second")
`;

for (const interpreter of new Set([python, newestPython])) {
  Deno.test(`rdg debug -p opens at each failing test of pytest (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("test_some.py", tests);
    const words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_some.py"];
    await using child = startRdg(["debug", "-p", interpreter.path, ...words], {
      sandbox,
      env: { PYTHONPATH: pytestFor(interpreter) },
    });
    const port = await child.port();
    assert.match(child.stderr, /assert 42 == 0/, "the traceback comes first");
    await using client = await attach(child, sandbox, { port });
    const first = await stopped(client);
    assert.deepEqual(first.frames.slice(0, 2), [
      "helper test_some.py:5",
      "test_first test_some.py:9",
    ]);
    assert.equal(await evaluate(client, "secret", first.frameIds[0]), "42");
    await resume(client, first);
    const second = await stopped(client);
    assert.equal(second.frames[0], "test_second test_some.py:16");
    await resume(client, second);
    assert.equal((await child.status()).code, 1);
    assert.match(child.stdout, /2 failed, 1 passed, 1 skipped, 1 xfailed/);
  });
}
