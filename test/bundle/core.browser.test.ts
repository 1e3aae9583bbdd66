import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { resolveIdentity } from "../../src/model/identity.ts";

/** 30 kB in decimal units, the stricter reading. */
const MAX_COMPRESSED_BYTES = 30_000;

let browser: Browser;
let code: string;

beforeAll(async () => {
  browser = await chromium.connect(inject("browserEndpoint"));
  code = await bundle(fileURLToPath(new URL("guard.ts", import.meta.url)));
});
afterAll(() => browser.close());

/** Bundles a program as an application for browsers does. A built-in module of Node would stay as an import. */
async function bundle(program: string): Promise<string> {
  const core = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    // Under tests, Vite would take the development build of XState.
    resolve: { alias: { latchkey: core }, conditions: ["module", "browser", "production"] },
    build: { write: false, target: "es2023", modulePreload: false, rolldownOptions: { input: program } },
  });
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  const chunks = outputs.flatMap((one) => (one.type === "chunk" ? [one.code] : []));
  expect(chunks).toHaveLength(1);
  return chunks.join("");
}

describe("the core in a browser", () => {
  it("bundles without built-in modules of Node", () => {
    expect(code).not.toMatch(/__vite-browser-external|require\(|\bimport\b\s*[("{]/);
  });

  it.each([
    ["gzip", gzipSync],
    ["Brotli", brotliCompressSync],
  ])(`has less than ${MAX_COMPRESSED_BYTES} bytes, compressed with %s`, (_, compress) => {
    expect(compress(code).length).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  it("does not load XState's interpreter of machines, which only inspected attempts run", () => {
    // A message of the interpreter, which minifiers keep.
    expect(code).not.toContain("Invalid transition definition for state node");
  });

  it("dispatches an event once, under the same keys as Node", async () => {
    const page = await browser.newPage();
    try {
      const failures: unknown[] = [];
      page.on("pageerror", (error) => failures.push(error));
      const printed = page.waitForEvent("console");
      await page.setContent(`<body></body><script type="module">${code.replaceAll("</script", "<\\/script")}</script>`);
      const shown: unknown = JSON.parse((await printed).text());
      const { key, idempotencyKey, storeKey } = resolveIdentity({
        workspaceId: "tenant-ü",
        subscriptionId: "sub-1",
        eventId: "evt-1",
      });
      expect(failures).toEqual([]);
      expect(shown).toMatchObject({
        outcomes: ["dispatched", "duplicate", "duplicate"],
        dispatches: 1,
        idempotencyKey,
        storeKey,
        dedupKey: key,
      });
      expect(shown).toHaveProperty("owner", expect.stringMatching(/^browser\/[0-9a-f]{8}$/));
    } finally {
      await page.close();
    }
  });
});
