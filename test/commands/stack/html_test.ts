/**
 * The page of `rdg stack --html`: its text, and how a real browser (Chromium, headless) shows it.
 */

import assert from "node:assert/strict";
import { pageStart, renderHtml } from "../../../commands/stack/html.ts";
import { mergeSnapshot } from "../../../commands/stack/merge.ts";
import type { Snapshot } from "../../../commands/stack/snapshot.ts";
import { isOnPath } from "../../../plugins/host.ts";
import { answered, frame, missing, snapshot, torch } from "./_processes.ts";

const browser = ["chromium", "chromium-browser", "google-chrome"].find((name) =>
  isOnPath(name, Deno.env.get("PATH") ?? "")
);
const suffix = browser ? "" : " (skipped: no chromium on PATH; apt-get install chromium)";

const hostile = `<img src=x onerror="document.title='taken'">'"&`;

function hang(): Snapshot {
  const step = [frame("step", 88), frame("<module>", 140)];
  const library = [torch("all_reduce", 4), torch("b", 3), torch("c", 2), torch("wrapper", 1)];
  return snapshot(
    Array.from({ length: 64 }, (_, rank) =>
      answered({
        rank,
        frames: rank === 37 ? [frame(hostile, 14, `/home/${hostile}.py`), ...step] : [
          ...library,
          ...step,
        ],
        others: [[torch("wait", 9)]],
      })),
    [missing(64, hostile)],
  );
}

function page(look: Snapshot): string {
  return renderHtml({
    snapshot: look,
    merged: mergeSnapshot(look),
    marks: undefined,
    absent: ["No session of rank 65"],
  });
}

Deno.test("renderHtml() needs nothing but itself, and lets no name become markup", () => {
  const text = page(hang());
  assert.ok(text.startsWith(pageStart));
  assert.doesNotMatch(text, /https?:|\bsrc="|\bhref=|url\(|@import|<link/);
  assert.doesNotMatch(text, /<img/);
  assert.match(text, /&lt;img src=x/);
  assert.match(text, /<li class="rare">.*<b>rank 37<\/b>/);
  assert.match(text, /63 ranks \(0-36,38-63\)/);
  assert.match(text, /No session of rank 65/);
});

Deno.test("renderHtml() writes a page of no process, and of one", () => {
  assert.match(page(snapshot([])), /0 processes on 0 nodes/);
  const one = page(snapshot([answered({ rank: null, frames: [frame("f", 1)] })]));
  assert.match(one, /1 process on 1 node,/);
  assert.match(one, /PID 100/);
});

/** What a browser makes of the page: its elements as text. */
async function show(text: string, hash: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "rdg-page-" });
  try {
    await Deno.writeTextFile(`${folder}/page.html`, text);
    const { code, stdout, stderr } = await new Deno.Command(browser!, {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        ...[`--user-data-dir=${folder}/profile`, "--timeout=20000", "--dump-dom"],
        `file://${folder}/page.html${hash}`,
      ],
      stdin: "null",
      signal: AbortSignal.timeout(60_000),
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `page of rdg stack ${name}${suffix}`, ignore: !browser, fn });
}

browserTest("shows every name as text", async () => {
  const dom = await show(page(hang()), "");
  assert.match(dom, /<title>Stacks of job 36<\/title>/);
  assert.doesNotMatch(dom, /<img/);
  assert.match(dom, /<label class="search"> ?Find|<label class="search">/);
});

browserTest("finds frames, and zooms to the lone rank", async () => {
  const dom = await show(page(hang()), "#find=ALL_RED&zoom=1");
  assert.match(dom, /<output id="found">1 frame<\/output>/);
  assert.match(dom, /class="[^"]*\bfound\b[^"]*"[^>]*><b>all_reduce<\/b>/);
  const way = [...dom.matchAll(/class="(?:cell|row)[^"]*\bway\b/g)].length;
  assert.ok(way >= 3, `${way} parts on the way`);
  assert.match(dom, /<button type="button" id="reset">/);
});
