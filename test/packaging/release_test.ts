/**
 * What a release rests on: versions that agree, a changelog whose sections are found, workflows that
 * name what exists.
 */

import assert from "node:assert/strict";
import { sectionOf, versions } from "../../.ci/notes.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { root } from "../support/python.ts";

const changelog = await Deno.readTextFile(`${root}/CHANGELOG.md`);

Deno.test("deno.json, the Python package and the changelog agree on the version", async () => {
  const all = Object.values(await versions());
  assert.deepEqual(new Set(all), new Set([denoConfig.version]));
  assert.match(denoConfig.version, /^\d+\.\d+\.\d+$/);
  // The wheel takes its version from the package.
  const project = await Deno.readTextFile(`${root}/python/pyproject.toml`);
  assert.match(project, /^version = \{ attr = "remote_debug\.__version__" \}$/m);
  assert.match(project, /^dynamic = \["version"\]$/m);
  // The newest section is that version's, or what comes after it.
  const [, newest] = /^## \[?([^\]\n]+?)\]?(?: - .*)?$/m.exec(changelog) ?? [];
  assert.ok([denoConfig.version, "Unreleased"].includes(newest!), newest);
  assert.ok(sectionOf(changelog, newest!));
});

Deno.test("sectionOf() takes a version's section, and no more", () => {
  const text = "# Changelog\n\n## Unreleased\n\n## [1.2.0] - 2027-01-02\n\n### Added\n\n- x\n\n" +
    "## 1.1.0 - 2026-12-01\n\n- y\n";
  assert.equal(sectionOf(text, "1.2.0"), "### Added\n\n- x");
  assert.equal(sectionOf(text, "1.1.0"), "- y");
  assert.equal(sectionOf(text, "1.2"), null);
  assert.equal(sectionOf(text, "Unreleased"), null);
});

Deno.test("the workflows name files and tasks that exist", async () => {
  for (const name of ["ci", "release"]) {
    const text = await Deno.readTextFile(`${root}/.github/workflows/${name}.yml`);
    const scripts = [...text.matchAll(/(?:^|[ "])(\.ci\/[\w.]+)/gm)].map(([, path = ""]) => path);
    assert.ok(scripts.length > 0);
    for (const path of scripts) assert.ok((await Deno.stat(`${root}/${path}`)).isFile, path);
    for (const [, task = ""] of text.matchAll(/ task (\w+)/g)) {
      assert.ok(task in denoConfig.tasks, task);
    }
    const versions = [...text.matchAll(/DENO: (\S+)/g)].map(([, version]) => version);
    const run = await Deno.readTextFile(`${root}/.ci/run`);
    for (const version of versions) assert.ok(run.includes(`deno@${version} `), version);
  }
});
