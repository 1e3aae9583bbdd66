import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dedupKey } from "../../src/model/identity.ts";
import { type Endpoint, startEndpoint } from "../cli/support/endpoint.ts";
import { run } from "../cli/support/fake-io.ts";
import { cloudEvent } from "./cloud-event.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

const delivery = {
  headers: { "X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1", "Content-Type": "application/json" },
  body: { action: "opened", repository: { url: "https://api.github.com/repos/a/b" } },
};

/** A line that must be dispatched between any other lines. */
interface ValidLine {
  readonly bytes: Uint8Array;
  readonly key: string;
}
const right: fc.Arbitrary<ValidLine> = fc.tuple(fc.nat(5), fc.jsonValue()).map(([id, data]) => ({
  bytes: Buffer.from(JSON.stringify({ specversion: "1.0", type: "t", source: "/right", id: String(id), data })),
  key: dedupKey("run", JSON.stringify(["/right", String(id)])),
}));

const other = fc
  .oneof(
    anyBytes,
    nearly(cloudEvent).map((event) => Buffer.from(JSON.stringify(event))),
    nearly(delivery).map((event) => Buffer.from(JSON.stringify(event))),
    nearly(delivery.headers).map((headers) => Buffer.from(JSON.stringify({ ...delivery, headers }))),
    nearly(delivery.body).map((body) => Buffer.from(JSON.stringify({ ...delivery, body }))),
    nearlyBytes(fc.constantFrom(JSON.stringify(cloudEvent), JSON.stringify(delivery))),
  )
  .map((bytes) => ({ bytes, key: undefined }));

let endpoint: Endpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterAll(() => endpoint[Symbol.asyncDispose]());

/** Counts the lines that contain more than white space. */
function linesIn(bytes: Uint8Array): number {
  return Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .filter((line) => /[^ \t\r]/.test(line)).length;
}

async function expectAccounted(input: Uint8Array, keys: readonly string[]): Promise<void> {
  const before = new Map(endpoint.counts());
  const argv = ["run", "--to", endpoint.url, "--json", "--attempts", "1"];
  const { exitCode, objects, err } = await run(argv, { input });
  expect(err).not.toContain("Unexpected");
  const results = objects();
  expect(results).toHaveLength(linesIn(input) + 1);
  const all = results.slice(0, -1);
  expect(exitCode).toBe(all.every(({ outcome }) => outcome === "dispatched" || outcome === "duplicate") ? 0 : 1);

  const dispatched = all.filter(({ outcome }) => outcome === "dispatched").map(({ key }) => String(key));
  expect(new Set(dispatched).size).toBe(dispatched.length);
  for (const key of keys) expect(dispatched).toContain(key);
  for (const key of dispatched) expect((endpoint.counts().get(key) ?? 0) - (before.get(key) ?? 0)).toBe(1);
  for (const result of all) {
    if (result["outcome"] === "unreadable") expect(result["reason"]).toMatch(/\w/);
    // The endpoint accepts everything. Only another payload under the id of a dispatched event fails.
    if (result["outcome"] === "failed") {
      expect(result["failure"]).toMatchObject({ failure: "latchkey", code: "fingerprint-mismatch" });
      expect(dispatched).toContain(result["key"]);
    }
  }
}

describe("latchkey run", () => {
  it("accounts for every line and dispatches every event once, between any other lines", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(right, other), { maxLength: 12 }), async (lines) => {
        // The first line shows that the input is UTF-8. Without it, random bytes can begin like another format.
        const first = Buffer.from("{}\n");
        const input = Buffer.concat([first, ...lines.flatMap(({ bytes }) => [bytes, Buffer.from("\n")])]);
        await expectAccounted(
          input,
          lines.flatMap(({ key }) => key ?? []),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("accounts for every line and dispatches every event once, between lines that are too deeply nested", async () => {
    const deep = [deepJson, JSON.stringify({ ...cloudEvent, data: "deep" }).replace('"deep"', deepJson)];
    const next = { specversion: "1.0", type: "t", source: "/right", id: "next" };
    const input = Buffer.from([...deep, JSON.stringify(next)].join("\n"));
    await expectAccounted(input, [dedupKey("run", '["/right","next"]')]);
  });
});
