import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkFailure, decodeFailure, describeFailure, encodeFailure } from "../../src/model/failure.ts";

const coded = (message: string, code: string): Error => Object.assign(new TypeError(message), { code });

describe("describeFailure", () => {
  it("names an error and its code, without the message, which may quote a payload", () => {
    expect(describeFailure(coded("card 4111 was declined", "ECARD"), false)).toBe("TypeError ECARD");
    expect(describeFailure(new Error("card 4111"), false)).toBe("Error");
    expect(describeFailure("card 4111", false)).toBe("string");
    expect(describeFailure({ message: "card 4111" }, false)).toBe("Error");
    expect(describeFailure(undefined, false)).toBe("undefined");
  });

  it("adds the first line of the message if messages are kept", () => {
    expect(describeFailure(coded("connect failed\nat 10.0.0.1", "ECONNREFUSED"), true)).toBe(
      "TypeError ECONNREFUSED: connect failed",
    );
    expect(describeFailure("gone", true)).toBe("gone");
    expect(describeFailure({ name: 7, message: 7 }, true)).toBe("Error");
  });

  it.each([
    ["connect postgres://app:s3cr3t@db:5432/x failed", "connect postgres://…@db:5432/x failed"],
    ["401 for Authorization Bearer s3cr3t", "401 for Authorization Bearer …"],
    ["login password=s3cr3t failed", "login password=… failed"],
    ['body {"api_key": "s3cr3t"}', 'body {"api_key": …'],
    ["X-Auth-Token: s3cr3t", "X-Auth-Token: …"],
  ])("replaces credentials in %j", (message, shown) => {
    expect(describeFailure(new Error(message), true)).toBe(`Error: ${shown}`);
  });

  it("is one short line of visible characters, whatever is thrown", () => {
    const thrown = fc.oneof(
      fc.anything(),
      fc.record({ name: fc.string({ unit: "binary" }), code: fc.string(), message: fc.string({ unit: "binary" }) }),
    );
    fc.assert(
      fc.property(thrown, fc.boolean(), (error, withMessage) => {
        const described = describeFailure(error, withMessage);
        expect(described.length).toBeLessThanOrEqual(190);
        expect(described).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
      { numRuns: 30 },
    );
    expect(describeFailure(new Error("x".repeat(50_000_000)), true)).toHaveLength(128);
  });
});

describe("a failure in a tombstone", () => {
  const ids = { workspaceId: "default", subscriptionId: "billing", eventId: "evt-1" };
  const failure = { ...ids, owner: "pod-1", attempt: 2, fence: 7, atMs: 1_000, error: "Error" };

  it("is read as it was written", () => {
    expect(decodeFailure(encodeFailure(failure))).toEqual(failure);
  });

  it.each(["", "{", "null", "7", '{"failed":7}', '{"failed":{"owner":1}}', JSON.stringify(failure)])(
    "is not read from %j, which another program may have written",
    (encoded) => {
      expect(decodeFailure(encoded)).toBeUndefined();
    },
  );

  it.each(["workspaceId", "subscriptionId", "eventId", "owner", "attempt", "fence", "atMs", "error"])(
    "needs `%s`",
    (field) => {
      expect(checkFailure({ ...failure, [field]: null })).toBeUndefined();
    },
  );
});
