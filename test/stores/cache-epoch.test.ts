import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import { CacheEpoch } from "../../src/stores/cache-epoch.ts";
import { held } from "../support/faulty-store.ts";
import { watched } from "../support/replicas.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** A cache-invalidation epoch that any number of replicas share. */
function sharedEpoch() {
  const clock = new SimulatedClock();
  let shared = 0;
  let reads = 0;
  let read = async (): Promise<number> => shared;
  const place = {
    read: () => {
      reads += 1;
      return read();
    },
    change: async () => {
      shared += 7;
      return shared;
    },
  };
  return {
    clock,
    reads: () => reads,
    /** Sets how the next reads behave. */
    readBy: (next: () => Promise<number>) => (read = next),
    replica: () => new CacheEpoch(clock, place),
    settle: () => clock.advanceAsync(0),
  };
}

describe("the cache-invalidation epoch of a replica", () => {
  it("is unknown until it is read, then valid for two seconds from when the read was sent", async () => {
    const { clock, replica, settle } = sharedEpoch();
    const epoch = replica();
    expect(epoch.epoch()).toBeUndefined();
    await settle();
    expect(epoch.epoch()).toBe(0);
    clock.advance(1_999);
    expect(epoch.epoch()).toBe(0);
    const asleep = replica();
    asleep.epoch();
    await settle();
    clock.advance(2_000);
    expect(asleep.epoch()).toBeUndefined();
  });

  it("is read at most once a second while it is used, and never while it is idle", async () => {
    const { clock, reads, replica, settle } = sharedEpoch();
    const epoch = replica();
    for (let ms = 0; ms < 10_000; ms += 50) {
      epoch.epoch();
      await settle();
      clock.advance(50);
    }
    expect(reads()).toBe(10);
    clock.advance(3_600_000);
    expect(reads()).toBe(10);
    expect(clock.timers).toBe(0);
  });

  it("is always known to a replica that keeps using it", async () => {
    const { clock, replica, settle } = sharedEpoch();
    const epoch = replica();
    epoch.epoch();
    await settle();
    for (let ms = 0; ms < 10_000; ms += 50) {
      expect(epoch.epoch()).toBe(0);
      await settle();
      clock.advance(50);
    }
  });

  it("is unknown while the store is unavailable, without additional reads", async () => {
    const { clock, readBy, reads, replica, settle } = sharedEpoch();
    const epoch = replica();
    epoch.epoch();
    await settle();
    readBy(async () => {
      throw new StoreUnavailableError("away", { ambiguous: false });
    });
    for (let ms = 0; ms < 5_000; ms += 50) {
      clock.advance(50);
      epoch.epoch();
      await settle();
    }
    expect(epoch.epoch()).toBeUndefined();
    expect(reads()).toBe(6);
  });

  it("ignores an answer that arrives after the answer to a later read", async () => {
    const { clock, readBy, replica, settle } = sharedEpoch();
    const epoch = replica();
    const slow = held();
    readBy(() => slow.fault(async () => 3).then(Number));
    epoch.epoch();
    clock.advance(1_000);
    readBy(async () => 10);
    epoch.epoch();
    await settle();
    await slow.go();
    await settle();
    expect(epoch.epoch()).toBe(10);
  });

  it("is replaced or expired on all replicas when `invalidate` resolves", async () => {
    const { clock, replica, settle } = sharedEpoch();
    const [operator, idle, busy] = [replica(), replica(), replica()];
    for (const epoch of [operator, idle, busy]) epoch.epoch();
    await settle();
    const announced = watched(operator.invalidate());
    await settle();
    expect(operator.epoch()).toBe(7);
    for (let ms = 0; ms < 2_000; ms += 50) {
      expect(announced.state()).toBe("waiting");
      busy.epoch();
      await clock.advanceAsync(50);
    }
    await settle();
    expect(announced.state()).toBe("resolved");
    expect(busy.epoch()).toBe(7);
    expect(idle.epoch()).toBeUndefined();
  });

  it("makes `invalidate` reject when the epoch cannot be written", async () => {
    const error = new StoreUnavailableError("away", { ambiguous: true });
    const epoch = new CacheEpoch(new SimulatedClock(), { read: async () => 0, change: () => Promise.reject(error) });
    await expect(epoch.invalidate()).rejects.toBe(error);
  });
});
