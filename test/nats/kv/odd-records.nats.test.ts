import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RecordUnreadableError } from "../../../src/errors.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../../src/model/identity.ts";
import type { Entry } from "../../../src/model/store.ts";
import { anyBytes, nearly, nearlyBytes } from "../../fuzz/nearly.ts";
import { collected } from "../../support/collected.ts";
import { type OperatedBucket, operatedBucket } from "../../support/operated-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

/** Returns the valid record that the odd records are derived from. */
function recordOf(eventId: string, state: "reserved" | "committed"): Readonly<Record<string, unknown>> {
  return {
    ...{ v: 1, state, workspaceId: "default", subscriptionId: "billing", eventId, owner: "web-1", token: "t" },
    ...{ attempt: 1, fence: 1, leaseMs: 30_000, atMs: Date.now(), fingerprint: "f", result: { a: [1] } },
  };
}

interface Odd {
  readonly payload: string;
  readonly fields: Readonly<Record<string, string>>;
}

function oddRecord(eventId: string): fc.Arbitrary<Odd> {
  const right = fc.constantFrom("reserved" as const, "committed" as const).map((state) => recordOf(eventId, state));
  const others = fc.tuple(
    right,
    fc.constantFrom("workspaceId", "subscriptionId", "eventId"),
    fc.constantFrom("e-1", "x"),
  );
  const payload = fc.oneof(
    { weight: 4, arbitrary: right.chain(nearly).map((record) => JSON.stringify(record)) },
    { weight: 1, arbitrary: others.map(([record, id, other]) => JSON.stringify({ ...record, [id]: other })) },
    { weight: 1, arbitrary: nearlyBytes(right.map((record) => JSON.stringify(record))).map(textOf) },
    { weight: 1, arbitrary: anyBytes.map(textOf) },
  );
  const fields = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Odd["fields"]>(
        { "Nats-TTL": "never" },
        { "Nats-TTL": "1h30m" },
        { "KV-Operation": "PURGE" },
        { "KV-Operation": "what" },
      ),
    },
  );
  return fc.record({ payload, fields });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** Returns true if the record belongs to the event. */
function isOf({ record }: Entry, { workspaceId, subscriptionId, eventId }: ResolvedIdentity): boolean {
  return record.workspaceId === workspaceId && record.subscriptionId === subscriptionId && record.eventId === eventId;
}

/** Returns the result of a read, or `refused` if the record is unreadable. */
async function readOrRefused<Value>(read: () => Promise<Value>): Promise<Value | "refused"> {
  try {
    return await read();
  } catch (error) {
    expect(error).toBeInstanceOf(RecordUnreadableError);
    return "refused";
  }
}

describe("any record that another program wrote into a bucket", () => {
  let operated: OperatedBucket;
  const ids = Array.from({ length: 150 }, (_, index) => `e-${index}`);
  const identityOf = (eventId: string) => ({ subscriptionId: "billing", eventId });

  beforeAll(async () => {
    operated = await operatedBucket(nats.server);
    const odd = fc.sample(oddRecord("this one"), ids.length);
    await Promise.all(
      ids.map(async (eventId, index) => {
        const { storeKey } = resolveIdentity(identityOf(eventId));
        const { payload, fields } = odd[index] ?? { payload: "", fields: {} };
        await operated.write(storeKey, payload.replace("this one", eventId), fields);
      }),
    );
    const { storeKey } = resolveIdentity(identityOf("endless"));
    await operated.write(
      storeKey,
      JSON.stringify({ ...recordOf("endless", "reserved"), leaseMs: Number.MAX_SAFE_INTEGER }),
    );
  });
  afterAll(() => operated[Symbol.asyncDispose]());

  it("causes a dispatch only if the key is empty, a duplicate only if it is a commit, and otherwise stays unchanged", async () => {
    const replica = operated.replica("web-2");
    const strangers: string[] = [];
    await Promise.all(
      ids.map(async (eventId) => {
        const identity = resolveIdentity(identityOf(eventId));
        const found = await readOrRefused(() => operated.store.get(identity.storeKey));
        const stored = typeof found === "object" && !isOf(found, identity) ? "refused" : found;
        const peeked = await readOrRefused(() => replica.peek(identityOf(eventId)));
        const dispatches: string[] = [];
        const dispatch = (): void => void dispatches.push(eventId);
        const outcome = await readOrRefused(() => replica.guard(identityOf(eventId), dispatch));
        const expected =
          stored === "refused"
            ? "refused"
            : stored === undefined
              ? "dispatched"
              : stored.record.state === "committed"
                ? "duplicate"
                : "pending";
        expect(outcome === "refused" ? outcome : outcome.outcome).toBe(expected);
        expect(dispatches).toEqual(expected === "dispatched" ? [eventId] : []);
        expect(peeked === "refused").toBe(stored === "refused");
        if (stored === "refused" && found !== "refused") strangers.push(eventId);
      }),
    );
    expect(strangers.length).toBeGreaterThan(0);
  });

  it("is listed if it is readable, before the list fails", async () => {
    const entries: unknown[] = [];
    const all = await readOrRefused(async () => {
      for await (const entry of operated.store.list({})) entries.push(entry);
    });
    expect(all).toBe("refused");
    expect(entries.length).toBeGreaterThan(0);
    expect(await readOrRefused(() => collected(operated.store.list(identityOf("none"))))).toEqual([]);
  });

  it("is listed by a replica only if it belongs to the key's event, before the list fails", async () => {
    const keys: string[] = [];
    const all = await readOrRefused(async () => {
      for await (const { key, record } of operated.replica("web-3").list()) {
        expect(resolveIdentity(record).storeKey).toBe(key);
        keys.push(key);
      }
    });
    expect(all).toBe("refused");
    expect(keys.length).toBeGreaterThan(0);
  });

  it("is shown by the command line without an unexpected error", async () => {
    const commands = [
      ["list"],
      ["list", "--json"],
      ["list", "--sort", "ending", "--limit", "0"],
      ["doctor"],
      ["doctor", "--json"],
      ["clear", "--all", "--state", "any", "--dry-run"],
      ["show", "billing", "endless"],
      ...ids.slice(0, 60).map((id) => ["show", "billing", id, "--payload"]),
      ...ids.slice(0, 60).map((id) => ["show", "billing", id, "--json"]),
    ];
    for (const [command = "", ...argv] of commands) {
      const { exitCode, err } = await operated.run(command, ...argv);
      expect(`${command} ${argv.join(" ")}: ${err}`).not.toContain("Unexpected");
      expect([0, 1], `${command} ${argv.join(" ")}: ${err}`).toContain(exitCode);
    }
  });
});
