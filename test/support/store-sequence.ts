import fc from "fast-check";
import type { KeyFilter } from "../../src/model/identity.ts";

/** The keys of a sequence are numbered; three of them, the last of another subscription. */
export const KEYS = 3;

/** What a write expects. Each store finds the revision in what it has said itself. */
export type Expected =
  | "nothing"
  | "what stands there"
  | "what stood there before"
  | "what another key holds"
  | "what was never given";

export type Question =
  | {
      readonly ask: "put";
      readonly key: number;
      readonly over: Expected;
      readonly state: "reserved" | "committed";
      readonly ttlMs: number;
      readonly result?: unknown;
    }
  | { readonly ask: "remove"; readonly key: number; readonly over: Expected }
  | { readonly ask: "get"; readonly key: number };

/** One step of a sequence. What is asked together is asked of different keys, so that its order makes no difference. */
export type SequenceStep =
  | { readonly together: readonly Question[] }
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
  { arbitrary: fc.constant<Expected>("what stands there"), weight: 4 },
  { arbitrary: fc.constant<Expected>("nothing"), weight: 4 },
  {
    arbitrary: fc.constantFrom<Expected>("what stood there before", "what another key holds", "what was never given"),
    weight: 2,
  },
);

/**
 * A server counts whole seconds and lets go a little later. So time passes in whole seconds here, and no time to live ends less than
 * a second after a moment at which the key must still be there.
 */
const ttlMs = fc.oneof(
  { arbitrary: fc.constantFrom(1_200, 1_999, 2_000, 3_000), weight: 3 },
  { arbitrary: fc.constantFrom(60_000, 3_600_000), weight: 2 },
);
const pass = fc.record({ passMs: fc.constantFrom(1_000, 1_000, 2_000) });

const put = fc.record(
  {
    ask: fc.constant("put" as const),
    key,
    over,
    state: fc.constantFrom("reserved" as const, "committed" as const),
    ttlMs,
    result: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: ["ask", "key", "over", "state", "ttlMs"] },
);
const question: fc.Arbitrary<Question> = fc.oneof(
  { arbitrary: put, weight: 6 },
  { arbitrary: fc.record({ ask: fc.constant("remove" as const), key, over }), weight: 2 },
  { arbitrary: fc.record({ ask: fc.constant("get" as const), key }), weight: 1 },
);
const together = fc.record({
  together: fc.uniqueArray(question, { minLength: 1, maxLength: KEYS, selector: ({ key }) => key }),
});
const list = fc.record({ list: fc.constantFrom<Listed>("all", "a subscription", "an event") });

/** Any sequence; of time it takes a few seconds. It can be shrunk without knowing how it was made. */
export const anySequence: fc.Arbitrary<Sequence> = fc
  .array(fc.oneof({ arbitrary: together, weight: 8 }, { arbitrary: list, weight: 1 }, { arbitrary: pass, weight: 2 }), {
    minLength: 3,
    maxLength: 14,
  })
  .filter((steps) => steps.reduce((sum, step) => sum + ("passMs" in step ? step.passMs : 0), 0) <= 4_000);
