import { escaped } from "./escaped.ts";

interface Part {
  readonly name: string;
  readonly label: string;
  /** Parts inside a group. */
  readonly parts: Part[];
}

/** Draws a Mermaid flowchart whose parts and groups form one chain as layers, one below the other. */
export function layersHtml(mermaid: string): string {
  const parts = new Map<string, Part>();
  let group: Part | undefined;
  let chain: readonly string[] = [];
  for (const line of mermaid.trim().split("\n").slice(1)) {
    const { start, part, label = "", end, links } = LINE.exec(line)?.groups ?? {};
    if (links !== undefined) chain = links.split("-->").map((name) => name.trim());
    else if (end !== undefined) group = undefined;
    else if (part !== undefined) {
      const added: Part = { name: part, label, parts: [] };
      if (group === undefined || start !== undefined) parts.set(part, added);
      else group.parts.push(added);
      if (start !== undefined) group = added;
    } else throw new Error(`The site cannot draw this line of a flowchart: ${line}`);
  }
  const layers = chain.map((name) => parts.get(name));
  if (layers.length !== parts.size || new Set(chain).size !== parts.size)
    throw new Error("The site can only draw a flowchart that is one chain");
  return `<div class="layers">${layers.map((part) => (part === undefined ? "" : layer(part))).join("")}</div>\n`;
}

const LINE = /^\s*(?:(?<start>subgraph )?(?<part>\w+)\["(?<label>[^"]+)"\]|(?<end>end)|(?<links>\w+(?: --> \w+)+))$/;

function layer({ label, parts }: Part): string {
  if (parts.length === 0) return `<div class="layer">${box(label)}</div>`;
  return `<div class="layer"><p>${escaped(label)}</p>${parts.map((part) => box(part.label)).join("")}</div>`;
}

function box(label: string): string {
  const [title = "", ...rest] = label.split("<br/>");
  return `<div class="part"><code>${escaped(title)}</code> ${escaped(rest.join(" "))}</div>`;
}
