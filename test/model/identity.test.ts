import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  dedupKey,
  digestOf,
  type Identity,
  keyMatcher,
  parseStoreKey,
  resolveIdentity,
  storeKeyPattern,
} from "../../src/model/identity.ts";

/** Awkward ids that separators, normalization or trimming could confuse. */
const awkward = fc.oneof(
  fc.string({
    unit: fc.constantFrom("a", "A", "1", ":", "|", ".", " ", "é", "e\u0301", "🔑", "\0"),
    minLength: 1,
    maxLength: 4,
  }),
  fc.string({ unit: "grapheme", minLength: 1 }),
);

/** Pairs of ids, with similar pairs that a careless key would not distinguish. */
const neighbours = fc.tuple(awkward, awkward, awkward, awkward, fc.nat()).chain(([a, b, c, d, cut]) => {
  const both = Array.from(a + b);
  const at = 1 + (cut % (both.length - 1));
  const others: [string, string][] = [
    [c, d],
    [a, c],
    [both.slice(0, at).join(""), both.slice(at).join("")],
    [b, a],
    [a.normalize("NFC"), b.normalize("NFC")],
    [a.toLowerCase(), b.toLowerCase()],
    [a.trim() || "a", b.trim() || "b"],
    [`${a}:${b}`, b],
    [a, `${a}:${b}`],
    ...pairsOf(`${a}:${b}`),
  ];
  return fc.tuple(fc.constant<[string, string]>([a, b]), fc.constantFrom(...others));
});

/** Returns all pairs of ids that a colon joins to this text. */
function pairsOf(joined: string): [string, string][] {
  return Array.from(joined.matchAll(/:/g), ({ index }): [string, string] => [
    joined.slice(0, index),
    joined.slice(index + 1),
  ]).filter(([first, second]) => first !== "" && second !== "");
}

