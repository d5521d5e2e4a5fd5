/**
 * Writes one look at a job as a page that needs nothing but itself: who is where, the picture, the
 * trees, the processes. Everything in it is there without scripts; page.js adds zooming and search.
 * Pure.
 *
 * @module
 */

import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import type { Marks } from "./changes.ts";
import { escape, type Painter, picture, tree } from "./html_tree.ts";
import { type Branch, type Group, groupsOf, type Merged } from "./merge.ts";
import { placer, whereIs } from "./places.ts";
import { mainOf, namer, type Snapshot } from "./snapshot.ts";
import { framesOf, marksOf, renderMissing } from "./text.ts";

/** How every page begins: only such a file is ever replaced. */
export const pageStart = "<!doctype html><!-- rdg stack -->";

/** Places that are listed at the top. */
const maxGroups = 50;

/**
 * Writes the page.
 *
 * @param look What was found, the same merged, marks since the last look, lines on absent ranks.
 * @returns The file's text.
 */
export function renderHtml(look: {
  snapshot: Snapshot;
  merged: Merged;
  marks: Marks | undefined;
  absent: readonly string[];
}): string {
  const { snapshot, merged, marks, absent } = look;
  const who = namer(snapshot);
  const place = placer(framesOf(snapshot));
  const painter: Painter = { who, place };
  const groups = groupsOf(merged.main.processes.length > 0 ? merged.main : merged.children);
  const nodes = new Set(snapshot.answered.map(({ node }) => node)).size;
  const title = snapshot.job === "local" ? "Stacks on one host" : `Stacks of job ${snapshot.job}`;
  const warnings = [...renderMissing(snapshot), ...absent];
  const count = snapshot.answered.length;
  return `${pageStart}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>
${style}</style>
</head>
<body>
<header>
<h1>${escape(title)}</h1>
<p>${count} ${count === 1 ? "process" : "processes"} on ${nodes} ${
    nodes === 1 ? "node" : "nodes"
  }, <time>${new Date(snapshot.time).toISOString().replace(/\.\d+Z$/, "Z")}</time></p>
</header>
${
    warnings.length === 0
      ? ""
      : `<ul class="warnings">${warnings.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>`
  }
<main>
<section>
<h2>Who is where</h2>
<ol class="groups">
${groups.slice(0, maxGroups).map((group, i) => groupItem(group, i)).join("\n")}
</ol>
${groups.length > maxGroups ? `<p>and ${groups.length - maxGroups} more places</p>` : ""}
</section>
<form class="controls">
<label><input type="checkbox" id="all"> all library frames</label>
<label class="search" hidden>Find <input type="search" id="search" placeholder="function or file"></label>
<output id="found"></output>
<button type="button" id="reset" hidden>Whole picture</button>
</form>
${trees("Main threads", merged.main)}
${trees("Main threads of helper processes", merged.children)}
${trees("Other threads", merged.others)}
<section>
<h2>Processes</h2>
<div class="wide"><table>
<thead><tr><th>Rank</th><th>Node</th><th>PID</th><th>Threads</th><th>Main thread</th><th>Command</th></tr></thead>
<tbody>
${snapshot.answered.map(processRow).join("\n")}
</tbody>
</table></div>
</section>
</main>
<footer>Made by rdg. The page holds host names, paths and command lines of the job.</footer>
<script>
${script}</script>
</body>
</html>
`;

  function groupItem({ processes, frames }: Group, i: number): string {
    const share = processes.length /
      Math.max(1, groups.reduce((n, g) => n + g.processes.length, 0));
    const rare = i === 0 && groups.length > 1 ? ' class="rare"' : "";
    return `<li${rare}><span class="share"><i style="width:${percent(share)}"></i></span>` +
      `<b>${escape(who(processes))}</b> <span>${escape(whereIs(frames, place))}</span>` +
      `<em>${escape(marksOf(processes, marks).trim())}</em></li>`;
  }

  function trees(heading: string, root: Branch): string {
    if (root.processes.length === 0) return "";
    return `<section>
<h2>${escape(heading)}</h2>
<p class="hint">Outermost frame on top; the wider a bar, the more ${
      root.threads > root.processes.length ? "threads" : "processes"
    }. <span class="key rare"></span> few <span class="key"></span> many</p>
<div class="wide">${picture(root, painter)}</div>
<div class="tree">${tree(root, painter)}</div>
</section>`;
  }

  function processRow(process: Snapshot["answered"][number]): string {
    const frames = mainOf(process)?.frames ?? [];
    const cells = [
      process.rank === null ? "" : `${process.child ? "below " : ""}${process.rank}`,
      process.node,
      String(process.pid),
      String(process.dump.threads.length),
      frames.length > 0 ? whereIs(frames, place) : "",
      process.name,
    ];
    return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}
