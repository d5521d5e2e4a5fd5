/**
 * `rdg connect` as a person sees it who sits at a terminal: ssh's questions (password, one-time code,
 * passphrase, unknown host), at first and after the connection broke; the menus; Ctrl-C. In a real
 * pseudo-terminal, through a real sshd with PAM, into the real Slurm of the test cluster.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { submit, untilArmed } from "../../cluster/jobs.ts";
import { mustRun, waitUntil } from "../../cluster/process.ts";
import { Pty } from "../../support/pty.ts";
import { hitBreakpoint, killSsh, nothingLeft, stopInLoop } from "./desk.ts";
import type { Laptop } from "./laptop.ts";
import { laptopSuite } from "./suite.ts";
import { startTwoFactor, type TwoFactor, whyNoTwoFactor } from "./two_factor.ts";

let cluster: Cluster;
let laptop: Laptop;
let secure: TwoFactor | undefined;

const suiteTest = await laptopSuite({
  whyNot: whyNoTwoFactor,
  setUp: async (theCluster, theLaptop) => {
    [cluster, laptop] = [theCluster, theLaptop];
    secure = await startTwoFactor(cluster);
  },
  tidy: () => laptop.configure(),
  tearDown: async () => await secure?.close(),
});

function connectTest(name: string, fn: () => Promise<void>): void {
  suiteTest(name, async () => {
    await laptop.configure(["Host secure", "  HostName 127.0.0.1", `  Port ${secure!.port}`]);
    await fn();
  });
}

async function armed(name = "count"): Promise<string> {
  const job = await submit(cluster, {
    args: [`--job-name=${name}`],
    script: "rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job });
  return job;
}

/** Starts it in a terminal of its own. */
function connect(...words: string[]): Pty {
  return terminal(["rdg", "connect", ...words, "--port=0"]);
}

function terminal(words: readonly string[]): Pty {
  return new Pty(words, laptop.asUser({ TERM: "xterm" }));
}

/** Answers the two questions of ssh. */
async function logIn(pty: Pty, answers: { password?: string; code?: string } = {}): Promise<void> {
  await pty.waitFor(/Password: /);
  await pty.type(`${answers.password ?? secure!.password}\r`);
  if (answers.password) return;
  await pty.waitFor(/Verification code: /);
  await pty.type(`${answers.code ?? secure!.code()}\r`);
}

/** Waits until the local port is ready; returns a port to come to it as the laptop's user. */
async function near(pty: Pty): Promise<number> {
  const [, port] = await pty.waitFor(/Ready on 127\.0\.0\.1:(\d+)\. /, 60_000);
  return await laptop.bridge(Number(port));
}

/** Ends it by Ctrl-C, which the terminal hands to ssh as well, and looks at what is left. */
async function interrupt(pty: Pty): Promise<void> {
  await waitUntil("the status line after the last editor", {
    ask: () => Promise.resolve(/rdg-test left\.\n[^\n]* · not attached[^\n]*$/.test(pty.text)),
  });
  const before = pty.text.length;
  await pty.type("\x03");
  assert.equal(await pty.ended(), 0, pty.text);
  assert.equal(pty.text.slice(before).replaceAll(/\^C|\s/g, ""), "", "nothing is said at the end");
  await nothingLeft({ cluster, laptop });
}

function count(pty: Pty, pattern: RegExp): number {
  return [...pty.text.matchAll(new RegExp(pattern, "g"))].length;
}

connectTest("asks for password and code once, whatever goes through it", async () => {
  const job = await armed();
  await using pty = connect("secure", "--via=relay");
  await logIn(pty);
  await pty.waitFor(
    new RegExp(`Connected to the session of job ${job} on n1 .*way: relay`),
    60_000,
  );
  const port = await near(pty);
  await pty.waitFor(new RegExp(`job ${job} · n1 · relay · not attached · .* left|not attached`));
  const { client } = await stopInLoop(laptop, port);
  await pty.waitFor(/attached: rdg-test/);
  await client.disconnect();
  await hitBreakpoint(laptop, port);
  assert.deepEqual([count(pty, /Password: /), count(pty, /Verification code: /)], [1, 1], pty.text);
  await interrupt(pty);
});

connectTest("lets one try again after a wrong password and a wrong code", async () => {
  await armed();
  await using pty = connect("secure");
  await logIn(pty, { password: "not it" });
  await logIn(pty, { code: "11111111" });
  await logIn(pty);
  await hitBreakpoint(laptop, await near(pty));
  await interrupt(pty);
});

connectTest("asks again after the connection broke, once somebody is there", async () => {
  await armed();
  await using pty = connect("secure");
  await logIn(pty);
  const port = await near(pty);
  await pty.waitFor(/not attached/);
  await killSsh(laptop.user.uid);
  await pty.waitFor(/The connection to "secure" broke \(the connection was closed\); building it/);
  await pty.waitFor(/"secure" wants you to log in again\. Press Enter when you are there/);
  assert.equal(count(pty, /Password: /), 1, "nobody is asked before Enter");
  await pty.type("\r");
  for (let tries = 0; tries < 3; tries++) await logIn(pty, { password: "not it" });
  await pty.waitFor(/it let you in neither by a key nor by what was typed\./);
  await pty.waitFor(/Press Enter when you are there/);
  await pty.type("\r");
  await logIn(pty);
  await pty.waitFor(/Connected to "secure" again\./);
  await pty.waitFor(/Connected to n1 again, way: direct/, 60_000);
  await hitBreakpoint(laptop, port);
  await interrupt(pty);
});