function neverAliases(keyOf: (first: string, second: string) => string): fc.IProperty<unknown> {
  return fc.property(neighbours, ([left, right]) => {
    const same = left[0] === right[0] && left[1] === right[1];
    expect(keyOf(...left) === keyOf(...right)).toBe(same);
  });
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("dedupKey", () => {
  // Computed with another implementation of the documented key format.
  it.each([
    ["sub-1", "evt-1", "711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4"],
    ["\u00e9", "caf\u00e9", "c34985c7c7a0e3ec8657047a3bfa6ad01d5651e75847e8362886e270d5d6a083"],
    ["e\u0301", "cafe\u0301", "739825e6634dfde0d06f2ee60448de6d7814b854e058d0d349f840f1e176ef4d"],
    ["👩‍👩‍👧", "🔑🔑", "4a8db1aee26bb3cc764f9b3f2207b0f6f929d184e82143e9420028be71d1e6b6"],
    ["日本語", "ไทย", "8144f590d22baab2a58f9f85e7a8c1ef8198d526e4b8c23c9b4bcac96608270a"],
    ["a:b", "c", "1c2de18a3ef3c0cdcce3495f7903aff96f0fa91c6a862095865919b9be96554b"],
    ["a", "b:c", "804536b63b049b4dcd2bcfedd2982e9b28736d83fdfeda47d3f05ddfad7b3532"],
    ["1", "1:1", "cfcf70d64fe88ef29390b211f5bdf5c3f760867747f0eb38f53d509abff7679f"],
    ["11", ":1", "52cbd52be5317e96878b3955d5fc84e6259c5dddb121d382f39bd0c3f4f8eca6"],
    ["4:abcd", "4:abcd", "5bb5eb0f56fabc15d129918d29fe03f1861d91d04a5bd2af3da489bceb0fdccc"],
    ["0", "00", "51ba7b32690ba75ff10b1059ac342143d52557a69bfc359aa1a430e756ca2d65"],
    ["\n", "\0", "eecb70f004eab98db306359f90ad03b57e3e94116ca939f5f59d3f5f5e1541f9"],
  ])("returns a fixed key for %j and %j", (subscriptionId, eventId, hex) => {
    expect(dedupKey(subscriptionId, eventId)).toBe(`trigger.dedup.v1:${hex}`);
    expect(resolveIdentity({ subscriptionId, eventId }).key).toBe(`trigger.dedup.v1:${hex}`);
  });

  it("accepts very long ids", () => {
    expect(dedupKey("s".repeat(10_000), "e".repeat(100_000))).toBe(
      "trigger.dedup.v1:3c80a01a60bd87352c535cc7bbb8233eba328b0d5af1542edb96580f27dccda0",
    );
  });

  it("F9 never aliases two identities", () => {
    fc.assert(neverAliases(dedupKey), { numRuns: 2_000 });
  });

  it.each<[string, (first: string, second: string) => string]>([
    ["joins the ids", (first, second) => sha256(first + second)],
    ["joins them with a colon", (first, second) => sha256(`${first}:${second}`)],
    ["leaves out the event", (first) => sha256(first)],
    ["sorts them", (first, second) => sha256([first, second].sort().join("\n"))],
    ["normalises Unicode", (first, second) => dedupKey(first.normalize(), second.normalize())],
    ["folds case", (first, second) => dedupKey(first.toLowerCase(), second.toLowerCase())],
    ["trims", (first, second) => dedupKey(first.trim() || "a", second.trim() || "b")],
  ])("F9 fails its property if it %s", (_, mutant) => {
    expect(fc.check(neverAliases(mutant), { numRuns: 2_000 }).failed).toBe(true);
  });
});

describe("an invalid identity", () => {
  const refused = [
    ["", "a string that is not empty, got `` (string)"],
    [undefined, "a string that is not empty, got `undefined` (undefined)"],
    [null, "a string that is not empty, got `null` (null)"],
    [7, "a string that is not empty, got `7` (number)"],
    [["a"], "a string that is not empty, got `…` (array)"],
    ["a\ud800", "well-formed Unicode without lone surrogates, got `a\ufffd` (string)"],
    ["\udc00b", "well-formed Unicode without lone surrogates, got `\ufffdb` (string)"],
  ] as const;

  it.each(refused)("is rejected when a part is %j", (part, sentence) => {
    const refusal = (field: string): TypeError => new TypeError(`Expected \`${field}\` to be ${sentence}`);
    const call = (first: unknown, second: unknown): unknown => Reflect.apply(dedupKey, undefined, [first, second]);
    const resolve = (identity: unknown): unknown => Reflect.apply(resolveIdentity, undefined, [identity]);
    expect(() => call(part, "evt")).toThrow(refusal("subscriptionId"));
    expect(() => call("sub", part)).toThrow(refusal("eventId"));
    expect(() => resolve({ subscriptionId: part, eventId: "evt" })).toThrow(refusal("subscriptionId"));
    expect(() => resolve({ subscriptionId: "sub", eventId: part })).toThrow(refusal("eventId"));
    if (part !== undefined) {
      expect(() => resolve({ workspaceId: part, subscriptionId: "sub", eventId: "evt" })).toThrow(
        refusal("workspaceId"),
      );
    }
  });

  it.each([undefined, null, "sub-1", 7])("is rejected when it is %j", (identity) => {
    const resolve = (): unknown => Reflect.apply(resolveIdentity, undefined, [identity]);
    expect(resolve).toThrow(TypeError);
    expect(resolve).toThrow(/^Expected `identity` to be an object, got /);
  });
});

describe("the idempotency key", () => {
  it("equals the dedup key in the default workspace", () => {
    fc.assert(
      fc.property(awkward, awkward, (subscriptionId, eventId) => {
        const { key, idempotencyKey } = resolveIdentity({ subscriptionId, eventId });
        expect(idempotencyKey).toBe(key);
      }),
    );
  });

  it("hashes subscription, event and workspace in any other workspace", () => {
    fc.assert(
      fc.property(awkward, awkward, awkward, (workspaceId, subscriptionId, eventId) => {
        fc.pre(workspaceId !== "default");
        const bytes = [subscriptionId, eventId, workspaceId]
          .map((part) => `${Buffer.byteLength(part)}:${part}`)
          .join("");
        const hex = createHash("sha256").update(bytes).digest("hex");
        expect(resolveIdentity({ workspaceId, subscriptionId, eventId }).idempotencyKey).toBe(
          `trigger.dedup.v1:${hex}`,
        );
      }),
    );
  });

  it("differs when any part of the identity differs", () => {
    const part = fc.constantFrom("default", "a", "1:a", "a1:b", "b", "11:a");
    const identity = fc.record({ workspaceId: part, subscriptionId: part, eventId: part });
    fc.assert(
      fc.property(identity, identity, (left, right) => {
        const isSame = (["workspaceId", "subscriptionId", "eventId"] as const).every((id) => left[id] === right[id]);
        expect(resolveIdentity(left).idempotencyKey === resolveIdentity(right).idempotencyKey).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a resolved identity", () => {
  const resolved = resolveIdentity({ workspaceId: "acme", subscriptionId: "sub-1", eventId: "evt-1" });

  it("is returned unchanged, without another hash", () => {
    expect(resolveIdentity(resolved)).toBe(resolved);
    expect(Object.isFrozen(resolved)).toBe(true);
  });

  it("is resolved again from a copy, whose ids may differ", () => {
    const changed = resolveIdentity({ ...resolved, eventId: "evt-2" });
    expect(changed).toEqual(resolveIdentity({ workspaceId: "acme", subscriptionId: "sub-1", eventId: "evt-2" }));
    expect(changed.key).not.toBe(resolved.key);
    expect(resolveIdentity({ ...resolved })).toEqual(resolved);
  });

  it("has its keys as own properties, like a plain object", () => {
    expect(Object.keys(resolved)).toEqual([
      "workspaceId",
      "subscriptionId",
      "eventId",
      "key",
      "idempotencyKey",
      "storeKey",
    ]);
  });
});

describe("the store key", () => {
  const workspace = fc.constantFrom("default", "a", "A", "a.b", "*", ">", "ü");
  const id = fc.constantFrom("1", "2", "1.2", "*", ">", "a b", "🔑");
  const identity = fc.record({ workspaceId: workspace, subscriptionId: id, eventId: id });
  const filter = fc.oneof(
    fc.record({ workspaceId: workspace, subscriptionId: id, eventId: id }, { requiredKeys: ["subscriptionId"] }),
    fc.record({ workspaceId: workspace }, { requiredKeys: [] }),
  );

  it("is safe in a subject for any ids, and contains the digest of the dedup key", () => {
    fc.assert(
      fc.property(awkward, awkward, awkward, (workspaceId, subscriptionId, eventId) => {
        const { key, storeKey } = resolveIdentity({ workspaceId, subscriptionId, eventId });
        expect(storeKey).toMatch(/^[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}$/);
        expect(Buffer.from(storeKey.split(".")[2] ?? "", "base64url").toString("hex")).toBe(key.split(":")[1]);
        expect(parseStoreKey(storeKey)).toBe(storeKey);
      }),
    );
  });

  it("is fixed for an identity, whose workspace is `default` unless it is given", () => {
    const { storeKey, workspaceId } = resolveIdentity({ subscriptionId: "sub-1", eventId: "evt-1" });
    expect(workspaceId).toBe("default");
    expect(storeKey).toBe("N6juwc4ZaH0TL-KQ.CoBifUk260OVLYEQ.cRQQ8_56O68jEjAJroEUX7nxMUDudBUWJm-8FMNfHMQ");
    expect(resolveIdentity({ workspaceId: "default", subscriptionId: "sub-1", eventId: "evt-1" }).storeKey).toBe(
      storeKey,
    );
    expect(resolveIdentity({ subscriptionId: "sub-1", eventId: "evt-1" }).storeKey).toBe(storeKey);
  });

  it("differs when any part of the identity differs, the workspace included", () => {
    fc.assert(
      fc.property(identity, identity, (left, right) => {
        const same = (["workspaceId", "subscriptionId", "eventId"] as const).every(
          (part) => left[part] === right[part],
        );
        const [one, other] = [resolveIdentity(left), resolveIdentity(right)];
        expect(one.storeKey === other.storeKey).toBe(same);
        expect(digestOf(one) === digestOf(other)).toBe(same);
      }),
    );
  });

  it("matches exactly the filters that its identity matches", () => {
    fc.assert(
      fc.property(identity, filter, (one, some: Partial<Identity>) => {
        const matches = (["workspaceId", "subscriptionId", "eventId"] as const).every(
          (part) => some[part] === undefined || some[part] === one[part],
        );
        expect(keyMatcher(some)(resolveIdentity(one).storeKey)).toBe(matches);
      }),
      { numRuns: 500 },
    );
  });

  it("has `*` in its pattern for each part that the filter leaves open", () => {
    const [workspaceToken, subscriptionToken, digest] = resolveIdentity({
      subscriptionId: "s",
      eventId: "e",
    }).storeKey.split(".");
    expect(storeKeyPattern({})).toEqual(["*", "*", "*"]);
    expect(storeKeyPattern({ workspaceId: "default" })).toEqual([workspaceToken, "*", "*"]);
    expect(storeKeyPattern({ subscriptionId: "s" })).toEqual(["*", subscriptionToken, "*"]);
    expect(storeKeyPattern({ subscriptionId: "s", eventId: "e" })).toEqual(["*", subscriptionToken, digest]);
  });

  it("cannot be selected by an event id alone or by invalid ids", () => {
    expect(() => storeKeyPattern({ eventId: "e" })).toThrow(
      new TypeError("Expected `subscriptionId` to be given together with `eventId`, got `undefined` (undefined)"),
    );
    for (const part of ["workspaceId", "subscriptionId"]) {
      expect(() => storeKeyPattern({ [part]: "" })).toThrow(`Expected \`${part}\` to be a string that is not empty`);
    }
    expect(() => storeKeyPattern({ subscriptionId: "s", eventId: "" })).toThrow("Expected `eventId` to be");
  });

  it.each(["", "a.b.c", "*.*.*", "N6juwc4ZaH0TL-KQ.CoBifUk260OVLYEQ", "N6jlmqivK_lK3WV7.K8xDWZ2rJXxgDYdG.short"])(
    "cannot be parsed from %j",
    (value) => {
      expect(() => parseStoreKey(value)).toThrow(TypeError);
    },
  );
});
