/** What a plugin may not import, and prose that is no import. */

import assert from "node:assert/strict";
import { forbiddenImport } from "../../../plugins/drop_in/scan.ts";

const refused = [
  'import x from "npm:x";',
  'import { x } from "./x.ts";',
  'import { type X } from "./x.ts";',
  'import * as x from "./x.ts";',
  'import "npm:x";',
  "import'npm:x';",
  'import/**/x from "npm:x";',
  'import/*\n*/{x}from"npm:x";',
  'import // type\n x from "npm:x";',
  'import x, { y } from "npm:x";',
  'import type, { x } from "npm:x";',
  'import type from "npm:x";',
  'import defer * as x from "npm:x";',
  'import source x from "npm:x";',
  'import x = require("x");',
  'const x = import("npm:x");',
  'const x = import /* a */ ("npm:x");',
  "const x = import\n('npm:x');",
  "const x = import.meta.url;",
  'let x: import("./x.ts").X;',
  'export * from "npm:x";',
  'export * as x from "npm:x";',
  'export { x } from "npm:x";',
  'export { x /* } */ } from "npm:x";',
  'export{x}/**/from"npm:x";',
  'export { "a b" as x } from "npm:x";',
  'import type { X } from "./x.ts"; import y from "npm:y";',
  'import type { X } /* " */ from "./x.ts"; import "npm:y"; // "',
];

const passed = [
  'import type { X } from "./contract.ts";',
  "import type { X,\n  Y } from './contract.ts';",
  'import type X from "jsr:@rdg/cli/plugin";',
  'import type * as contract from "./contract.ts";',
  "const hint = 'import the module first';",
  "// imports nothing, and important it is",
  "const a = 1; export { a };",
  "export { a, b as c };\nconst from = 3;",
  "export default { important: 1, imports: [] };",
  "export const from = 'x';",
];

Deno.test("forbiddenImport() refuses everything but imports of types", async (t) => {
  for (const text of refused) {
    await t.step(
      text,
      () => assert.match(forbiddenImport(`\n${text}\n`) ?? "", /^line \d imports/),
    );
  }
});

Deno.test("forbiddenImport() lets types, prose and plain exports pass", async (t) => {
  for (const text of passed) {
    await t.step(text, () => assert.equal(forbiddenImport(`${text}\n`), null));
  }
});

Deno.test("forbiddenImport() tells the line", () => {
  const text = 'import type {\n  A,\n} from "./a.ts";\n\nimport b from "./b.ts";\n';
  assert.match(forbiddenImport(text) ?? "", /^line 5 /);
});
