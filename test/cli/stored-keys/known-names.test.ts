import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KnownNames, lookUpHints, mostSimilar } from "../../../src/cli/stored-keys/known-names.ts";

const known = (subscriptions: readonly string[], more: Partial<KnownNames> = {}): KnownNames => ({
  subscriptions: new Set(subscriptions),
  subscriptionsOfEvent: new Set(),
  spellings: new Set(),
  withSource: new Set(),
  ...more,
});

describe("hints for a lookup that found nothing", () => {
  it.each<readonly [string | undefined, string | undefined, KnownNames, readonly string[]]>([
    ["biling", "1", known(["mail", "billing"]), ["No key has subscription `biling`; did you mean `billing`?"]],
    ["Billing", "1", known(["billing"]), ["No key has subscription `Billing`; did you mean `billing`?"]],
    ["x", "1", known(["billing"]), ["No key has subscription `x`."]],
    ["billing", "1", known(["billing"]), []],
    ["billing", "1", known([]), []],
    [
      "mail",
      "1",
      known(["mail", "billing"], { subscriptionsOfEvent: new Set(["billing"]) }),
      ["The event has keys under `billing`."],
    ],
    [
      "billing",
      '["/orders", "42"]',
      known(["billing"], { spellings: new Set(['["/orders","42"]']) }),
      [
        'There is a key of `["/orders","42"]`, which is the same JSON. Ids are compared as text, so these are two events.',
      ],
    ],
    [
      "billing",
      '["/orders", "42"]',
      known(["billing"]),
      ['The event id of a CloudEvent has no spaces: `["/orders","42"]`.'],
    ],
    ["billing", '["/orders","42"]', known(["billing"]), []],
    ["billing", "1", known(["EVENTS/billing"]), ["No key has subscription `billing`; did you mean `EVENTS/billing`?"]],
    [
      undefined,
      "42",
      known(["billing"], { withSource: new Set(['["/orders","42"]']) }),
      ['The event id of a CloudEvent is its source and its id: `["/orders","42"]`.'],
    ],
    ["billing", "[not JSON", known(["billing"]), []],
    ["a\u202eb", undefined, known(["c"]), ["No key has subscription `a\\u{202e}b`."]],
  ])("fit the subscription %j and the event %j", (subscriptionId, eventId, names, hints) => {
    expect(lookUpHints({ subscriptionId, eventId }, names)).toEqual(hints);
  });

  it("suggest a name with one wrong character", () => {
    const name = fc.stringMatching(/^[a-z]{4,12}$/);
    fc.assert(
      fc.property(name, fc.nat(), (given, at) => {
        const index = at % given.length;
        expect(mostSimilar(`${given.slice(0, index)}#${given.slice(index + 1)}`, ["0000000000", given])).toBe(given);
      }),
    );
  });
});
