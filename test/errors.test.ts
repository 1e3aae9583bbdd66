import { describe, expect, it } from "vitest";
import {
  type ErrorCode,
  FingerprintMismatchError,
  hasCode,
  isStoreUnavailable,
  LatchkeyError,
  type LossReason,
  PermanentError,
  RecordUnreadableError,
  ReservationLostError,
  ResultNotKeptError,
  StoreMisconfiguredError,
  StoreUnavailableError,
} from "../src/errors.ts";

const cause = new Error("the cause");

describe("a Latchkey error", () => {
  it.each<[LatchkeyError, string, ErrorCode]>([
    [new LatchkeyError("closed", "m", { cause }), "LatchkeyError", "closed"],
    [new StoreUnavailableError("m", { ambiguous: false, cause }), "StoreUnavailableError", "store-unavailable"],
    [new StoreMisconfiguredError("m", [], { cause }), "StoreMisconfiguredError", "store-misconfigured"],
    [new RecordUnreadableError("m", { cause }), "RecordUnreadableError", "record-unreadable"],
    [new ReservationLostError("k", "shutdown", { cause }), "ReservationLostError", "reservation-lost"],
    [new ResultNotKeptError("m", { cause }), "ResultNotKeptError", "result-not-kept"],
    [new PermanentError("m", { cause }), "PermanentError", "permanent"],
  ])("has a code, its name and the cause: %s", (error, name, code) => {
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe(code);
    expect(error.name).toBe(name);
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe(`${name}: ${error.message}`);
    expect(error.stack).toMatch(/errors\.test\.ts/);
  });

  it.each([
    new LatchkeyError("closed", "m"),
    new StoreUnavailableError("m", { ambiguous: false }),
    new StoreMisconfiguredError("m", []),
    new ReservationLostError("k", "shutdown"),
    new FingerprintMismatchError("k"),
  ])("has no cause when none is given: %s", (error) => {
    expect("cause" in error).toBe(false);
  });

  it("has a cause even if that is undefined", () => {
    expect("cause" in new StoreUnavailableError("m", { ambiguous: true, cause: undefined })).toBe(true);
  });

  it("contains whether the write may have been applied", () => {
    expect(new StoreUnavailableError("m", { ambiguous: true }).ambiguous).toBe(true);
    expect(new StoreUnavailableError("m", { ambiguous: false }).ambiguous).toBe(false);
  });

  it("lists the wrong settings of a store", () => {
    expect(new StoreMisconfiguredError("m", ["history is 5"]).differences).toEqual(["history is 5"]);
  });

  it("names the key whose fingerprint differs", () => {
    const error = new FingerprintMismatchError("trigger.dedup.v1:00");
    expect(error.key).toBe("trigger.dedup.v1:00");
    expect(error.code).toBe("fingerprint-mismatch");
    expect(error.message).toContain("trigger.dedup.v1:00");
  });

  it.each<[LossReason, RegExp]>([
    ["lease-ended", /its lease ended$/],
    ["superseded", /no longer holds it for this owner$/],
    ["store-unavailable", /unreachable until its lease ended$/],
    ["shutdown", /the deduplicator is closing$/],
  ])("gives the reason why a reservation was lost: %s", (reason, sentence) => {
    const error = new ReservationLostError("trigger.dedup.v1:00", reason);
    expect(error.reason).toBe(reason);
    expect(error.key).toBe("trigger.dedup.v1:00");
    expect(error.message).toMatch(sentence);
    expect(error.message).toContain("trigger.dedup.v1:00");
  });
});

describe("F21 an error of another copy of the package", () => {
  const foreign = (fields: object): Error => Object.assign(new Error("from elsewhere"), fields);

  it("is recognised by its code", () => {
    expect(hasCode(foreign({ code: "permanent" }), "permanent")).toBe(true);
    expect(hasCode(new PermanentError("m"), "permanent")).toBe(true);
    expect(hasCode(foreign({ code: "closed" }), "permanent")).toBe(false);
    expect(hasCode(new Error("permanent"), "permanent")).toBe(false);
    expect(hasCode({ code: "permanent" }, "permanent")).toBe(false);
    expect(hasCode(undefined, "permanent")).toBe(false);
  });

  it("is a StoreUnavailableError only if it contains whether the write may have been applied", () => {
    expect(isStoreUnavailable(foreign({ code: "store-unavailable", ambiguous: true }))).toBe(true);
    expect(isStoreUnavailable(new StoreUnavailableError("m", { ambiguous: false }))).toBe(true);
    expect(isStoreUnavailable(foreign({ code: "store-unavailable" }))).toBe(false);
    expect(isStoreUnavailable(foreign({ code: "store-unavailable", ambiguous: "yes" }))).toBe(false);
    expect(isStoreUnavailable(foreign({ code: "closed", ambiguous: true }))).toBe(false);
    expect(isStoreUnavailable(undefined)).toBe(false);
  });
});
