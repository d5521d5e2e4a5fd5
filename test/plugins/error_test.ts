/** Errors as a person reads them, and as a program does. */

import assert from "node:assert/strict";
import { errorAsJson, ExitCode, formatError, RdgError } from "../../plugins/error.ts";

const failed = (cause: unknown) =>
  new RdgError("Cannot list jobs", {
    code: "scheduler",
    exitCode: ExitCode.scheduler,
    hint: "try again",
    cause,
  });

Deno.test("formatError() says what happened, why, and what to do", () => {
  assert.equal(
    formatError(failed("down\n")),
    "Cannot list jobs\n  down\nTry: try again",
  );
  assert.equal(formatError(new Error("odd", { cause: new Error("why") })), "odd\n  why");
  assert.equal(formatError("odd"), "odd");
});

Deno.test("formatError() shows the last lines of a cause, long ones cut short", () => {
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  assert.deepEqual(
    formatError(failed(lines.join("\n"))).split("\n").slice(1, -1),
    lines.slice(-8).map((line) => `  ${line}`),
  );
  const long = formatError(failed("x".repeat(250_000))).split("\n");
  assert.equal(long[1], `  ${"x".repeat(400)}…`);
});

Deno.test("errorAsJson() keeps everything, and calls rdg's own slips internal", () => {
  assert.deepEqual(errorAsJson(failed(new Error("x".repeat(500)))), {
    code: "scheduler",
    exitCode: 5,
    message: "Cannot list jobs",
    cause: "x".repeat(500),
    hint: "try again",
  });
  const slip = errorAsJson(new TypeError("slip"));
  assert.deepEqual(slip, {
    code: "internal",
    exitCode: 1,
    message: "slip",
    cause: null,
    hint: null,
  });
});
