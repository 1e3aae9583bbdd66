import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedNames, sharedPrefix, sharedWords } from "../../../src/inspect/page/state/shared-names.ts";

const rowOf = (eventId: string, subscriptionId: string, workspaceId: string, owner: string) => ({
  identity: { storeKey: eventId, eventId, subscriptionId, workspaceId },
  owner,
});

describe("sharedPrefix", () => {
  it.each([
    [["orders-7d9f8b6c5-x2kqp/1/3f9c", "orders-7d9f8b6c5-n4vtz/1/b07d"], "orders-7d9f8b6c5-"],
    [['["//example.com/orders","8de5fccd"]', '["//example.com/orders","8d1a"]'], '["//example.com/orders","'],
    [["evt-1", "evt-2"], ""],
    [["order-1001", "order-1002"], "order-"],
    [["order-1001", "invoice-7"], ""],
    [["only-one-name"], ""],
    [["same-name-1", "same-name-1"], ""],
    [["order-1001", "order-1001-b"], "order-"],
    [[], ""],
  ])("returns the shared parts of %j", (names, prefix) => {
    expect(sharedPrefix(names)).toBe(prefix);
  });

  it("begins every name and ends between two parts", () => {
    const part = fc.constantFrom("a", "b", "-", "/", "1", "order", "é", "😀");
    const name = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));
    const names = fc.tuple(name, fc.array(name, { maxLength: 5 })).map(([first, all]) => all.map((one) => first + one));
    fc.assert(
      fc.property(names, (all) => {
        const prefix = sharedPrefix(all);
        for (const one of all) expect(one.startsWith(prefix)).toBe(true);
        // V8 14.6, in Node 26, does not match `[^…]$` with a last character beyond the BMP.
        expect(Array.from(prefix).at(-1) ?? "").not.toMatch(/[\p{L}\p{N}]/u);
        // Names that differ stay different without it.
        expect(new Set(all.map((one) => one.slice(prefix.length))).size).toBe(new Set(all).size);
      }),
    );
  });
});

describe("sharedNames", () => {
  it("names a workspace and a subscription that all rows share, which need no column", () => {
    const shared = sharedNames([rowOf("evt-1", "billing", "eu", "pod-1"), rowOf("evt-2", "billing", "eu", "pod-2")]);
    expect(shared).toMatchObject({ workspace: "eu", subscription: "billing" });
    expect(sharedWords(shared)).toBe("all in subscription billing, workspace eu");
  });

  it("keeps the columns of a single row and of rows that differ", () => {
    expect(sharedWords(sharedNames([rowOf("evt-1", "billing", "eu", "pod-1")]))).toBe("");
    const shared = sharedNames([rowOf("evt-1", "billing", "eu", "pod-1"), rowOf("evt-1", "crm", "us", "pod-1")]);
    expect(shared).toMatchObject({ workspace: undefined, subscription: undefined });
  });
});
