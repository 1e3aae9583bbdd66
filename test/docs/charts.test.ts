import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DESIGN, withCharts } from "../../scripts/charts.ts";

describe("the charts in docs/design.md", () => {
  const document = readFileSync(DESIGN, "utf8");

  it("are those of the machines; if not, run `npm run charts`", () => {
    expect(document).toBe(withCharts(document));
  });

  it("are renewed if they are outdated", () => {
    const outdated = document.replaceAll("unseen_claiming --> ", "unseen_claiming --> un");
    expect(outdated).not.toBe(document);
    expect(withCharts(outdated)).toBe(document);
  });

  it("are reported missing if a marker is missing", () => {
    expect(() => withCharts(document.replace("<!-- chart:delivery -->", ""))).toThrow("<!-- chart:delivery -->");
    expect(() => withCharts(document.replaceAll("<!-- /chart -->", ""))).toThrow("<!-- /chart -->");
  });
});
