import { escaped } from "./escaped.ts";

/** Distance between two participants, and between two lines, in pixels. */
const COLUMN = 190;
const ROW = 34;
const TOP = 44;
/** Characters of a note on one line, for each column that the note spans. */
const CHARACTERS = 28;

/** Draws a Mermaid sequence diagram as SVG, in the colour of the text around it. */
export function sequenceSvg(mermaid: string): string {
  const names: string[] = [];
  const drawn: string[] = [];
  const labels: string[] = [];
  const xOf = (name: string): number => {
    const index = names.indexOf(name);
    if (index < 0) throw new Error(`The sequence diagram has no participant ${name}`);
    return COLUMN * (index + 0.5);
  };
  let y = TOP;
  for (const line of mermaid.trim().split("\n").slice(1)) {
    const { participant, label = "", from, to = "", dash, over, text = "", noted = "" } = LINE.exec(line)?.groups ?? {};
    if (participant !== undefined) {
      names.push(participant);
      labels.push(label);
    } else if (from !== undefined) {
      y += ROW;
      drawn.push(arrow(xOf(from), xOf(to), y, dash !== undefined, text));
    } else if (over !== undefined) {
      const ends = over.split(",").map(xOf);
      const [left, right] = [Math.min(...ends), Math.max(...ends)];
      const lines = wrapped(noted, CHARACTERS * ((right - left) / COLUMN + 1));
      drawn.push(note((left + right) / 2, right - left + COLUMN - 16, y + 12, lines));
      y += ROW + 16 * (lines.length - 1);
    } else throw new Error(`The site cannot draw this line of a sequence diagram: ${line}`);
  }
  const [width, height] = [COLUMN * names.length, y + ROW];
  const lifelines = names.map((name, index) => lifeline(xOf(name), height, labels[index] ?? ""));
  return `<svg class="sequence" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Sequence diagram">${TIP}${[...lifelines, ...drawn].join("")}</svg>`;
}

const LINE =
  /^\s*(?:participant (?<participant>\w+) as (?<label>.+)|(?<from>\w+)-(?<dash>-)?>>(?<to>\w+): (?<text>.+)|Note over (?<over>[\w,]+): (?<noted>.+))$/;

const TIP =
  '<defs><marker id="sequence-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8Z"/></marker></defs>';

function lifeline(x: number, height: number, label: string): string {
  return `<line class="lifeline" x1="${x}" x2="${x}" y1="${TOP - 8}" y2="${height}"/><text class="participant" x="${x}" y="24">${escaped(label)}</text>`;
}

function arrow(from: number, to: number, y: number, isDashed: boolean, text: string): string {
  const middle = (from + to) / 2;
  return `<line class="${isDashed ? "answer" : "request"}" x1="${from}" x2="${to}" y1="${y}" y2="${y}" marker-end="url(#sequence-tip)"/><text x="${middle}" y="${y - 6}">${escaped(text)}</text>`;
}

function note(x: number, width: number, y: number, lines: readonly string[]): string {
  const texts = lines.map((line, index) => `<text x="${x}" y="${y + 16 * index + 15}">${escaped(line)}</text>`);
  return `<rect class="note" x="${x - width / 2}" y="${y}" width="${width}" height="${16 * lines.length + 6}" rx="3"/>${texts.join("")}`;
}

/** Breaks a text into lines of about `length` characters. */
function wrapped(text: string, length: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + word.length >= length) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
