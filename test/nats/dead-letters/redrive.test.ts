import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { RecordUnreadableError } from "../../../src/errors.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { identityHeaders, letterHeaders } from "../../../src/nats/dead-letters/letter-headers.ts";
import { type RedriveContext, redriveLetter } from "../../../src/nats/dead-letters/redrive.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { commit, LONG_MS, reservation } from "../../support/store-contract-fixture.ts";

const of = resolveIdentity({ subscriptionId: "billing", eventId: "e-1" });
const data = new TextEncoder().encode("payload");

function message(fields: Readonly<Record<string, string>>): StoredMsg {
  const header = headers();
  for (const [name, value] of Object.entries(fields)) header.set(name, value);
  const time = new Date(0);
  return {
    ...{ subject: "dead", seq: 1, header, data, time, timestamp: time.toISOString(), pending: 0, lastSequence: 1 },
    json: () => {
      throw new Error("unused");
    },
    string: () => "payload",
  };
}

const letter = {
  [letterHeaders.reason]: "permanent-error",
  [letterHeaders.originalSubject]: "orders",
  [letterHeaders.originalStream]: "ORDERS",
  [letterHeaders.originalSequence]: "7",
};

type Fake = Partial<RedriveContext["store"]> & { readonly fields?: Readonly<Record<string, string>> };

/** Redrives letter 1. Returns the result, with what was published and removed. */
async function redriven(
  { fields = { ...letter, ...identityHeaders(of) }, ...store }: Fake,
  base: RedriveContext["store"] = memoryStore(),
) {
  const published: string[] = [];
  const removed: number[] = [];
  const context: RedriveContext = {
    letters: {
      message: async () => message(fields),
      originalMessage: async () => undefined,
      checkRemovable: async () => {},
      remove: async (sequence) => removed.push(sequence) > 0,
    },
    jetstream: {
      publish: async (subject) => {
        published.push(subject);
        return { stream: "ORDERS", seq: 8, duplicate: false };
      },
    },
    store: { ...base, ...store },
  };
  return { result: await redriveLetter(context, 1), published, removed };
}

const left = (why: string, more: object = {}) => ({
  result: { result: "left", why, ...more },
  published: [],
  removed: [],
});

describe("a redrive", () => {
  it("publishes a letter without an identity, which can be no duplicate", async () => {
    expect(await redriven({ fields: letter })).toEqual({
      result: { result: "redriven", stream: "ORDERS", sequence: 8 },
      published: ["orders"],
      removed: [1],
    });
  });

  it("leaves a letter whose key cannot be read, or is being dispatched", async () => {
    const unreadable = () => Promise.reject(new RecordUnreadableError("not JSON"));
    expect(await redriven({ get: unreadable })).toEqual(left("unreadable-record", { problem: "not JSON" }));
    const store = memoryStore();
    await store.put(of.storeKey, reservation(of), { expected: 0, ttlMs: LONG_MS });
    expect(await redriven({}, store)).toEqual(left("in-progress", { owner: reservation(of).owner }));
    await expect(redriven({ get: () => Promise.reject(new Error("away")) })).rejects.toThrow("away");
  });

  it("leaves a letter whose key keeps changing, after five attempts", async () => {
    const store = memoryStore();
    await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: LONG_MS });
    const fields = { ...letter, ...identityHeaders(of), [letterHeaders.commitRevision]: "1" };
    let attempts = 0;
    const remove = async () => {
      attempts += 1;
      return { ok: false } as const;
    };
    expect(await redriven({ fields, remove }, store)).toEqual(left("contended"));
    expect(attempts).toBe(5);
  });

  it("needs a store that can clear keys, if the letter conflicts with a commit", async () => {
    const { remove: _, ...store } = memoryStore();
    await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: LONG_MS });
    const fields = { ...letter, ...identityHeaders(of), [letterHeaders.commitRevision]: "1" };
    await expect(redriven({ fields }, store)).rejects.toMatchObject({ code: "unsupported" });
  });
});
