/**
 * Draws what a terminal shows as SVG: the text as text, with its colours. Pure.
 *
 * @module
 */

/** A screen with a line above it that says whose it is. */
export interface Screen {
  /** What stands above it. */
  title: string;
  /** Its lines, with the escape sequences for colours that `tmux capture-pane -e` leaves in. */
  lines: readonly string[];
}

const cell = { width: 8.43, height: 19, font: 14 };
const margin = 16;
const bar = 34;

/** The colours of the terminal: 0 to 7, and 8 to 15 for the bright ones. */
const palette = [
  ..."#484f58 #ff7b72 #3fb950 #d29922 #58a6ff #bc8cff #39c5cf #b1bac4".split(" "),
  ..."#6e7681 #ffa198 #56d364 #e3b341 #79c0ff #d2a8ff #56d4dd #f0f6fc".split(" "),
];

/** How a run of characters looks. */
interface Look {
  fill: string | null;
  bold: boolean;
  dim: boolean;
}

/**
 * Draws screens, one under another.
 *
 * @param screens What to draw.
 * @param columns How wide they are.
 * @returns The SVG document.
 */
export function drawScreens(screens: readonly Screen[], columns: number): string {
  const width = Math.round(columns * cell.width + 2 * margin);
  const parts: string[] = [];
  let y = 0;
  for (const { title, lines } of screens) {
    const height = bar + lines.length * cell.height + margin;
    parts.push(
      `<rect y="${y}" width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
      `<rect y="${y}" width="${width}" height="${bar - 8}" rx="8" fill="#161b22"/>`,
      `<text x="${width / 2}" y="${y + 18}" fill="#8b949e" text-anchor="middle">${
        escape(title)
      }</text>`,
    );
    for (const [row, line] of lines.entries()) {
      const at = y + bar + row * cell.height + 12;
      const drawn = drawLine(line);
      if (drawn) {
        parts.push(
          `<text x="${margin}" y="${at}" fill="#e6edf3" xml:space="preserve">${drawn}</text>`,
        );
      }
    }
    y += height + 10;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y - 10}" width="${width}" ` +
    `height="${
      y - 10
    }" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',` +
    `'Liberation Mono',monospace" font-size="${cell.font}">`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** One line: a run of equal look each. */
function drawLine(line: string): string {
  let look: Look = { fill: null, bold: false, dim: false };
  let drawn = "";
  // deno-lint-ignore no-control-regex -- escape sequences are what is read here
  for (const part of line.trimEnd().split(/(\x1b\[[0-9;]*m)/)) {
    // deno-lint-ignore no-control-regex
    const codes = /^\x1b\[([0-9;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) look = after(look, codes.split(";").map(Number));
    else if (part !== "") drawn += run(part, look);
  }
  return drawn;
}

function run(text: string, { fill, bold, dim }: Look): string {
  const attributes = [
    ...fill ? [`fill="${fill}"`] : [],
    ...bold ? ['font-weight="bold"'] : [],
    ...dim ? ['opacity="0.65"'] : [],
  ];
  if (attributes.length === 0) return escape(text);
  return `<tspan ${attributes.join(" ")}>${escape(text)}</tspan>`;
}

function after(look: Look, codes: readonly number[]): Look {
  let next = { ...look };
  for (const code of codes) {
    if (code === 0) next = { fill: null, bold: false, dim: false };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next.fill = null;
    else if (code >= 30 && code <= 37) next.fill = palette[code - 30] ?? null;
    else if (code >= 90 && code <= 97) next.fill = palette[code - 82] ?? null;
  }
  return next;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
