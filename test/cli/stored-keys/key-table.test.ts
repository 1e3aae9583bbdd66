import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyTable } from "../../../src/cli/stored-keys/key-table.ts";
import { shortKeys } from "../../../src/cli/stored-keys/short-key.ts";
import type { StoredKey } from "../../../src/cli/stored-keys/stored-key.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";

const NOW_MS = 1_000_000_000;
const now = { nowMs: NOW_MS, skewMs: 2_000 };
const paint = (_: string, text: string): string => text;

const hex = (length: number) => fc.uuid().map((uuid) => uuid.replaceAll("-", "").slice(0, length));
const service = fc.constantFrom(
  "billing",
  "billing-eu-west-1",
  "notifications",
  "EVENTS/billing-worker",
  "EVENTS/billing-writer",
);
const eventIds = fc.oneof(
  fc.nat(99_999).map((order) => JSON.stringify(["/shops/eu-west-1/orders", `order-${order}`])),
  fc.tuple(fc.nat(300), fc.nat(9)).map(([shop, id]) => JSON.stringify([`/shops/${shop}/orders`, String(id)])),
  fc.uuid(),
  fc.nat(9_999).map((id) => `evt_${id}`),
  hex(24).map((id) => `evt_${id}`),
);
const owners = fc
  .record({ service, replicaSet: hex(9), pod: hex(5), pid: fc.integer({ min: 1, max: 9_999 }), random: hex(8) })
  .map(
    ({ service: name, replicaSet, pod, pid, random }) =>
      `${name.replace("/", "-")}-${replicaSet}-${pod}/${pid}/${random}`,
  );

const rows = fc
  .record({
    subscriptions: fc.array(service, { minLength: 1, maxLength: 4 }),
    replicas: fc.array(owners, { minLength: 1, maxLength: 6 }),
    events: fc.uniqueArray(eventIds, { minLength: 2, maxLength: 40 }),
    workspaces: fc.constantFrom(
      ["default"],
      ["default", "acme"],
      ["tenant-acme-eu", "tenant-apex-eu", "tenant-acme-us"],
    ),
    seed: fc.nat(1_000),
  })
  .map(({ subscriptions, replicas, events, workspaces, seed }) =>
    events.map((eventId, index): StoredKey => {
      const pick = (from: readonly string[]): string => from[(seed * (index + 7)) % from.length] ?? "";
      const ids = { workspaceId: pick(workspaces), subscriptionId: pick(subscriptions), eventId };
      const identity = resolveIdentity(ids);
      const storedAtMs = NOW_MS - ((seed * 977 * (index + 1)) % 86_400_000);
      const fields = {
        owner: pick(replicas),
        token: "t",
        attempt: 1 + (index % 3),
        fence: 1,
        leaseMs: 30_000,
        atMs: 0,
      };
      return {
        ...{ bucket: "dedup", subject: "s", key: identity.storeKey, identity, revision: index + 1, fence: 1 },
        ...{ state: "committed", record: { v: 1, state: "committed", ...ids, ...fields } },
        ...{ storedAtMs, endsAtMs: storedAtMs + 86_400_000 },
      };
    }),
  );

interface Printed {
  readonly titles: readonly string[];
  readonly lines: readonly string[];
  /** Returns the cell of a left-aligned column. */
  readonly cell: (line: string, title: string) => string;
  readonly notes: string;
}

function printed(keys: readonly StoredKey[], width: number): Printed {
  const [header = "", ...rest] = keyTable(keys, now, { paint, width }).split("\n");
  const cell = (line: string, title: string): string => line.slice(header.indexOf(title)).split(/ {2,}/)[0] ?? "";
  return {
    titles: header.split(/ {2,}/),
    lines: rest.slice(0, keys.length),
    cell,
    notes: rest.slice(keys.length).join("\n"),
  };
}

const values: Readonly<Record<string, (stored: StoredKey) => string>> = {
  WORKSPACE: (stored) => (stored.state === "unreadable" ? "" : stored.identity.workspaceId),
  SUBSCRIPTION: (stored) => (stored.state === "unreadable" ? "" : stored.identity.subscriptionId),
  EVENT: (stored) => (stored.state === "unreadable" ? "" : stored.identity.eventId),
  OWNER: (stored) => (stored.state === "unreadable" ? "" : stored.record.owner),
};

describe("a table of keys with realistic names", () => {
  it.each([60, 80, 120])("keeps different values different at %d columns, or says otherwise", (width) => {
    fc.assert(
      fc.property(rows, (keys) => {
        const { titles, lines, cell, notes } = printed(keys, width);
        expect(lines.filter((line) => line.length > width)).toEqual([]);
        for (const title of Object.keys(values)) {
          const all = keys.map((stored) => values[title]?.(stored) ?? "");
          const different = new Set(all).size;
          const heading = titles.find((one) => title.startsWith(one.replace("…", "")));
          if (heading !== undefined) {
            const shown = new Set(lines.map((line) => cell(line, heading)));
            if (!notes.includes(`Some values of`)) expect([title, shown.size]).toEqual([title, different]);
          } else if (different > 1) {
            expect(notes).toMatch(new RegExp(`too narrow for .*${title}`));
          } else if (all[0] !== "default") {
            expect(notes).toContain(`${title} ${all[0]}`);
          }
        }
      }),
    );
  });

  it.each([60, 80, 120])(
    "shows event, key and owner of an ordinary incident at %d columns without a reservation",
    (width) => {
      fc.assert(
        fc.property(
          fc.array(owners, { minLength: 3, maxLength: 3 }),
          fc.uniqueArray(fc.nat(99_999), { minLength: 3, maxLength: 3 }),
          (replicas, orders) => {
            const keys = orders.map((order, index): StoredKey => {
              const ids = {
                workspaceId: "default",
                subscriptionId: "EVENTS/billing",
                eventId: JSON.stringify(["/orders", String(order)]),
              };
              const identity = resolveIdentity(ids);
              const record = {
                v: 1,
                state: "committed",
                ...ids,
                owner: replicas[index] ?? "",
                token: "t",
                attempt: 1,
                fence: 1,
                leaseMs: 1,
                atMs: 0,
              } as const;
              return {
                ...{ bucket: "b", subject: "s", key: identity.storeKey, identity, revision: 1, fence: 1 },
                state: "committed",
                record,
                storedAtMs: NOW_MS - index,
                endsAtMs: undefined,
              };
            });
            const { titles, notes } = printed(keys, width);
            expect(titles).toEqual(expect.arrayContaining(["KEY", "EVENT", "SINCE"]));
            expect(notes).toMatch(/^All rows: STATE committed, SUBSCRIPTION EVENTS\/billing, /);
            expect(notes).not.toContain("look alike");
          },
        ),
      );
    },
  );

  it("prints a short key for every row, and tells rows apart by it", () => {
    fc.assert(
      fc.property(rows, (keys) => {
        const short = shortKeys(keys);
        const digests = new Set(keys.map(({ key }) => key?.slice(key.lastIndexOf(".") + 1)));
        expect(new Set(short.values()).size).toBe(digests.size);
        for (const [{ key }, text] of short) {
          expect(text).toMatch(/^(?!-)\.?[\w-]{8,43}$/);
          expect(key).toContain(`.${text.replace(/^\./, "")}`);
        }
      }),
    );
  });
});
