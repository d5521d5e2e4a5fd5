/** Signal names as they are typed. */

import assert from "node:assert/strict";
import { defaultSignal, defaultStackSignal, parseSignal } from "../../commands/_signals.ts";
import { RdgError } from "../../plugins/error.ts";

Deno.test("parseSignal() reads names, real-time names and numbers", () => {
  for (
    const [text, number] of [
      ["USR1", 10],
      ["SIGUSR2", 12],
      ["sigusr2", 12],
      ["TERM", 15],
      ["RTMIN", 34],
      ["RTMIN+6", 40],
      ["SIGRTMIN+6", 40],
      ["rtmax-1", 63],
      ["RTMAX", 64],
      ["40", 40],
      ["SYS", 31],
    ] as const
  ) assert.equal(parseSignal(text, "signal"), number, text);
  assert.deepEqual([defaultSignal, defaultStackSignal], [40, 41]);
});

Deno.test("parseSignal() agrees with this system's kill", async () => {
  const { stdout } = await new Deno.Command("bash", { args: ["-c", "kill -l"] }).output();
  const listed = [...new TextDecoder().decode(stdout).matchAll(/(\d+)\) SIG(\S+)/g)];
  assert(listed.length > 60);
  for (const [, number, name] of listed) {
    if (name === "KILL" || name === "STOP") continue;
    assert.equal(parseSignal(name!, "signal"), Number(number), name);
  }
});

Deno.test("parseSignal() refuses what doesn't exist or can't be caught", () => {
  const none = [
    "",
    "NOPE",
    "0",
    "65",
    "32",
    "33",
    "-1",
    "RTMIN+31",
    "RTMIN-1",
    "RTMAX+1",
    "1000",
    "1.5",
  ];
  for (const text of none) refuses(text, /there is no such signal$/);
  for (const text of ["KILL", "SIGKILL", "9", "STOP", "19"]) {
    refuses(text, /no program can catch it$/);
  }
});

function refuses(text: string, message: RegExp): void {
  assert.throws(() => parseSignal(text, "stack-signal"), (error) => {
    assert(error instanceof RdgError, text);
    assert.equal(error.exitCode, 2);
    assert(error.message.includes(`--stack-signal=${text}`), error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? "", /^--stack-signal=RTMIN\+6/);
    return true;
  });
}
