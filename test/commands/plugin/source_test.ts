/** Where a plugin is to come from, by what was typed. */

import assert from "node:assert/strict";
import { parseSource, type PluginSource } from "../../../commands/plugin/source.ts";

const nothingThere = () => false;

const read: Readonly<Record<string, PluginSource>> = {
  "./tinyq": { kind: "path", path: "./tinyq" },
  "tinyq": { kind: "path", path: "tinyq" },
  ".": { kind: "path", path: "." },
  "..": { kind: "path", path: ".." },
  "/a/b@c": { kind: "path", path: "/a/b@c" },
  "a/plugin.ts": { kind: "path", path: "a/plugin.ts" },
  "ada/tinyq": { kind: "git", url: "https://github.com/ada/tinyq.git" },
  "ada/tinyq.git": { kind: "git", url: "https://github.com/ada/tinyq.git" },
  "ada/tinyq@v1.2": { kind: "git", url: "https://github.com/ada/tinyq.git", ref: "v1.2" },
  "ada/tinyq@feat/x": { kind: "git", url: "https://github.com/ada/tinyq.git", ref: "feat/x" },
  "https://example.com/a/b.git": { kind: "git", url: "https://example.com/a/b.git" },
  "https://example.com/b#0123abc": { kind: "git", url: "https://example.com/b", ref: "0123abc" },
  "ssh://git@example.com:22/b": { kind: "git", url: "ssh://git@example.com:22/b" },
  "git@example.com:a/b.git": { kind: "git", url: "git@example.com:a/b.git" },
  "git@example.com:a/b#main": { kind: "git", url: "git@example.com:a/b", ref: "main" },
  "file:///srv/b": { kind: "git", url: "file:///srv/b" },
};

const refused: Readonly<Record<string, RegExp>> = {
  "--upload-pack=x": /it begins with a dash/,
  "http://example.com/b": /by https or ssh/,
  "git://example.com/b": /by https or ssh/,
  "ext::sh -c id": /blank|by https or ssh/,
  "ext::id": /by https or ssh/,
  "https://-oProxyCommand=id/b": /its host begins with a dash/,
  "ssh://-oProxyCommand=id/b": /its host begins with a dash/,
  "ssh://ada@-oProxyCommand=id/b": /its host begins with a dash/,
  "ssh://%2DoProxyCommand=id/b": /its host begins with a dash/,
  "git@-oProxyCommand:b": /its host begins with a dash/,
  "https://example.com/b#--x": /"--x" is no branch/,
  "https://example.com/b#": /"" is no branch/,
  "https://example.com/b#a..b": /"a\.\.b" is no branch/,
  "ada/tinyq@": /"" is no branch/,
  "ada/tinyq@-x": /"-x" is no branch/,
  "ada/tinyq@a b": /"a b" is no branch/,
};

Deno.test("parseSource() tells paths from repositories", () => {
  for (const [typed, source] of Object.entries(read)) {
    assert.deepEqual(parseSource(typed, nothingThere), source, typed);
  }
});

Deno.test("parseSource() refuses what git could take for something else", () => {
  for (const [typed, why] of Object.entries(refused)) {
    assert.throws(() => parseSource(typed, nothingThere), why, typed);
  }
});

Deno.test("parseSource() doesn't guess between a folder and GitHub", () => {
  assert.throws(() => parseSource("ada/tinyq", () => true), {
    message: 'Cannot add "ada/tinyq": it may be this folder or a repository on GitHub',
    hint: "./ada/tinyq, or https://github.com/ada/tinyq",
  });
});
