/**
 * The completion scripts in the real shells: words are typed into a pseudo-terminal, Tab is pressed, and
 * what the command is given at the end counts.
 */

import assert from "node:assert/strict";
import { which } from "../../cluster/packages.ts";
import { Pty } from "../../support/pty.ts";
import { makeSandbox, rdg, type Sandbox } from "../../support/rdg.ts";
import { record, writeRecord } from "../../support/records.ts";

/** How a shell is started without the person's own settings, and the script read. */
const shells: readonly {
  name: string;
  words: string[];
  setUp: string[];
  /** A file whose absence skips the test, and Debian's package that brings it. */
  needs?: [string, string];
}[] = [
  {
    name: "bash",
    words: ["bash", "--norc", "--noprofile", "-i"],
    setUp: [". <(rdg completion bash)"],
  },
  {
    name: "bash with bash-completion",
    words: ["bash", "--norc", "--noprofile", "-i"],
    setUp: [". /usr/share/bash-completion/bash_completion", ". <(rdg completion bash)"],
    needs: ["/usr/share/bash-completion/bash_completion", "bash-completion"],
  },
  {
    name: "zsh",
    words: ["zsh", "-f", "-i"],
    setUp: ["autoload -U compinit", "compinit -D -u", "source <(rdg completion zsh)"],
  },
  { name: "fish", words: ["fish", "--private"], setUp: ["rdg completion fish | source"] },
];

/** What is typed, with `\t` for Tab, and what the command is given then. */
const lines: readonly (readonly [string, string])[] = [
  ["atta\t4711\t", "[attach][4711]"],
  ["atta\t47\t", "[attach][4711]"],
  ["attach 4711 --ran\t1\t", "[attach][4711][--rank][12]"],
  ["attach --via=sca\t", "[attach][--via=scancel]"],
  ["attach --via sca\t", "[attach][--via][scancel]"],
  ["init --editor=zed,helix,neo\t", "[init][--editor=zed,helix,neovim]"],
  ["connect bigl\t", "[connect][biglogin]"],
  ["help secu\t", "[help][security]"],
  ["stack --html pag\t", "[stack][--html][page.html]"],
  ["debug -l ./scri\t", "[debug][-l][./script.py]"],
  ["debug --signal RTMIN+1\t", "[debug][--signal][RTMIN+10]"],
];

/** An rdg that shows what it is given, but for completion, which is the real one's. */
async function prepare(sandbox: Sandbox): Promise<string[]> {
  await Deno.mkdir(`${sandbox.dir}/bin`);
  const real = rdg.map((word) => `'${word}'`).join(" ");
  const script = [
    "#!/bin/sh",
    `[ "$1" = completion ] && exec ${real} "$@"`,
    "printf 'GOT'; printf '[%s]' \"$@\"; echo .",
    "",
  ];
  await Deno.writeTextFile(`${sandbox.dir}/bin/rdg`, script.join("\n"), { mode: 0o755 });
  await sandbox.write("page.html", "");
  await Deno.chmod(await sandbox.write("script.py", ""), 0o755);
  const home = sandbox.env.HOME!;
  await Deno.mkdir(`${home}/.ssh`);
  await Deno.writeTextFile(`${home}/.ssh/config`, "Host biglogin *.example\n  User ada\n");
  for (const rank of [3, 12]) {
    const values = record({
      job: { id: "4711", display: "4711", step: null },
      uid: Deno.uid(),
      rank,
      worldSize: 16,
      pid: 100 + rank,
    });
    await writeRecord(sandbox.state, values);
  }
  const env: Record<string, string> = {
    ...sandbox.env,
    PATH: `${sandbox.dir}/bin:${sandbox.env.PATH}`,
    TERM: "xterm",
    PS1: "> ",
    XDG_DATA_HOME: `${home}/data`,
    XDG_CONFIG_HOME: `${home}/config`,
  };
  return [
    ...["env", "-i", "-C", sandbox.dir],
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ];
}

for (const { name, words, setUp, needs } of shells) {
  const there = needs
    ? await Deno.stat(needs[0]).then(() => true, () => false)
    : await which(words[0]!) !== null;
  const hint = there ? "" : ` (skipped: apt-get install ${needs?.[1] ?? name})`;
  Deno.test({
    name: `rdg completion, in ${name}, completes commands, flags, values, jobs and files${hint}`,
    ignore: !there,
    async fn() {
      await using sandbox = await makeSandbox({ debugpy: null });
      const prefix = await prepare(sandbox);
      await using shell = new Pty(words, prefix);
      for (const line of setUp) await shell.type(`${line}\r`);
      await shell.type("rdg ready\r");
      await shell.waitFor(/GOT\[ready\]\./);
      for (const [typed, wanted] of lines) {
        await shell.type(`rdg ${typed}`);
        await shell.type("\r");
        const [, given] = await shell.waitFor(/GOT(\[.*\])\./);
        assert.equal(given, wanted, `after "rdg ${JSON.stringify(typed)}":\n${shell.text}`);
      }
      await shell.type("exit\r");
      assert.equal(await shell.ended(), 0);
    },
  });
}
