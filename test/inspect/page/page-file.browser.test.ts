import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const html = readFileSync("dist/inspector.html", "utf8");

describe("the built page", () => {
  it("has at most 100 kB, compressed", () => {
    expect(gzipSync(html).length).toBeLessThanOrEqual(100_000);
  });

  it("is one file without references to others", () => {
    expect(html).not.toMatch(/<(script|img|iframe)\b[^>]*\ssrc=/);
    expect(html).not.toMatch(/<link\b[^>]*\shref="(?!data:)/);
    expect(html).not.toMatch(/@import|url\((?!#|"?data:)/);
  });
});