connectTest("says what to do where a further connection would ask again", async () => {
  await armed();
  await secure!.configure(["MaxSessions 1"]);
  try {
    await using pty = connect("secure", "--via=relay");
    await logIn(pty);
    assert.equal(await pty.ended(), 5, pty.text);
    const text = pty.text.replaceAll("\n", " ");
    assert.match(
      text,
      /takes no more sessions over one ssh connection \("MaxSessions"\), and a further/,
    );
    assert.match(
      text,
      /Permission denied \(keyboard-interactive\)\. Log in by a key, or take fewer/,
    );
    assert.equal(count(pty, /Password: /), 1);
    await nothingLeft({ cluster, laptop });
  } finally {
    await secure!.configure();
  }
});

connectTest("comes back by itself where a key suffices", async () => {
  await armed();
  await using pty = connect("login");
  const port = await near(pty);
  await pty.waitFor(/not attached/);
  await killSsh(laptop.user.uid);
  await pty.waitFor(/Connected to n1 again/, 60_000);
  assert.equal(count(pty, /Press Enter/), 0);
  await hitBreakpoint(laptop, port);
  await interrupt(pty);
});

connectTest("says what is missing where nobody can be asked", async () => {
  // A session of its own has no terminal that ssh could ask in.
  await using child = laptop.start([
    ...["setsid", "--wait", ...laptop.asUser()],
    ...["rdg", "connect", "secure", "--port=0"],
  ]);
  assert.equal((await child.status(60_000)).code, 4);
  assert.match(child.stderr, /^Cannot connect to "secure": it let you in neither by a key nor/m);
  assert.match(child.stderr, /Permission denied \(keyboard-interactive\)/);
  assert.match(child.stderr, /can be asked for only in a terminal/);
  await nothingLeft({ cluster, laptop });
});

connectTest("gives the terminal back when Ctrl-C ends a question", async () => {
  await using pty = terminal([
    "sh",
    "-c",
    "trap : INT; stty -a; rdg connect secure --port=0; echo status $?; stty -a; echo over",
  ]);
  const [settings] = await pty.waitFor(/isig[\s\S]*?Password: /);
  await pty.type("\x03");
  const [rest] = await pty.waitFor(/status \d[\s\S]*over/);
  const echo = / (-?)echo /;
  assert.deepEqual(echo.exec(rest)?.[1], echo.exec(settings)?.[1]);
  assert.match(rest, /status 0/);
  await nothingLeft({ cluster, laptop });
});

connectTest("shows an unknown host's fingerprint, and asks for a key's passphrase", async () => {
  await armed();
  const key = `${laptop.user.home}/.ssh/locked`;
  await mustRun(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a phrase", "-f", key]);
  const allowed = `${cluster.root}/ssh/authorized_keys`;
  await Deno.writeTextFile(allowed, await Deno.readTextFile(`${key}.pub`), { append: true });
  const known = `${laptop.user.home}/.ssh/known_new`;
  await laptop.configure([
    "Host locked",
    "  HostName 127.0.0.1",
    `  Port ${cluster.ssh!.port}`,
    `  IdentityFile ${key}`,
    "  IdentitiesOnly yes",
    "  StrictHostKeyChecking ask",
    `  UserKnownHostsFile ${known}`,
  ]);
  const config = `${laptop.user.home}/.ssh/config`;
  // Keys of several matching blocks add up: the general one must not help out.
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replace(/^ {2}IdentityFile .*\.ssh\/key$/m, ""));
  await using refusing = connect("locked");
  await refusing.waitFor(/fingerprint is SHA256:[\s\S]*\(yes\/no\/\[fingerprint\]\)\? /);
  await refusing.type("no\r");
  assert.equal(await refusing.ended(), 4);
  assert.match(refusing.text, /Cannot connect to "locked": its host key is not known here/);
  assert.equal(count(refusing, /Host key verification failed/), 1, "ssh's words stand there once");
  await using pty = connect("locked");
  await pty.waitFor(/\(yes\/no\/\[fingerprint\]\)\? /);
  await pty.type("yes\r");
  await pty.waitFor(/Enter passphrase for key .*locked': /);
  await pty.type("no phrase\r");
  await pty.waitFor(/Enter passphrase for key .*locked': /);
  await pty.type("a phrase\r");
  await hitBreakpoint(laptop, await near(pty));
  await interrupt(pty);
});

connectTest("shows a menu of jobs", async () => {
  await armed("alpha");
  const beta = await armed("beta");
  await using pty = connect("login");
  await pty.waitFor(/Which job\?[\s\S]*alpha[\s\S]*beta/);
  await pty.type("bet");
  await waitUntil("the filtered menu", {
    ask: () => Promise.resolve(/bet\s[^?]*beta\s/.test(pty.text.slice(-400))),
  });
  await pty.type("\r");
  await pty.waitFor(new RegExp(`Connected to the session of job ${beta} on `), 60_000);
  await hitBreakpoint(laptop, await near(pty));
  await interrupt(pty);
});

connectTest("shows a menu of ranks, and Ctrl-C leaves it", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n2"],
    script: "srun rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job, count: 2 });
  await using left = connect("login");
  await left.waitFor(/Which process\?[\s\S]*rank 0[\s\S]*rank 1/);
  await left.type("\x03");
  assert.equal(await left.ended(), 1);
  assert.match(left.text, /Cancelled/);
  await nothingLeft({ cluster, laptop });
  await using pty = connect("login");
  await pty.waitFor(/Which process\?[\s\S]*rank 0[\s\S]*rank 1/);
  await pty.type("\x1b[B");
  await waitUntil("the second line", {
    ask: () => Promise.resolve(/❯ rank 1/.test(pty.text.slice(-600))),
  });
  await pty.type("\r");
  await pty.waitFor(new RegExp(`Connected to rank 1 of job ${job} on n2`), 60_000);
  await hitBreakpoint(laptop, await near(pty));
  await interrupt(pty);
});
