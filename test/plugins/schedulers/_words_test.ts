import assert from "node:assert/strict";
import { wordsForShell } from "../../../plugins/schedulers/_words.ts";
import { pure } from "./_feed.ts";

const awkward = [
  "python3",
  "-c",
  "import sys\nprint('a  b', \"c\")\n",
  "",
  "it's",
  "$HOME `id` \\ * ? ! ~ # ;|&<>",
  "  two  blanks\ttab ",
  "ünïcödé ƒ",
  "last\n",
];

/** What a shell makes of a script, as a list of words. */
async function words(shell: string, script: string): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(shell, {
    args: ["-c", script],
    env: { SSH_ORIGINAL_COMMAND: script },
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).split("\0").slice(0, -1);
}

pure("wordsForShell() leaves plain words alone", () => {
  const command = ["/usr/bin/python3", "-I", "--x=1,2", "a.b@c:%+"];
  assert.deepEqual(wordsForShell(command), command);
});

for (const shell of ["sh", "bash"]) {
  Deno.test(`wordsForShell() survives ${shell} -c`, async () => {
    const script = wordsForShell(["printf", "%s\\0", ...awkward]).join(" ");
    assert.deepEqual(await words(shell, script), awkward);
  });
}

Deno.test("wordsForShell() survives being split and evaluated again, as condor_ssh_to_job does", async () => {
  const script = wordsForShell(["printf", "%s\\0", ...awkward]).join(" ");
  const { code, stdout } = await new Deno.Command("bash", {
    args: ["-c", "eval ${SSH_ORIGINAL_COMMAND}"],
    env: { SSH_ORIGINAL_COMMAND: script },
  }).output();
  assert.equal(code, 0);
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), awkward);
});

Deno.test("wordsForShell() leaves stdin and the exit status to the command", async () => {
  const script = wordsForShell(["sh", "-c", "cat; exit 7"]).join(" ");
  const child = new Deno.Command("bash", {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const bytes = new Uint8Array([0, 255, 10, 13, 128]);
  await writer.write(bytes);
  await writer.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 7);
  assert.deepEqual(stdout, bytes);
});
