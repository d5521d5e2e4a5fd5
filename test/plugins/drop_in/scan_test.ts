/** What a plugin may not import, and prose that is no import. */

import assert from "node:assert/strict";
import { forbiddenImport } from "../../../plugins/drop_in/scan.ts";
import { assertLinear } from "../../support/growth.ts";

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
  'import type  from "npm:x";',
  'import type\nfrom "npm:x";',
  'import type , { x } from "npm:x";',
  'import //\r("npm:" + x)\nfoo',
  'import // a\u2028("npm:x");',
  'export //\r* from "npm:x"\nconst',
  'import defer * as x from "npm:x";',
  'import source x from "npm:x";',
  'import x = require("x");',
  'const x = import("npm:x");',
  'const x = import /* a */ ("npm:x");',
  "const x = import\n('npm:x');",
  "const x = import.meta.url;",
  'let x: import("./x.ts").X;',
  'import π from "npm:x";',
  'import a\\u0062 from "npm:x";',
  'import \\u0061 from "npm:x";',
  'import type from, { x } from "npm:x";',
  `import/*${" ".repeat(1000)}*/x from "npm:x";`,
  `import${" ".repeat(1000)}x from "npm:x";`,
  `import ${"/**/".repeat(200)}("npm:x");`,
  `export { x } /*${" ".repeat(1000)}*/ from "npm:x";`,
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
  "export { a } // and nothing else",
  "// import type of the job, then import the rest",
  "export default { a: 1 }; // import",
];

Deno.test("forbiddenImport() refuses everything but imports of types", async (t) => {
  for (const text of refused) {
    await t.step(
      text.slice(0, 60),
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

Deno.test("forbiddenImport() takes no longer for more rubbish than its length asks for", () => {
  const parts = [
    "import/**/",
    "import/*",
    "import//",
    "import type ",
    "import type from ",
    "import type {\n",
    "import x ",
    "export{",
    "export{}/**/",
    "import ",
    "import\t\t\t\t\t\t\t\t",
    "import type\t\t\t\t\t\t\t\t",
  ];
  for (const part of parts) {
    assertLinear((length) => {
      const text = part.repeat(length / part.length);
      return () => forbiddenImport(text);
    }, 128 * 1024);
  }
  // One that never gets to an end: nothing but comments.
  assertLinear((times) => {
    const text = `/* import${"/**/".repeat(times)}`;
    return () => forbiddenImport(text);
  }, 32 * 1024);
});
