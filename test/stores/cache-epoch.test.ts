import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import { CacheEpoch } from "../../src/stores/cache-epoch.ts";
import { held } from "../support/faulty-store.ts";
import { watched } from "../support/replicas.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** A mark that any number of replicas share. */
function sharedMark() {
  const clock = new SimulatedClock();
  let mark = 0;
  let reads = 0;
  let read = async (): Promise<number> => mark;
  const place = {
    read: () => {
      reads += 1;
      return read();
    },
    change: async () => {
      mark += 7;
      return mark;
    },
  };
  return {
    clock,
    reads: () => reads,
    /** How the next reads go. */
    readBy: (next: () => Promise<number>) => (read = next),
    replica: () => new CacheEpoch(clock, place),
    settle: () => clock.advanceAsync(0),
  };
}

describe("the mark of clears, as a replica knows it,", () => {
  it("is unknown until it was read, and then relied on for two seconds from when it was asked for", async () => {
    const { clock, replica, settle } = sharedMark();
    const mark = replica();
    expect(mark.epoch()).toBeUndefined();
    await settle();
    expect(mark.epoch()).toBe(0);
    clock.advance(1_999);
    expect(mark.epoch()).toBe(0);
    const asleep = replica();
    asleep.epoch();
    await settle();
    clock.advance(2_000);
    expect(asleep.epoch()).toBeUndefined();
  });

  it("is read once a second at most, however often it is asked for, and not at all when it is not", async () => {
    const { clock, reads, replica, settle } = sharedMark();
    const mark = replica();
    for (let ms = 0; ms < 10_000; ms += 50) {
      mark.epoch();
      await settle();
      clock.advance(50);
    }
    expect(reads()).toBe(10);
    clock.advance(3_600_000);
    expect(reads()).toBe(10);
    expect(clock.timers).toBe(0);
  });

  it("is never unknown to those who ask all the time", async () => {
    const { clock, replica, settle } = sharedMark();
    const mark = replica();
    mark.epoch();
    await settle();
    for (let ms = 0; ms < 10_000; ms += 50) {
      expect(mark.epoch()).toBe(0);
      await settle();
      clock.advance(50);
    }
  });

  it("is unknown while the store is away, and asked for no more often then", async () => {
    const { clock, readBy, reads, replica, settle } = sharedMark();
    const mark = replica();
    mark.epoch();
    await settle();
    readBy(async () => {
      throw new StoreUnavailableError("away", { ambiguous: false });
    });
    for (let ms = 0; ms < 5_000; ms += 50) {
      clock.advance(50);
      mark.epoch();
      await settle();
    }
    expect(mark.epoch()).toBeUndefined();
    expect(reads()).toBe(6);
  });

  it("is not what an answer says that was overtaken by a later one", async () => {
    const { clock, readBy, replica, settle } = sharedMark();
    const mark = replica();
    const slow = held();
    readBy(() => slow.fault(async () => 3).then(Number));
    mark.epoch();
    clock.advance(1_000);
    readBy(async () => 10);
    mark.epoch();
    await settle();
    await slow.go();
    await settle();
    expect(mark.epoch()).toBe(10);
  });

  it("has been given up by all replicas when it is announced that keys were cleared", async () => {
    const { clock, replica, settle } = sharedMark();
    const [operator, idle, busy] = [replica(), replica(), replica()];
    for (const mark of [operator, idle, busy]) mark.epoch();
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

  it("is announced by nobody when it cannot be changed", async () => {
    const error = new StoreUnavailableError("away", { ambiguous: true });
    const mark = new CacheEpoch(new SimulatedClock(), { read: async () => 0, change: () => Promise.reject(error) });
    await expect(mark.invalidate()).rejects.toBe(error);
  });
});
