/**
 * The real disk: files are replaced at once, with mode and links kept, and never when they are not as
 * they were read. Works in temporary folders.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ChangedError, parentOf, systemFiles } from "../../../commands/init/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "rdg-files-" }));
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("write() replaces a file at once and keeps its mode", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.json`;
    await Deno.writeTextFile(path, "old");
    await Deno.chmod(path, 0o640);
    const { ino } = await Deno.stat(path);
    await systemFiles.write(path, { bytes: bytes("new"), before: bytes("old") });
    const now = await Deno.stat(path);
    assert.equal(await Deno.readTextFile(path), "new");
    assert.equal(now.mode! & 0o7777, 0o640);
    assert.notEqual(now.ino, ino, "a reader of the old file keeps it whole");
    assert.deepEqual(await names(folder), ["a.json"]);
  }));

Deno.test("write() writes into a file of two names, and leaves it whole where that fails", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.json`;
    await Deno.writeTextFile(path, "the old text");
    await Deno.link(path, `${folder}/b.json`);
    assert.equal(await systemFiles.names(path), 2);
    await systemFiles.write(path, { bytes: bytes("new"), before: bytes("the old text") });
    assert.equal(await Deno.readTextFile(`${folder}/b.json`), "new");
    assert.equal(await systemFiles.names(path), 2);
    // A limit on a file's size fails in its midst, as a full disk does.
    const module = new URL("../../../commands/init/files.ts", import.meta.url).href;
    const code = `import { systemFiles } from ${JSON.stringify(module)};
      const bytes = new Uint8Array(1 << 20);
      const before = new TextEncoder().encode("new");
      await systemFiles.write(${JSON.stringify(path)}, { bytes, before })
        .catch((error) => console.log(error.message));`;
    await Deno.writeTextFile(`${folder}/run.ts`, code);
    const script = 'trap "" XFSZ; ulimit -f 64; exec "$@"';
    const words = [Deno.execPath(), "run", "-A", "-q", "--no-config", `${folder}/run.ts`];
    const { stdout } = await new Deno.Command("bash", { args: ["-c", script, "bash", ...words] })
      .output();
    assert.match(new TextDecoder().decode(stdout), /File too large/);
    assert.equal(await Deno.readTextFile(path), "new");
    await Deno.remove(`${folder}/run.ts`);
    assert.deepEqual(await names(folder), ["a.json", "b.json"]);
  }));

Deno.test("write() leaves a file alone that changed, went or came meanwhile", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.json`;
    const write = (before: string | null) =>
      systemFiles.write(path, {
        bytes: bytes("ours"),
        before: before === null ? null : bytes(before),
      });
    await Deno.writeTextFile(path, "theirs");
    await assert.rejects(write("older"), ChangedError);
    await assert.rejects(write(null), ChangedError);
    assert.equal(await Deno.readTextFile(path), "theirs");
    assert.deepEqual(await names(folder), ["a.json"]);
    await assert.rejects(systemFiles.remove(path, bytes("older")), ChangedError);
    assert.equal(await Deno.readTextFile(path), "theirs");
  }));

Deno.test("write() never shows a reader half a file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.json`;
    const versions = ["a", "b"].map((letter) => letter.repeat(1_000_000));
    await Deno.writeTextFile(path, versions[0]!);
    let writing = true;
    const reader = (async () => {
      while (writing) assert.ok(versions.includes(await Deno.readTextFile(path)));
    })();
    for (let count = 0; count < 20; count++) {
      const [before, after] = [versions[count % 2]!, versions[(count + 1) % 2]!];
      await systemFiles.write(path, { bytes: bytes(after), before: bytes(before) });
    }
    writing = false;
    await reader;
  }));

Deno.test("setAside() takes the first free name and keeps the mode", () =>
  inFolder(async (folder) => {
    const path = `${folder}/launch.json`;
    await Deno.writeTextFile(path, "x");
    await Deno.chmod(path, 0o600);
    for (const name of ["launch.json.bak", "launch.json.bak.1"]) {
      assert.equal(await systemFiles.setAside(path, bytes("x")), `${folder}/${name}`);
    }
    assert.equal((await Deno.stat(`${path}.bak.1`)).mode! & 0o7777, 0o600);
  }));

Deno.test("removeEmptyFolder() leaves a folder that holds something", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/full/empty`, { recursive: true });
    await systemFiles.removeEmptyFolder(`${folder}/full`);
    await systemFiles.removeEmptyFolder(`${folder}/full/empty`);
    assert.deepEqual(await names(`${folder}/full`), []);
  }));

Deno.test("parentOf() goes up to the top", () => {
  assert.deepEqual(["/a/b", "/a/b/", "/a", "/"].map(parentOf), ["/a", "/a", "/", "/"]);
});
