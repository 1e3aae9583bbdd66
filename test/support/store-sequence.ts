import fc from "fast-check";
import type { KeyFilter } from "../../src/model/identity.ts";

/** Number of keys in a sequence. The last one belongs to another subscription. */
export const KEYS = 3;

/** Revision that a write expects. It is looked up in the store's own earlier answers. */
export type Expected =
  | "nothing"
  | "the current revision"
  | "the previous revision"
  | "the revision of another key"
  | "an unknown revision";

/** A call to the store. */
export type StoreCall =
  | {
      readonly method: "put";
      readonly key: number;
      readonly over: Expected;
      readonly state: "reserved" | "committed";
      readonly ttlMs: number;
      readonly result?: unknown;
    }
  | { readonly method: "remove"; readonly key: number; readonly over: Expected }
  | { readonly method: "get"; readonly key: number };

/** One step of a sequence. Concurrent calls use different keys, so their order makes no difference. */
export type SequenceStep =
  | { readonly together: readonly StoreCall[] }
  | { readonly list: Listed }
  | { readonly passMs: number };

export type Listed = "all" | "a subscription" | "an event";

export type Sequence = readonly SequenceStep[];

export const SUBSCRIPTIONS = ["sub-1", "sub-1", "sub-2"] as const;

export function filterOf(listed: Listed, workspaceId: string): KeyFilter {
  if (listed === "all") return { workspaceId };
  return { workspaceId, subscriptionId: "sub-1", ...(listed === "an event" && { eventId: "evt-0" }) };
}

const key = fc.nat(KEYS - 1);
const over = fc.oneof(
  { arbitrary: fc.constant<Expected>("the current revision"), weight: 4 },
  { arbitrary: fc.constant<Expected>("nothing"), weight: 4 },
  {
    arbitrary: fc.constantFrom<Expected>("the previous revision", "the revision of another key", "an unknown revision"),
    weight: 2,
  },
);

/**
 * Time to live of a write, in milliseconds. A server counts whole seconds and may expire a key slightly late. Time therefore passes
 * in whole seconds, and no key expires less than a second after a moment at which it must still exist.
 */
const ttlMs = fc.oneof(
  { arbitrary: fc.constantFrom(1_200, 1_999, 2_000, 3_000), weight: 3 },
  { arbitrary: fc.constantFrom(60_000, 3_600_000), weight: 2 },
);
const pass = fc.record({ passMs: fc.constantFrom(1_000, 1_000, 2_000) });

const put = fc.record(
  {
    method: fc.constant("put" as const),
    key,
    over,
    state: fc.constantFrom("reserved" as const, "committed" as const),
    ttlMs,
    result: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: ["method", "key", "over", "state", "ttlMs"] },
);
const call: fc.Arbitrary<StoreCall> = fc.oneof(
  { arbitrary: put, weight: 6 },
  { arbitrary: fc.record({ method: fc.constant("remove" as const), key, over }), weight: 2 },
  { arbitrary: fc.record({ method: fc.constant("get" as const), key }), weight: 1 },
);
const together = fc.record({
  together: fc.uniqueArray(call, { minLength: 1, maxLength: KEYS, selector: ({ key }) => key }),
});
const list = fc.record({ list: fc.constantFrom<Listed>("all", "a subscription", "an event") });

/** Any sequence that takes at most four seconds. It shrinks independently of how it was generated. */
export const anySequence: fc.Arbitrary<Sequence> = fc
  .array(fc.oneof({ arbitrary: together, weight: 8 }, { arbitrary: list, weight: 1 }, { arbitrary: pass, weight: 2 }), {
    minLength: 3,
    maxLength: 14,
  })
  .filter((steps) => steps.reduce((sum, step) => sum + ("passMs" in step ? step.passMs : 0), 0) <= 4_000);
