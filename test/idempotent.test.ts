import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FingerprintMismatchError, PermanentError, ResultNotKeptError } from "../src/errors.ts";
import { CallPendingError, idempotent } from "../src/idempotent.ts";
import { Deferred } from "../src/internal/deferred.ts";
import { resolveIdentity } from "../src/model/identity.ts";
import { LEASE_MS, SKEW_MS, WINDOW_MS, world } from "./support/replicas.ts";

function counted<Value>(result: (call: number) => Value) {
  let calls = 0;
  return {
    calls: () => calls,
    charge: (_order: string, _amount = 1): Value => {
      calls += 1;
      return result(calls);
    },
  };
}

describe("a function made idempotent", () => {
  it("runs once per key, and returns the result of the first call to later ones, on every replica", async () => {
    const call = fc.record({ order: fc.constantFrom("a", "b", "c"), on: fc.nat(1), amount: fc.nat(9) });
    const property = fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      const { replica } = world();
      const ran: string[] = [];
      const charge = (order: string, amount: number) => {
        ran.push(order);
        return { receipt: `${order}-${amount}` };
      };
      const replicas = ["a", "b"].map((owner) =>
        idempotent(charge, { dedup: replica(owner).dedup, key: (order) => order }),
      );
      const first = new Map<string, { receipt: string }>();
      for (const { order, on, amount } of calls) {
        const receipt = await replicas[on]?.(order, amount);
        if (!first.has(order)) first.set(order, { receipt: `${order}-${amount}` });
        expect(receipt).toEqual(first.get(order));
      }
      expect(ran).toEqual([...first.keys()]);
    });
    await fc.assert(property);
  });

  it("runs once for concurrent calls that wait, and returns one result to all", async () => {
    const { replica } = world();
    const { charge, calls } = counted((call) => `receipt ${call}`);
    const once = idempotent(charge, { dedup: replica("a").dedup, key: (order) => order, onPending: "wait" });
    expect(await Promise.all([once("1"), once("1"), once("1"), once("2")])).toEqual([
      "receipt 1",
      "receipt 1",
      "receipt 1",
      "receipt 2",
    ]);
    expect(calls()).toBe(2);
  });

  it("throws CallPendingError while the first call runs elsewhere, and says when to call again", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const end = new Deferred<string>();
    const options = { key: (order: string) => order, name: "charge" };
    const running = idempotent((_order: string) => end.promise, { ...options, dedup: a.dedup });
    const other = counted(() => "never");
    const first = running("1");
    await expect(idempotent(other.charge, { ...options, dedup: b.dedup })("1")).rejects.toMatchObject({
      name: "CallPendingError",
      code: "call-pending",
      message: "charge is running for this key on a. Call it again in 32500 ms",
      retryAfterMs: LEASE_MS + SKEW_MS + 500,
    });
    end.resolve("done");
    expect(await first).toBe("done");
    expect(other.calls()).toBe(0);
  });

  it("throws CallPendingError when it waited for `waitMs` in vain", async () => {
    const { replica, pass } = world();
    const [a, b] = [replica("a"), replica("b")];
    const end = new Deferred<void>();
    const options = { key: () => "1", name: "charge", onPending: "wait", waitMs: 1_000 } as const;
    const first = idempotent(() => end.promise, { ...options, dedup: a.dedup })();
    const waiting = idempotent(() => {}, { ...options, dedup: b.dedup })().catch((error: unknown) => error);
    await pass(2_000);
    expect(await waiting).toBeInstanceOf(CallPendingError);
    end.resolve();
    await first;
  });

  it("passes errors on unchanged and runs again at the next call", async () => {
    const { replica } = world();
    const error = new Error("declined");
    const { charge, calls } = counted((call) => {
      if (call === 1) throw error;
      return call;
    });
    const once = idempotent(charge, { dedup: replica("a").dedup, key: (order) => order });
    await expect(once("1")).rejects.toBe(error);
    expect(await once("1")).toBe(2);
    expect(await once("1")).toBe(2);
    expect(calls()).toBe(2);
  });

  it("does not run again after a PermanentError if the deduplicator remembers it", async () => {
    const { replica } = world();
    const { charge, calls } = counted(() => {
      throw new PermanentError("no such card");
    });
    const { dedup } = replica("a", { onPermanentError: "remember" });
    const once = idempotent(charge, { dedup, key: (order) => order });
    await expect(once("1")).rejects.toThrow("no such card");
    await expect(once("1")).rejects.toBeInstanceOf(PermanentError);
    expect(calls()).toBe(1);
  });

  it("runs again once the window ended", async () => {
    const { replica, pass } = world();
    const { charge, calls } = counted((call) => call);
    const once = idempotent(charge, { dedup: replica("a").dedup, key: (order) => order });
    await once("1");
    await pass(WINDOW_MS + SKEW_MS + 1_000);
    expect(await once("1")).toBe(2);
    expect(calls()).toBe(2);
  });

  it("returns undefined and null as such, and a copy of everything else", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    for (const value of [undefined, null, 0, "", false, [], {}, [undefined], { value: 1 }]) {
      const once = idempotent(() => value, { dedup, key: () => "1", name: `f-${JSON.stringify(value)}` });
      expect(await once()).toBe(value);
      expect(await once()).toEqual(value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
    }
  });

  it("returns a result that cannot be kept to the first call, and throws ResultNotKeptError at later ones", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    for (const [name, value] of Object.entries({ large: "x".repeat(70_000), odd: 1n })) {
      const once = idempotent(() => value, { dedup, key: () => "1", name });
      expect(await once()).toBe(value);
      await expect(once()).rejects.toThrow(
        new ResultNotKeptError(
          `An earlier call of ${name} finished, but its result was not kept. Return a smaller or plainer value`,
        ),
      );
    }
  });

  it("throws ResultNotKeptError for a key that was committed by something else", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const once = idempotent(() => 1, { dedup, key: () => "1", name: "charge" });
    for (const [eventId, result] of Object.entries({ text: "done", list: [1], other: { receipt: 1 } })) {
      await dedup.guard({ subscriptionId: "charge", eventId }, () => result, { keepResult: true });
      const again = idempotent(() => 1, { dedup, key: () => eventId, name: "charge" });
      await expect(again()).rejects.toBeInstanceOf(ResultNotKeptError);
    }
    expect(await once()).toBe(1);
  });

  it("compares the fingerprints of the arguments", async () => {
    const { replica } = world();
    const amounts: number[] = [];
    const charge = (_order: string, amount: number) => amounts.push(amount);
    const once = idempotent(charge, {
      dedup: replica("a").dedup,
      key: (order) => order,
      fingerprint: (_order, amount) => String(amount),
    });
    await once("1", 10);
    expect(await once("1", 10)).toBe(1);
    await expect(once("1", 20)).rejects.toBeInstanceOf(FingerprintMismatchError);
    expect(amounts).toEqual([10]);
  });

  it("gets the reservation as `this`, under the key of its name and call", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const seen: string[] = [];
    function charge(this: { idempotencyKey: string }, _order: string): void {
      seen.push(this.idempotencyKey);
    }
    await idempotent(charge, { dedup, key: (order) => order })("1");
    const tenant = { workspaceId: "acme", subscriptionId: "charges", eventId: "1" };
    await idempotent(charge, { dedup, key: () => tenant })("1");
    expect(seen).toEqual(
      [{ subscriptionId: "charge", eventId: "1" }, tenant].map((one) => resolveIdentity(one).idempotencyKey),
    );
  });

  it.each([
    [{ name: "" }, "Expected `name` to be a string that is not empty, got `` (string)"],
    [{ key: "order" }, "Expected `options.key` to be a function, got `order` (string)"],
    [{ dedup: {} }, "Expected `dedup.guard` to be a function, got `undefined` (undefined)"],
    [{ fingerprint: 1 }, "Expected `fingerprint` to be a function, got `1` (number)"],
  ])("refuses %o when it is made", (wrong, message) => {
    const { dedup } = world().replica("a");
    const options = { dedup, key: () => "1", name: "charge", ...wrong };
    // @ts-expect-error a wrong option
    expect(() => idempotent(() => {}, options)).toThrow(new TypeError(message));
  });

  it.each([
    [1, "number"],
    ["", "string"],
    [undefined, "undefined"],
  ])("refuses the key %o without running", async (key, type) => {
    const { charge, calls } = counted(() => 1);
    // @ts-expect-error a wrong key
    const once = idempotent(charge, { dedup: world().replica("a").dedup, key: () => key });
    await expect(once("1")).rejects.toThrow(
      `Expected \`key\` to be a string that is not empty, got \`${key}\` (${type})`,
    );
    expect(calls()).toBe(0);
  });
});
