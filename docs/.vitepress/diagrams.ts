import type { MarkdownRenderer } from "vitepress";
import { dedupKeyMachine, deliveryMachine } from "../../machines/index.ts";
import { toMermaid } from "../../src/inspect/chart/mermaid.ts";
import { toSvg } from "../../src/inspect/chart/svg.ts";
import { layersHtml } from "./layers.ts";
import { sequenceSvg } from "./sequence.ts";

/** Draws the Mermaid blocks of a page when the site is built, so that a reader loads no renderer. */
export function diagrams(markdown: MarkdownRenderer): void {
  const { fence } = markdown.renderer.rules;
  if (fence === undefined) throw new Error("The renderer has no rule for code blocks");
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    return token?.info.trim() === "mermaid" ? diagramOf(token.content) : fence(tokens, index, ...rest);
  };
}

/** Draws a diagram as HTML. @throws {Error} If it is of a kind, or contains a line, that the site cannot draw. */
export function diagramOf(mermaid: string): string {
  if (mermaid.startsWith("flowchart")) return layersHtml(mermaid);
  if (mermaid.startsWith("sequenceDiagram")) return `<div class="diagram">${sequenceSvg(mermaid)}</div>\n`;
  const machine = [dedupKeyMachine, deliveryMachine].find((one) => toMermaid(one) === mermaid);
  if (machine === undefined) throw new Error(`The site cannot draw this diagram:\n${mermaid}`);
  const charts = [toSvg(machine), toSvg(machine, { expanded: true })].map((svg) => zoomable(imageOf(svg, machine.id)));
  return `${charts[0]}\n<details><summary>All states and guards</summary>${charts[1]}</details>\n`;
}

/** Fits a chart to the page until the box is ticked, which needs no script. */
function zoomable(image: string): string {
  return `<div class="diagram"><label><input type="checkbox"> Full size</label>${image}</div>`;
}

/** An image, because the styles inside an SVG would otherwise apply to the whole page. */
function imageOf(svg: string, name: string): string {
  const size = /<svg[^>]* width="(?<width>[\d.]+)"/.exec(svg)?.groups?.["width"];
  const width = size === undefined ? "" : ` style="width: ${size}px"`;
  return `<img class="chart" alt="The machine ${name}"${width} src="data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}">`;
}
