import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { dedupKeyMachine, deliveryMachine } from "../machines/index.ts";
import { toMermaid } from "../src/inspect/chart/mermaid.ts";

export const DESIGN = "docs/design.md";

/** Returns the document with current charts between the markers `<!-- chart:<machine> -->` and `<!-- /chart -->`. */
export function withCharts(document: string): string {
  return [dedupKeyMachine, deliveryMachine].reduce((text, machine) => {
    const start = `<!-- chart:${machine.id} -->`;
    const [before, after, ...more] = text.split(start);
    const end = after?.indexOf("<!-- /chart -->") ?? -1;
    if (before === undefined || after === undefined || more.length > 0 || end < 0) {
      throw new Error(`Expected ${DESIGN} to contain ${start} exactly once, followed by <!-- /chart -->`);
    }
    return `${before}${start}\n\`\`\`mermaid\n${toMermaid(machine)}\`\`\`\n${after.slice(end)}`;
  }, document);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(DESIGN, withCharts(readFileSync(DESIGN, "utf8")));
}
