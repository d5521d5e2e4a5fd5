/** Which command lines can't be armed. */

import assert from "node:assert/strict";
import { checkInterpreter } from "../../../commands/debug/words.ts";
import { RdgError } from "../../../plugins/error.ts";

Deno.test("checkInterpreter() refuses interpreters that ignore the environment", () => {
  for (
    const [line, flag] of [
      ["python -I s.py", "I"],
      ["python3 -E s.py", "E"],
      ["/venv/bin/python3.12 -S -m x", "S"],
      ["python -uEs s.py", "E"],
      ["python -u -X dev -I s.py", "I"],
      ["python -W error -E s.py", "E"],
      ["python -bW error -S s.py", "S"],
      ["python -Werror -E s.py", "E"],
      ["python --check-hash-based-pycs always -I s.py", "I"],
      ["python -Ic pass", "I"],
      ["pypy3 -I s.py", "I"],
      ["python3.13t -E s.py", "E"],
      ["srun -n 2 python -I s.py", "I"],
      ["env A=1 python -E s.py", "E"],
      ["/usr/bin/env python -E s.py", "E"],
      ["apptainer exec image.sif python3 -S s.py", "S"],
      ["uv run python -I s.py", "I"],
    ] as const
  ) {
    assert.throws(() => checkInterpreter(line.split(" ")), (error) => {
      assert(error instanceof RdgError, line);
      assert.equal(error.exitCode, 2);
      assert.match(error.message, new RegExp(`with -${flag} the interpreter ignores PYTHONPATH`));
      return true;
    }, line);
  }
});

Deno.test("checkInterpreter() lets through what only looks like it", () => {
  for (
    const line of [
      "python s.py -I",
      "python -m pkg -E",
      "python -c pass -S",
      "python - -I",
      "python -- -I",
      "python -Werror::ImportWarning s.py",
      "python -W Ignore s.py",
      "python -XImporttime s.py",
      "python -X Importtime s.py",
      "python -us s.py",
      "python -mIES",
      "bash run.sh python -I",
      "mypython -I s.py",
      "python3-config -I",
      "python",
      "pytest -E",
      "",
    ]
  ) assert.doesNotThrow(() => checkInterpreter(line.split(" ")), line);
});
