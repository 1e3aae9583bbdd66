import { describe, expect, it } from "vitest";
import { type ClearEnd, clearEndText } from "../../../src/cli/clear/clear-text.ts";

describe("the result of clearing", () => {
  it.each<readonly [end: ClearEnd, cleared: number, changed: number, text: string]>([
    ["nothing-to-do", 0, 0, "There is nothing to clear.\n"],
    ["dry-run", 0, 0, "Nothing was cleared: this was a dry run.\n"],
    ["declined", 0, 0, "Nothing was cleared.\n"],
    ["interrupted", 1_200, 3, "Interrupted: cleared 1,200 of 2,000 keys.\n"],
    ["cleared", 1, 0, "Cleared 1 key.\n"],
    ["cleared", 2, 1, "Cleared 2 keys. 1 changed since it was counted, and was left.\n"],
    ["cleared", 0, 2, "Cleared 0 keys. 2 changed since they were counted, and were left.\n"],
  ])("reports the end `%s` with %d cleared and %d changed keys", (end, cleared, changed, text) => {
    expect(clearEndText(end, { cleared, changed }, 2_000)).toBe(text);
  });
});
