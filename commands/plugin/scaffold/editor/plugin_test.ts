/** exampleq's plugin and a project's entries: `deno test --allow-read=.` in this folder. */

import assert from "node:assert/strict";
import plugin from "./plugin.ts";

const profile = {
  entries: [
    { id: "attach", name: "rdg: Attach", host: "127.0.0.1", port: 5678, remoteRoot: "." },
    { id: "asks", name: "asks", host: "127.0.0.1", port: { input: "port" } },
  ],
  inputs: [{ id: "port", description: "Port" }],
  localRoot: "/home/ada/project",
  realRoot: "/home/ada/project",
};
const file = ".exampleq/rdg.json";

Deno.test("apply() writes what asks nothing; a second time changes nothing", () => {
  const { text } = plugin.apply({ file, oldText: null, profile });
  const [first, ...others] = JSON.parse(text ?? "");
  assert.deepEqual(first.connect, { host: "127.0.0.1", port: 5678 });
  assert.deepEqual(others, []);
  assert.equal(plugin.apply({ file, oldText: text, profile }).text, text);
});

Deno.test("remove() takes away what apply() wrote, and leaves what a person changed", () => {
  const { text } = plugin.apply({ file, oldText: null, profile });
  assert.equal(plugin.remove({ file, oldText: text ?? "", profile }).text, null);
  assert.equal(plugin.remove({ file, oldText: "[]", profile }).text, "[]");
});
