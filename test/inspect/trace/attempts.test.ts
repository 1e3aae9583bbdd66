import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attempt } from "../../../src/inspect/trace/attempt.ts";
import type { Attempts } from "../../../src/inspect/trace/attempts.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../../src/inspect/trace/recorder.ts";
import { anyStep, stepOf } from "./trace-events.ts";

/** Somebody who keeps up with the flights by what is told of them. */
class Reader {
  readonly #flights: Attempts;
  #version: number | undefined;
  #backlog: Iterator<Attempt> | undefined;
  readonly known = new Map<string, Attempt>();

  constructor(flights: Attempts) {
    this.#flights = flights;
  }

  /** Hears as much as fits into one message; says whether that was all. */
  hear(most: number): boolean {
    if (this.#backlog !== undefined) return this.#hearOf(this.#backlog, most);
    const changes = this.#version === undefined ? undefined : this.#flights.changesSince(this.#version);
    if (changes === undefined) {
      this.known.clear();
      const { version, flights } = this.#flights.standing();
      this.#version = version;
      return this.#hearOf(flights[Symbol.iterator](), most);
    }
    this.#version = this.#flights.version;
    for (const id of changes.gone) this.known.delete(id);
    return this.#hearOf(changes.set[Symbol.iterator](), most);
  }

  #hearOf(flights: Iterator<Attempt>, most: number): boolean {
    this.#backlog = flights;
    for (let heard = 0; heard < most; heard += 1) {
      const next = flights.next();
      if (next.done === true) {
        this.#backlog = undefined;
        return true;
      }
      this.known.set(next.value.id, { ...next.value });
    }
    return false;
  }

  hearAll(): void {
    while (!this.hear(100));
    // What changed while that was told.
    while (!this.hear(100));
  }
}

const shown = (flights: Iterable<Attempt>): readonly unknown[] =>
  [...flights].map((flight) => ({ ...flight })).toSorted((one, other) => one.id.localeCompare(other.id));

const event = fc.oneof(
  { weight: 5, arbitrary: anyStep.map((step) => ({ step })) },
  fc.record({ reader: fc.nat(1), most: fc.integer({ min: 1, max: 2 }) }),
);

describe("what is in flight", () => {
  it("is known to everybody who is told of the changes, however late and in how many pieces", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (events, flights, steps) => {
          const recorder = new TraceRecorder({ ...DEFAULT_LIMITS, flights, steps });
          const readers = [new Reader(recorder.flights), new Reader(recorder.flights)];
          for (const each of events) {
            if ("step" in each) recorder.record(each.step);
            else readers[each.reader]?.hear(each.most);
            expect(recorder.flights.size).toBeLessThanOrEqual(flights);
          }
          for (const reader of readers) {
            reader.hearAll();
            expect(shown(reader.known.values())).toEqual(shown(recorder.flights));
          }
        },
      ),
    );
  });

  it("is one holder a key, and those beside it that lost it or never had it", () => {
    const { flights, ...recorder } = recording();
    recorder.record(stepOf("reserved", "a", { fence: 1, revision: 1 }));
    recorder.record(stepOf("renewed", "a", { revision: 2, atMs: 10_000 }));
    expect(shown(flights)).toMatchObject([
      { id: "key of a", phase: "running", hold: "held", renewals: 1, revision: 2, leaseFromMs: 10_000, beganAtMs: 0 },
    ]);
    recorder.record(stepOf("expired", "a", { cause: "store-unavailable" }));
    recorder.record(stepOf("reserved", "a", { replica: "web-2", owner: "web-2", fence: 3 }));
    recorder.record(stepOf("unprotected", "a", { replica: "web-3", owner: "web-3" }));
    expect(shown(flights)).toMatchObject([
      { id: "key of a", owner: "web-2", hold: "held" },
      { id: "key of a web-1", owner: "web-1", hold: "lost" },
      { id: "key of a web-3", owner: "web-3", hold: "never" },
    ]);
    recorder.record(stepOf("dispatched", "a"));
    recorder.record(stepOf("failed", "a", { replica: "web-2" }));
    recorder.record(stepOf("expired", "a", { replica: "web-3" }));
    expect(shown(flights)).toMatchObject([{ phase: "releasing" }, { phase: "committing" }, { hold: "never" }]);
    recorder.record(stepOf("superseded", "a"));
    recorder.record(stepOf("released", "a", { replica: "web-2" }));
    recorder.record(stepOf("put-back", "a", { replica: "web-3" }));
    expect(flights.size).toBe(0);
  });

  it("is taken up where it is first seen", () => {
    const { flights, ...recorder } = recording();
    recorder.record(stepOf("renewed", "a", { fence: 1, revision: 5 }));
    recorder.record(stepOf("expired", "b", { cause: "lease-ended" }));
    recorder.record(stepOf("dispatched", "c"));
    expect(shown(flights)).toMatchObject([
      { id: "key of a", hold: "held", renewals: 1 },
      { id: "key of b web-1", hold: "lost" },
    ]);
  });

  it("ends without a word when its lease does", () => {
    const recorder = new TraceRecorder();
    recorder.record(stepOf("reserved", "a", { fence: 4, revision: 4 }));
    recorder.record(stepOf("reserved", "b", { atMs: 5_000 }));
    recorder.noteLapsed(31_999, 2_000);
    expect(recorder.flights.size).toBe(2);
    recorder.noteLapsed(32_000, 2_000);
    expect([...recorder.steps.after(2)]).toEqual([
      stepOf("lapsed", "a", { atMs: 32_000, fence: 4, revision: 4, durationMs: 32_000 }),
    ]);
    recorder.record(stepOf("reserved", "b", { atMs: 40_000, replica: "web-2" }));
    expect([...recorder.steps.after(3)].map(({ type, replica }) => [type, replica])).toEqual([
      ["lapsed", "web-1"],
      ["reserved", "web-2"],
    ]);
    expect(recorder.totals).toEqual({ reserved: 3, lapsed: 2 });
  });

  it("is given up for another holder without a lapse, where the lease still ran: it was given back", () => {
    const recorder = new TraceRecorder();
    recorder.record(stepOf("reserved", "a"));
    recorder.record(stepOf("reserved", "a", { atMs: 1_000, replica: "web-2", owner: "web-2" }));
    expect(recorder.totals).toEqual({ reserved: 2 });
    expect(shown(recorder.flights)).toMatchObject([{ owner: "web-2" }]);
  });
});

function recording() {
  const recorder = new TraceRecorder();
  return { flights: recorder.flights, record: (step: Parameters<TraceRecorder["record"]>[0]) => recorder.record(step) };
}
